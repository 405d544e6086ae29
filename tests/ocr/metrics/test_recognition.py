import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr.metrics.common_subsequence import common_subsequence
from ocr.metrics.edit_distance import edit_distance
from ocr.metrics.recognition import RecognitionScores, score_texts

texts = st.text(alphabet="abC 가", max_size=40)


def table_distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        above, row = row, [i]
        for j, y in enumerate(b):
            row.append(min(above[j] + (x != y), above[j + 1] + 1, row[j] + 1))
    return row[-1]


@given(texts, texts)
def test_distance_agrees_with_the_table(a, b):
    assert edit_distance(a, b) == edit_distance(b, a) == table_distance(a, b)


def test_distance_of_long_texts():
    page = "TOTAL 12.50 " * 200
    assert edit_distance(page, page[:-3] + "xyz") == 3
    assert edit_distance(page, "") == len(page)


@given(texts, texts)
def test_common_subsequence_is_in_both_and_as_long_as_can_be(a, b):
    common = common_subsequence(a, b)
    for text in (a, b):
        rest = iter(text)
        assert all(character in rest for character in common)
    # Insertions and deletions alone: the distance that a longest common subsequence gives bounds the other from above.
    assert edit_distance(a, b) <= len(a) + len(b) - 2 * len(common)
    assert len(common) >= max(len(a), len(b)) - edit_distance(a, b)


def test_scores_of_a_few_receipt_lines():
    pairs = [("TOTAL 12.50", "TOTAL 12.50"), ("CASH", "CASM"), ("CHANGE", "")]
    assert score_texts(pairs) == RecognitionScores(
        accuracy=pytest.approx(1 / 3), one_minus_ned=pytest.approx((1 + 0.75 + 0) / 3), cer=pytest.approx(7 / 21), n=3
    )


@pytest.mark.parametrize(
    ("truth", "predicted", "options"),
    [
        ("Total", "TOTAL", {"case_sensitive": False}),
        ("TOTAL RM 12", "TOTALRM12", {"ignore_spaces": True}),
        ("Total RM", "TOTALRM", {"case_sensitive": False, "ignore_spaces": True}),
        (" TOTAL  RM ", "TOTAL RM", {}),
        ("\u1112\u1161\u11ab", "한", {}),
        ("Straße", "STRASSE", {"case_sensitive": False}),
    ],
)
def test_what_counts_as_equal(truth, predicted, options):
    assert score_texts([(truth, predicted)], **options).accuracy == 1.0


@pytest.mark.parametrize(("truth", "predicted"), [("Total", "TOTAL"), ("A B", "AB")])
def test_case_and_spaces_count_unless_told_otherwise(truth, predicted):
    assert score_texts([(truth, predicted)]).accuracy == 0.0


def test_no_texts_and_empty_texts():
    assert score_texts([]) == RecognitionScores(0.0, 0.0, 0.0, 0)
    assert score_texts([("", "")]) == RecognitionScores(1.0, 1.0, 0.0, 1)
