"""Labels found on readings with slips, and a classifier that learns them."""

from collections.abc import Callable

import numpy as np

from ocr.fields import learn
from ocr.fields.classifier import Classifier
from ocr.formats.page import Page

KEY = {
    "company": "NASI BERLIAN MAJU SDN BHD",
    "address": "NO. 12, JALAN MERANTI 3/4, TAMAN MERANTI JAYA, 47100 PUCHONG, SELANGOR",
    "date": "14/02/2018",
    "total": "11.45",
}


def test_lines_are_labelled_through_slips_of_the_reader(make: Callable[[list[str]], Page], rows: list[str]) -> None:
    read = [row.replace("BERLIAN", "BERL1AN").replace("PUCHONG", "PUCH0NG") for row in rows]
    assert learn.line_labels(make(read), KEY)[:7] == [1, 0, 2, 2, 2, 0, 0]
    assert set(learn.line_labels(make(read), {"company": "", "address": ""})) == {0}


def test_amounts_equal_to_the_total_are_labelled(make: Callable[[list[str]], Page], rows: list[str]) -> None:
    features, labels = learn.total_labels(make(rows), KEY)
    assert (len(features), sum(labels)) == (10, 1)


def test_a_classifier_learns_and_probabilities_add_up(make: Callable[[list[str]], Page], rows: list[str]) -> None:
    one = learn.example(make(rows), KEY, "a")
    model = learn.fit_lines([one])
    chances = model.probabilities(one.lines)
    assert chances.argmax(axis=1).tolist() == one.line_classes
    assert np.allclose(chances.sum(axis=1), 1)
    assert learn.fit_totals([one] * 3).probabilities(one.amounts).argmax(axis=1).tolist() == one.amount_classes
    assert isinstance(model, Classifier)
    assert model.probabilities([]).shape == (0, 3)


def test_words_are_those_of_several_merchants(make: Callable[[list[str]], Page], rows: list[str]) -> None:
    examples = [
        learn.example(make(rows[:3]), KEY | {"company": name}, group) for name, group in (("X", "a"), ("ABCDE", "b"))
    ]
    assert learn.words(examples, merchants=2) == ["JALAN", "MERANTI", "PUCHONG", "SELANGOR", "TAMAN"]
