import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr.datasets.annotations import read_samples
from ocr.metrics.endtoend import WordCounts, WordScores, count_page_text, count_words, page_text, word_scores


def quad(x0, y0, x1, y1):
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float32)


def test_words_are_a_multiset_whatever_line_they_are_in():
    counts = count_words(["TOTAL RM 5.00", "CASH RM"], ["total rm", "Rm 6.00"])
    assert counts == WordCounts(matched=3, predicted=4, truth=5)
    assert word_scores(counts) == WordScores(0.75, 0.6, pytest.approx(2 * 3 / 9))


def test_case_counts_when_asked():
    assert count_words(["Total"], ["TOTAL"], case_sensitive=True).matched == 0


def test_counts_add_up_and_nothing_scores_zero():
    assert WordCounts(1, 2, 3) + WordCounts(1, 1, 1) == WordCounts(2, 3, 4)
    assert word_scores(WordCounts()) == WordScores(0.0, 0.0, 0.0)


def test_rows_are_read_from_the_top_and_within_a_row_from_the_left():
    lines = [
        (quad(200, 52, 250, 62), "5.00"),
        (quad(0, 0, 100, 10), "SHOP"),
        (quad(0, 50, 100, 60), "TOTAL"),
        (quad(0, 100, 50, 110), "CASH"),
    ]
    assert page_text(lines) == "SHOP TOTAL 5.00 CASH"


def test_a_tall_line_does_not_swallow_the_rows_beside_it():
    lines = [(quad(0, 0, 50, 90), "LOGO"), (quad(60, 0, 100, 10), "A"), (quad(60, 80, 100, 90), "B")]
    assert page_text(lines) == "A LOGO B"


def test_page_errors_ignore_case_and_spaces():
    counts = count_page_text([(quad(0, 0, 50, 10), "Total RM")], [(quad(0, 0, 50, 10), "TOTALRN")])
    assert (counts.errors, counts.characters) == (1, 7)


def test_a_receipt_read_right_has_no_errors_whatever_order_its_lines_come_in(ocr_data):
    sample = next(iter(read_samples(ocr_data / "sroie" / "val")))
    lines = list(zip(sample.polygons, sample.texts, strict=True))
    assert count_page_text(lines, lines[::-1]).errors == 0
    words = [text for _, text in lines]
    assert word_scores(count_words(words, words[::-1])).f1 == 1.0


@given(st.lists(st.text("ab ", max_size=5), max_size=6), st.lists(st.text("ab ", max_size=5), max_size=6))
def test_matched_words_are_bounded_by_both_sides_and_symmetric(a, b):
    counts = count_words(a, b)
    assert counts.matched <= min(counts.truth, counts.predicted)
    assert counts.matched == count_words(b, a).matched
