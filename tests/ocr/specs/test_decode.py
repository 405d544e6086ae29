import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr.errors import ConfigError
from ocr.schema import from_plain
from ocr.specs.decode import Decoded, DecodeSpec, decode, valid_steps
from ocr.text.charset import Charset
from ocr.text.tokenizer import CtcTokenizer, ParseqTokenizer

CTC = DecodeSpec(kind="ctc")
PARSEQ = DecodeSpec(kind="parseq")
ABC = Charset(tuple("abc"))
HANGUL = Charset(tuple(map(chr, range(0xAC00, 0xAC00 + 11172, 7))))


def logits_of(probabilities):
    return np.log(np.array(probabilities, np.float32) + 1e-9)[None]


def one_hot(ids, classes, *, sure=20.0):
    logits = np.zeros((1, len(ids), classes), np.float32)
    logits[0, range(len(ids)), ids] = sure
    return logits


def ctc_path(ids):
    """Each symbol twice, with a blank between equal neighbours: what a network writes."""
    path = [0]
    for i in ids:
        path += ([0] if path[-1] == i else []) + [i, i]
    return [*path, 0]


def test_ctc_merges_runs_and_drops_blanks():
    ids = [0, 1, 1, 0, 1, 2, 2, 2, 0, 3]
    assert decode(CTC, ABC, one_hot(ids, 4))[0].text == "aabc"


def test_ctc_confidence_is_the_mean_of_the_best_step_of_each_symbol():
    logits = logits_of([[0.1, 0.6, 0.2, 0.1], [0.05, 0.9, 0.03, 0.02], [0.97, 0.01, 0.01, 0.01], [0.2, 0.1, 0.7, 0.0]])
    read = decode(CTC, ABC, logits)[0]
    assert read.text == "ab"
    assert read.confidence == pytest.approx((0.9 + 0.7) / 2, abs=1e-6)


def test_ctc_tells_where_each_character_stands_in_the_valid_steps():
    path = [0, 1, 1, 1, 0, 2, 0, 3]
    both = np.concatenate([one_hot(path, 4), one_hot(path, 4)])
    whole, short = decode(CTC, ABC, both, [8, 6])
    assert whole.places == ((2 + 0.5) / 8, (5 + 0.5) / 8, (7 + 0.5) / 8)
    assert short.places == ((2 + 0.5) / 6, (5 + 0.5) / 6)


def test_parseq_reads_to_the_end_token_and_counts_it():
    logits = logits_of([[0.1, 0.8, 0.05, 0.05], [0.1, 0.1, 0.2, 0.6], [0.5, 0.2, 0.2, 0.1], [0.0, 1.0, 0.0, 0.0]])
    read = decode(PARSEQ, ABC, logits)[0]
    assert read.text == "ac"
    assert read.confidence == pytest.approx((0.8 + 0.6 + 0.5) / 3, abs=1e-6)
    assert read.places == ()


@pytest.mark.parametrize("spec", [CTC, PARSEQ])
def test_nothing_read_has_no_confidence(spec):
    assert decode(spec, ABC, one_hot([0, 0, 0], 4)) == [Decoded("", 0.0)]
    assert decode(spec, ABC, np.zeros((2, 0, 4), np.float32)) == [Decoded("", 0.0)] * 2
    assert decode(spec, ABC, np.zeros((0, 5, 4), np.float32)) == []


@pytest.mark.parametrize("spec", [CTC, PARSEQ])
def test_logits_of_another_charset_are_refused(spec):
    with pytest.raises(ConfigError, match="charset of 3 characters"):
        decode(spec, ABC, np.zeros((1, 5, 9), np.float32))


def test_max_length_cuts():
    assert decode(DecodeSpec(kind="parseq", max_length=2), ABC, one_hot([1, 2, 3, 0], 4))[0].text == "ab"
    assert decode(DecodeSpec(kind="ctc", max_length=2), ABC, one_hot([1, 2, 3, 0], 4))[0].text == "ab"


