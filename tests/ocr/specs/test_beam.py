import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr.errors import ConfigError
from ocr.specs.beam import Beam, search
from ocr.specs.decode import DecodeSpec, PriorSpec, decode
from ocr.text.charset import Charset
from ocr.text.prior import END, build_prior, fold

PRIOR = build_prior(["55.50", "5.05", "SOS SOS"])
CHARACTERS = ("", "5", "S", "0")
SHA = "0" * 64


def collapsed(ids):
    return "".join(CHARACTERS[i] for i, _ in itertools.groupby(ids))


def probabilities(rows):
    return st.lists(st.lists(st.floats(0.02, 1), min_size=4, max_size=4), min_size=1, max_size=rows).map(
        lambda values: [[v / sum(row) for v in row] for row in values]
    )


@given(probabilities(5), st.floats(0, 1), st.floats(-0.5, 0.5))
def test_a_wide_search_finds_the_best_of_all_texts(rows, weight, bonus):
    totals = {}
    for path in itertools.product(range(4), repeat=len(rows)):
        text = collapsed(path)
        totals[text] = totals.get(text, 0.0) + math.prod(row[i] for row, i in zip(rows, path, strict=True))

    def value(text):
        state, score = PRIOR.start(), 0.0
        for character in map(fold, text):
            score += weight * PRIOR.log_probability(state, character) + bonus
            state = PRIOR.after(state, character)
        return math.log(totals[text]) + score + weight * PRIOR.log_probability(state, END)

    found = search([list(enumerate(row)) for row in rows], CHARACTERS, PRIOR, Beam(2000, weight, bonus))
    best = max(map(value, totals))
    assert value(found.text) == pytest.approx(best, abs=1e-6)
    assert len(found.peaks) == len(found.text)
    assert found.share == pytest.approx(1 / sum(math.exp(value(text) - best) for text in totals), abs=1e-6)


def test_the_prior_decides_between_look_alikes_and_looks_decide_the_rest():
    spec = DecodeSpec(kind="ctc", prior=PriorSpec(sha256=SHA, weight=0.5, bonus=0.5))
    charset = Charset(tuple(CHARACTERS[1:]))
    doubtful = np.array([[[0.02, 0.4, 0.56, 0.02], [0.98, 0.01, 0.005, 0.005], [0.02, 0.95, 0.02, 0.01]]])
    sure = np.array([[[0.0005, 0.0005, 0.9985, 0.0005], [0.98, 0.01, 0.005, 0.005], [0.02, 0.95, 0.02, 0.01]]])
    plain = DecodeSpec(kind="ctc")
    assert decode(plain, charset, np.log(doubtful))[0].text == "S5"
    read = decode(spec, charset, np.log(doubtful), prior=PRIOR)[0]
    assert read.text == "55"
    assert read.confidence == pytest.approx((0.4 + 0.95) / 2)
    assert read.places == pytest.approx((0.5 / 3, 2.5 / 3))
    assert 0.5 < read.certainty < 0.95
    assert decode(spec, charset, np.log(sure), prior=PRIOR)[0].text == "S5"


def test_the_longest_text_is_kept_to():
    spec = DecodeSpec(kind="ctc", max_length=1, prior=PriorSpec(sha256=SHA, weight=0.5, bonus=0.5))
    rows = np.log(np.array([[[0.01, 0.97, 0.01, 0.01], [0.97, 0.01, 0.01, 0.01], [0.01, 0.97, 0.01, 0.01]]]))
    assert decode(spec, Charset(("5", "S", "0")), rows, prior=PRIOR)[0].text == "5"


def test_padding_is_not_looked_at_and_an_empty_crop_reads_as_nothing():
    spec = DecodeSpec(kind="ctc", prior=PriorSpec(sha256=SHA, weight=0.5, bonus=0.5))
    rows = np.log(np.array([[[0.97, 0.01, 0.01, 0.01], [0.01, 0.97, 0.01, 0.01]]]))
    read = decode(spec, Charset(("5", "S", "0")), rows, lengths=[1], prior=PRIOR)
    assert [(one.text, one.confidence, one.certainty) for one in read] == [("", 0.0, 0.0)]


@pytest.mark.parametrize("prior", [None, PRIOR])
def test_a_spec_and_its_prior_come_together(prior):
    spec = DecodeSpec(kind="ctc", prior=None if prior else PriorSpec(sha256=SHA, weight=0.5, bonus=0.5))
    with pytest.raises(ConfigError, match="go together"):
        decode(spec, Charset(("5", "S", "0")), np.zeros((1, 2, 4)), prior=prior)
