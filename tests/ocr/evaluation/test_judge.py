import unicodedata

import numpy as np
import pytest

from ocr.datasets.annotations import read_samples
from ocr.evaluation.judge import Truth, judge_detection, judge_reading, judge_texts
from ocr.evaluation.measures import summarise


def values(counts):
    return {record.name: record.value for record in summarise([counts], "set", resamples=10)}


def quad(x0, y0, x1, y1):
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float32)


@pytest.mark.parametrize("folder", ["sroie/val", "icdar2015/test", "curved"])
def test_the_truth_itself_is_perfect(ocr_data, folder):
    sample = max(read_samples(ocr_data / folder), key=lambda one: one.ignore.count(False))
    kept = [i for i, skip in enumerate(sample.ignore) if not skip]
    polygons, texts = [sample.polygons[i] for i in kept], [sample.texts[i] or "" for i in kept]
    found = values(judge_reading(Truth(sample.polygons, sample.texts, sample.ignore), polygons, texts)[0])
    assert found["hmean"] == found["word_f1"] == found["word_cased_f1"] == 1.0
    assert found["page_cer"] == 0.0
    assert found["cleval_hmean"] > 0.99


def test_hangul_is_equal_composed_or_not():
    composed = "영수증"
    truth = Truth([quad(0, 0, 90, 30)], [unicodedata.normalize("NFD", composed)], [False])
    found = values(judge_reading(truth, truth.polygons, [composed])[0])
    assert found["cleval_hmean"] == found["word_f1"] == 1.0
    assert values(judge_texts([(truth.texts[0], composed)]))["accuracy"] == 1.0


def test_regions_without_a_text_do_not_judge_reading():
    truth = Truth([quad(0, 0, 90, 30), quad(0, 50, 90, 80)], ["TOTAL", None], [False, False])
    found = values(judge_reading(truth, truth.polygons, ["TOTAL", "stamp"])[0])
    assert found["word_precision"] == found["precision"] == found["cleval_precision"] == 1.0


def test_regions_without_a_text_judge_detection():
    truth = Truth([quad(0, 0, 90, 30), quad(0, 50, 90, 80)], ["TOTAL", None], [False, False])
    counts, matching = judge_detection(truth, truth.polygons[1:])
    assert matching.pairs == [(0, 1)]
    assert (counts["detection"].matched, counts["detection"].truth) == (1, 2)
    assert (counts["cleval_detection"].found, counts["cleval_detection"].truth) == (1, 6)