@pytest.mark.parametrize("charset", [Charset.default(), HANGUL], ids=["default", "hangul"])
def test_every_character_survives_encode_logits_decode(charset):
    ctc, parseq = CtcTokenizer(charset=charset), ParseqTokenizer(charset=charset)
    for start in range(0, len(charset), 200):
        text = "".join(c + c for c in charset.characters[start : start + 200])
        ids = ctc.encode(text)
        assert decode(CTC, charset, one_hot(ctc_path(ids), ctc.size))[0].text == text
        assert decode(PARSEQ, charset, one_hot(parseq.encode(text)[1:], parseq.head_size))[0].text == text


@given(data=st.data(), kind=st.sampled_from(["ctc", "parseq"]))
def test_text_and_confidence_do_not_depend_on_batch_mates(data, kind):
    spec = DecodeSpec(kind=kind)
    seed = data.draw(st.integers(0, 2**32 - 1))
    widths = data.draw(st.lists(st.integers(1, 12), min_size=1, max_size=5))
    rng = np.random.default_rng(seed)
    alone = [rng.normal(0, 3, (1, width, 4)).astype(np.float32) for width in widths]
    batch = rng.normal(0, 3, (len(widths), max(widths) + 3, 4)).astype(np.float32)
    for row, own in zip(batch, alone, strict=True):
        row[: own.shape[1]] = own[0]
    together = decode(spec, ABC, batch, widths)
    for own, read in zip(alone, together, strict=True):
        single = decode(spec, ABC, own)[0]
        assert read.text == single.text
        assert math.isclose(read.confidence, single.confidence, abs_tol=1e-6)
        assert 0.0 <= read.confidence <= 1.0


def test_half_precision_reads_the_same():
    logits = np.random.default_rng(0).normal(0, 3, (4, 9, 4)).astype(np.float16)
    wide = logits.astype(np.float32)
    for half, full in zip(decode(CTC, ABC, logits), decode(CTC, ABC, wide), strict=True):
        assert half.text == full.text
        assert half.confidence == pytest.approx(full.confidence, abs=1e-4)


def test_valid_steps_round_up_and_stay_in_range():
    assert valid_steps(np.array([1, 16, 17, 64, 80]), 64, 16).tolist() == [1, 4, 5, 16, 16]


def test_digest_follows_the_values():
    assert CTC.digest == DecodeSpec(kind="ctc").digest
    assert len({CTC.digest, PARSEQ.digest, DecodeSpec(kind="ctc", max_length=9).digest}) == 3


def test_certainty_is_that_of_the_whole_text_brought_to_what_was_observed():
    logits = logits_of([[0.1, 0.9, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.2, 0.0, 0.8, 0.0]])
    assert decode(CTC, ABC, logits)[0].certainty == pytest.approx(0.72, abs=1e-5)
    observed = replace(CTC, certainty=((0.0, 0.0), (0.72, 0.9), (1.0, 1.0)))
    assert decode(observed, ABC, logits)[0].certainty == pytest.approx(0.9, abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"certainty": ((0.0, 0.0),)}, "at least 2"),
        ({"certainty": ((0.5, 0.0), (0.2, 1.0))}, "points must rise"),
        ({"certainty": ((0.0, 0.6), (1.0, 0.5))}, "points must rise"),
        ({"certainty": ((0.0, 0.0), (1.0, 1.5))}, "within 0 to 1"),
        ({"kind": "parseq", "prior": {"sha256": "0" * 64, "weight": 1, "bonus": 0}}, "only a ctc recognizer"),
        ({"prior": {"sha256": "0" * 64, "weight": 0, "bonus": 0}}, "greater than 0"),
    ],
)
def test_specs_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        from_plain(DecodeSpec, {"kind": "ctc"} | changes)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("spec", [CTC, PARSEQ], ids=["ctc", "parseq"])
def test_logits_that_are_no_numbers_are_an_error_not_an_empty_text(spec, wrong):
    logits = one_hot([1, 2, 0], 4)
    logits[0, 1, 2] = wrong
    with pytest.raises(ConfigError, match="logits that are not numbers"):
        decode(spec, ABC, logits)
