import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr.errors import ConfigError
from ocr.text.prior import END, Prior, build_prior, fold

TEXTS = ["519537-X", "RM 5.50", "RM 15.00", "SMOOTH DRAUGHT", "smooth", "한글 500"]


def score(prior, text):
    state, total = prior.start(), 0.0
    for character in [*map(fold, text), END]:
        total += prior.log_probability(state, character)
        state = prior.after(state, character)
    return total


@given(st.lists(st.text(alphabet="AB1. ", max_size=8), min_size=1), st.integers(1, 4), st.text("AB1.Z", max_size=6))
def test_in_every_state_the_probabilities_sum_to_one(texts, order, before):
    if not any(texts):
        texts = ["A"]
    prior = build_prior(texts, order=order)
    state = prior.start()
    for character in before:
        state = prior.after(state, character)
    # START follows nothing; the last stand for all characters outside the alphabet, of which it is one more.
    everything = [*prior.alphabet[1:], "\x00", "\x01"]
    total = sum(math.exp(prior.log_probability(state, character)) for character in everything)
    assert total == pytest.approx(1, abs=0.13)  # up to four costs, each rounded to a sixteenth of a nat


@pytest.mark.parametrize(("right", "wrong"), [("5.50", "S.50"), ("SMOOTH", "SM0OTH"), ("RM 15.00", "RM 1S.00")])
def test_what_was_seen_is_likelier_than_its_look_alike(right, wrong):
    prior = build_prior(TEXTS)
    assert score(prior, right) > score(prior, wrong) + 1


def test_case_makes_no_difference():
    assert score(build_prior(["ab"]), "AB") == score(build_prior(["AB"]), "ab")
    assert fold("ß") == "ß"  # its capital is two characters


def test_the_file_gives_the_same_prior_back():
    prior = build_prior(TEXTS)
    again = Prior.from_bytes(prior.to_bytes())
    assert again.to_bytes() == prior.to_bytes()
    assert [score(again, text) for text in [*TEXTS, "other"]] == [score(prior, text) for text in [*TEXTS, "other"]]


def test_what_it_remembers_is_bounded(monkeypatch):
    monkeypatch.setattr("ocr.text.prior._REMEMBERED", 3)
    prior = build_prior(TEXTS)
    first = score(prior, "RM 5.50")
    assert len(prior._remembered) <= 3
    assert score(prior, "RM 5.50") == first


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: b"", "is not a character prior"),
        (lambda data: b"x" + data, "is not a character prior"),
        (lambda data: data[:-1], "is truncated or damaged"),
        (lambda data: data[:11] + b"\x03" + data[12:], "has an alphabet that does not fit"),
    ],
)
def test_a_damaged_file_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Prior.from_bytes(change(build_prior(TEXTS).to_bytes()))


@pytest.mark.parametrize(
    ("texts", "order", "message"),
    [([], 3, "at least one text"), ([""], 3, "at least one text"), (["ab"], 40, "at most")],
)
def test_what_cannot_be_learnt_is_refused(texts, order, message):
    with pytest.raises(ConfigError, match=message):
        build_prior(texts, order=order)
