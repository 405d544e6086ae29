import re
import zipfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr.metrics.cleval import CharacterCounts, CLEvalCounts, character_centres, count_page, scores

PUBLISHED = Path(__file__).with_name("cleval_published.tsv")
COLUMNS = ("recall", "precision", "hmean")


def quad(x0, y0, x1, y1):
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float32)


def published():
    expected = defaultdict(dict)
    for line in PUBLISHED.read_text(encoding="utf-8").splitlines()[2:]:
        name, image, *values = line.split("\t")
        expected[name][image] = [float(value) for value in values]
    return expected


def pages(path):
    """(polygons, texts) by image from a zip of `x1,y1,...,x4,y4,text` files; the tool takes quotes off a text."""
    result = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            rows = [line.split(",", 8) for line in archive.read(name).decode("utf-8-sig").splitlines() if line]
            polygons = [np.array(row[:8], dtype=np.float32).reshape(4, 2) for row in rows]
            texts = [re.sub(r'^\s*"(.*)"\s*$', r"\1", row[8]) for row in rows]
            result[re.sub(r"gt_|res_|\.txt", "", name)] = (polygons, texts)
    return result


def six(counts):
    both = scores(counts.detection), scores(counts.end_to_end)
    return [getattr(score, column) for score in both for column in COLUMNS]


@pytest.mark.parametrize(
    ("name", "stem", "also_ignored"),
    [
        ("kr", "eval_doc_v1_kr", lambda i: False),
        ("kr_single", "eval_doc_v1_kr_single", lambda i: False),
        ("kr_ignore", "eval_doc_v1_kr", lambda i: i % 7 == 3),
    ],
)
def test_published_scores_are_reproduced_per_image_and_in_total(ocr_data, name, stem, also_ignored):
    folder = ocr_data / "cleval"
    truth, predicted = pages(folder / f"gt_{stem}.zip"), pages(folder / f"res_{stem}.zip")
    expected = published()[name]
    assert expected.keys() - {"TOTAL"} == truth.keys() == predicted.keys()
    total = CLEvalCounts()
    for image, (polygons, texts) in truth.items():
        ignore = [text == "###" or also_ignored(i) for i, text in enumerate(texts)]
        counts = count_page(*predicted[image], polygons, texts, ignore)
        assert six(counts) == pytest.approx(expected[image], abs=1e-6), image
        total += counts
    assert six(total) == pytest.approx(expected["TOTAL"], abs=1e-6)


def test_totals_are_the_figures_in_the_tool_s_own_tests():
    assert published()["kr"]["TOTAL"][2] == pytest.approx(0.977989360950786)
    assert published()["kr"]["TOTAL"][5] == pytest.approx(0.9165773847119407)


def test_a_text_split_in_two_costs_one_character_of_recall():
    counts = count_page([quad(0, 0, 50, 10), quad(50, 0, 100, 10)], ["ab", "cd"], [quad(0, 0, 100, 10)], ["abcd"], [0])
    assert counts.detection == CharacterCounts(truth=4, predicted=4, found=4, penalty_recall=1)
    assert scores(counts.end_to_end).recall == 0.75
    assert scores(counts.end_to_end).precision == 1.0


def test_two_texts_joined_cost_one_character_of_precision():
    truth = [quad(0, 0, 50, 10), quad(60, 0, 100, 10)]
    counts = count_page([quad(0, 0, 100, 10)], ["abcd"], truth, ["ab", "cd"], [False, False])
    assert counts.end_to_end == CharacterCounts(truth=4, predicted=4, found=4, penalty_precision=1)


def test_split_parts_are_read_in_the_order_of_the_text_not_of_the_predictions():
    parts = [quad(50, 0, 100, 10), quad(0, 0, 50, 10)]
    counts = count_page(parts, ["cd", "ab"], [quad(0, 0, 100, 10)], ["abcd"], [False])
    assert counts.end_to_end.found == 4


