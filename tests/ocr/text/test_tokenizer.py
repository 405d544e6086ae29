"""Tokenizers: every character of every charset comes back."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr.text.charset import Charset
from ocr.text.tokenizer import CtcTokenizer, ParseqTokenizer, Tokenizer

FEW = settings(max_examples=40, deadline=None)

HANGUL = Charset(tuple(map(chr, range(0xAC00, 0xD7A4))))
CHARSETS = {
    "default": Charset.default(),
    "hangul": HANGUL,
    "both": Charset((*Charset.default().characters, *HANGUL.characters)),
}
KINDS: list[type[CtcTokenizer | ParseqTokenizer]] = [CtcTokenizer, ParseqTokenizer]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> type:
    return request.param


@pytest.mark.parametrize("name", CHARSETS)
def test_every_character_makes_the_round_trip(kind: type, name: str) -> None:
    tokenizer: Tokenizer = kind(charset=CHARSETS[name])
    for character in CHARSETS[name].characters:
        assert tokenizer.decode(tokenizer.encode(character)) == character
    whole = "".join(CHARSETS[name].characters)
    assert tokenizer.decode(tokenizer.encode(whole)) == whole


@given(st.text(alphabet=CHARSETS["both"].characters, max_size=40))
@FEW
def test_every_text_makes_the_round_trip(text: str) -> None:
    for kind in KINDS:
        tokenizer = kind(charset=CHARSETS["both"])
        assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("text", ["[06]", "[PAD]", "[s] [GO]", "aabb", "", "  ", "^~`\\"])
def test_brackets_repeats_and_spaces_survive(kind: type, text: str) -> None:
    tokenizer = kind(charset=Charset.default())
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_decomposed_text_is_composed(kind: type) -> None:
    tokenizer = kind(charset=HANGUL)
    assert tokenizer.decode(tokenizer.encode(unicodedata.normalize("NFD", "영수증"))) == "영수증"


def test_unknown_characters_are_named_not_dropped(kind: type) -> None:
    with pytest.raises(ValueError, match="outside the charset: '합' '계'"):
        kind(charset=Charset.default()).encode("합계 5")


def test_the_sizes_are_those_of_the_papers() -> None:
    ascii_94 = Charset(tuple(map(chr, range(0x21, 0x7F))))
    ctc, parseq = CtcTokenizer(charset=ascii_94), ParseqTokenizer(charset=ascii_94)
    assert (ctc.size, ctc.blank, ctc.encode("!~")) == (95, 0, [1, 94])
    assert (parseq.size, parseq.head_size, parseq.embedding_size) == (95, 95, 97)
    assert (parseq.eos, parseq.bos, parseq.pad) == (0, 95, 96)
    assert parseq.encode("!~") == [95, 1, 94, 0]


def test_decode_passes_over_special_tokens() -> None:
    charset = Charset(("a", "b"))
    assert CtcTokenizer(charset=charset).decode([0, 1, 0, 1, 2, 0]) == "aab"
    parseq = ParseqTokenizer(charset=charset)
    assert parseq.decode([parseq.bos, 1, 2, parseq.pad, parseq.eos, 1, 1]) == "ab"
