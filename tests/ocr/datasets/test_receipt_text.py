"""Receipt texts: every symbol of the grammar expands, within the charset, and every character turns up."""

import random
import string

import pytest

from ocr.datasets.receipt_text import SLOT, ReceiptText, _grammar
from ocr.text.charset import Charset

HANGUL = Charset((*Charset.default().characters, *map(chr, range(0xAC00, 0xD7A4))))
SYMBOLS = sorted(symbol.removesuffix(".ko") for symbol in _grammar())


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("hangul", [False, True])
def test_every_symbol_expands_to_text_of_the_charset(symbol: str, hangul: bool) -> None:
    source = ReceiptText(random.Random(symbol), HANGUL, hangul=hangul)
    for _ in range(30):
        text = source.draw(symbol)
        assert text == " ".join(text.split()) != ""
        assert not HANGUL.missing(text)


def test_slots_of_the_grammar_name_symbols_that_exist() -> None:
    known = set(_grammar()) | {"noise", "amount"}
    for choices, _ in _grammar().values():
        for choice in choices:
            assert {slot[4] for slot in SLOT.findall(choice) if slot[4]} <= known
            assert choice == "{" or "{" not in SLOT.sub("", choice)


def test_lines_show_every_character_of_the_charset_and_all_cases() -> None:
    source = ReceiptText(random.Random(1), Charset.default())
    lines = [source.draw("line") for _ in range(4000)]
    assert set("".join(lines)) == set(Charset.default().characters)
    assert sum(line.isupper() for line in lines) > 400
    assert sum(line != line.upper() and line != line.lower() for line in lines) > 800
    assert sum(any(c.isdigit() for c in line) for line in lines) > 1500


def test_korean_receipts_are_korean() -> None:
    source = ReceiptText(random.Random(1), HANGUL, hangul=True)
    lines = [source.draw("line") for _ in range(300)]
    assert sum(any("가" <= c <= "힣" for c in line) for line in lines) > 120


def test_a_small_charset_is_enough() -> None:
    source = ReceiptText(random.Random(1), Charset(tuple(string.digits)))
    assert all(source.draw("line").isdigit() for _ in range(300))
    assert ReceiptText(random.Random(1), Charset((" ",))).draw("noise").isspace()
