import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr.evaluation.measures import MEASURES, summarise
from ocr.metrics import cleval, detection, endtoend, recognition
from ocr.metrics.cleval import CharacterCounts
from ocr.metrics.detection import DetectionCounts
from ocr.metrics.endtoend import WordCounts
from ocr.metrics.recognition import TextCounts

small = st.integers(0, 20)


def values(pages):
    return {record.name: record.value for record in summarise(pages, "set", resamples=50)}


@given(st.lists(st.builds(DetectionCounts, small, st.integers(20, 40), st.integers(20, 40)), min_size=1, max_size=5))
def test_detection_figures_are_those_of_the_summed_counts(counts):
    scores = detection.scores(sum(counts, DetectionCounts()))
    found = values([{"detection": one} for one in counts])
    assert (found["precision"], found["recall"]) == (scores.precision, scores.recall)
    assert found["hmean"] == pytest.approx(scores.hmean)


@given(st.lists(st.builds(CharacterCounts, small, small, small, small, small), min_size=1, max_size=5))
def test_cleval_figures_are_those_of_the_summed_counts(counts):
    scores = cleval.scores(sum(counts, CharacterCounts()))
    found = values([{"cleval": one} for one in counts])
    assert (found["cleval_precision"], found["cleval_recall"]) == (scores.precision, scores.recall)
    assert found["cleval_hmean"] == pytest.approx(scores.hmean)


@given(st.lists(st.builds(WordCounts, small, st.integers(20, 40), st.integers(20, 40)), min_size=1, max_size=5))
def test_word_figures_are_those_of_the_summed_counts(counts):
    scores = endtoend.word_scores(sum(counts, WordCounts()))
    found = values([{"words": one} for one in counts])
    assert found["word_f1"] == pytest.approx(scores.f1)


@given(
    st.lists(st.builds(TextCounts, st.integers(1, 9), small, st.integers(0, 9), small, small), min_size=1, max_size=5)
)
def test_text_figures_are_those_of_the_summed_counts(counts):
    scores = recognition.scores(sum(counts, TextCounts()))
    found = values([{"text": one} for one in counts])
    assert found["accuracy"] == scores.accuracy
    assert found["one_minus_ned"] == pytest.approx(scores.one_minus_ned)
    assert found["cer"] == pytest.approx(scores.cer if sum(one.characters for one in counts) else 0.0)


def test_records_say_over_how_many_and_by_which_rule():
    records = summarise([{"words": WordCounts(1, 2, 3)}, {"words": WordCounts(1, 1, 1)}], "sroie/val")
    assert [(record.name, record.n) for record in records] == [
        ("word_precision", 3),
        ("word_recall", 4),
        ("word_f1", 4),
    ]
    assert {(record.data, record.protocol) for record in records} == {("sroie/val", MEASURES["words"].rule)}


def test_no_pages_give_no_figures():
    assert summarise([], "set") == []


def test_names_are_used_once():
    names = [measure.name for protocol in MEASURES.values() for measure in protocol.measures]
    assert len(names) == len(set(names))