def test_a_second_box_on_the_same_text_lowers_precision():
    box = quad(0, 0, 100, 10)
    counts = count_page([box, box], None, [box], ["abcd"], [False])
    assert counts.detection == CharacterCounts(truth=4, predicted=8, found=4, penalty_recall=1)


def test_a_false_box_costs_one_character_and_a_tall_one_up_to_ten():
    wide = count_page([quad(0, 0, 100, 10)], ["xyz"], [], [], [])
    tall = count_page([quad(0, 0, 10, 1000)], ["xyz"], [], [], [])
    assert wide.detection.predicted == 1
    assert tall.detection.predicted == 10
    assert wide.end_to_end.predicted == 3
    assert scores(wide.detection) == scores(CharacterCounts())


def test_what_lies_in_an_ignored_region_counts_neither_way():
    truth, ignore = [quad(0, 0, 100, 10), quad(0, 20, 100, 30)], [False, True]
    counts = count_page(truth, ["abcd", "?"], truth, ["abcd", "###"], ignore)
    assert counts.detection == CharacterCounts(truth=4, predicted=4, found=4)
    assert counts.end_to_end.predicted == 4


def test_an_ignored_region_gives_way_to_the_text_inside_it():
    truth, ignore = [quad(0, 0, 100, 10), quad(-20, -20, 120, 30)], [False, True]
    counts = count_page([truth[0]], ["abcd"], truth, ["abcd", ""], ignore)
    assert counts.end_to_end == CharacterCounts(truth=4, predicted=4, found=4)


def test_case_can_be_put_aside():
    box = [quad(0, 0, 100, 10)]
    assert count_page(box, ["ABCD"], box, ["abcd"], [False]).end_to_end.found == 0
    assert count_page(box, ["ABCD"], box, ["abcd"], [False], case_sensitive=False).end_to_end.found == 4


def test_invalid_polygons_are_a_false_character_and_a_text_left_out():
    line = np.array([(0, 0), (10, 0)], dtype=np.float32)
    counts = count_page([line], ["ab"], [line], ["abcd"], [False])
    assert counts.detection == CharacterCounts(predicted=1)
    assert counts.end_to_end == CharacterCounts(predicted=2)


def test_a_page_without_anything_has_no_counts():
    assert count_page([], [], [], [], []) == CLEvalCounts()


def test_centres_of_a_tall_box_run_along_it():
    assert character_centres(quad(0, 0, 10, 100), 2) == pytest.approx(np.array([(5, 75), (5, 25)]))


def test_centres_follow_a_bent_polygon():
    bent = np.array([(0, 0), (50, 0), (50, 50), (40, 50), (40, 10), (0, 10)], dtype=np.float32)
    centres = character_centres(bent, 10)
    assert centres[0] == pytest.approx((4.5, 5), abs=0.5)
    assert centres[-1][0] == pytest.approx(45, abs=1)
    assert centres[-1][1] > 40


def test_an_odd_number_of_corners_is_taken_too():
    pentagon = np.array([(0, 0), (100, 0), (110, 5), (100, 10), (0, 10)], dtype=np.float32)
    centres = character_centres(pentagon, 4)
    assert ((centres[:, 1] >= 0) & (centres[:, 1] <= 10)).all()
    assert (np.diff(centres[:, 0]) > 0).all()


@given(st.integers(-999, 999), st.integers(-999, 999), st.integers(20, 500), st.integers(5, 18), st.integers(1, 30))
def test_a_prediction_equal_to_the_truth_finds_every_character(x, y, width, height, length):
    # Quarters of a pixel: nothing here may depend on whole coordinates.
    box, text = quad(x, y, x + width, y + height) / 4, "x" * length
    counts = count_page([box], [text], [box], [text], [False])
    assert counts.detection.found == counts.detection.truth == length
    assert scores(counts.end_to_end).hmean == 1.0
