"""Charsets: ordered, NFC, saved and read the same, and strict about what they are made from."""

import json
import unicodedata
from pathlib import Path

import pytest

from ocr.errors import ConfigError, InputError
from ocr.text.charset import Charset

HANGUL = tuple(map(chr, range(0xAC00, 0xD7A4)))


def test_the_default_is_printable_ascii_and_six_symbols() -> None:
    default = Charset.default()
    assert "".join(default.characters) == "".join(map(chr, range(0x20, 0x7F))) + "€£¥₩°©"
    assert len(default) == 101
    assert default.index("!") == 1
    assert "한" not in default


@pytest.mark.parametrize("characters", [Charset.default().characters, HANGUL, (" ", "[", "]", '"', "\\", "é", "한")])
@pytest.mark.parametrize("form", ["saved", "line", "column", "list", "bom"])
def test_every_way_to_write_a_charset_reads_back_in_order(tmp_path: Path, characters: tuple, form: str) -> None:
    path = tmp_path / "charset"
    if form == "saved":
        Charset(characters).save(path)
    elif form == "list":
        path.write_text(json.dumps(characters), encoding="utf-8")
    else:
        text = ("\n" if form == "column" else "").join(characters) + "\n"
        path.write_text(text, encoding="utf-8-sig" if form == "bom" else "utf-8")
    assert Charset.from_file(path) == Charset(characters)
    assert Charset.from_file(path).digest == Charset(characters).digest


def test_the_digest_is_of_the_characters_and_their_order() -> None:
    assert Charset(("a", "b")).digest != Charset(("b", "a")).digest
    assert Charset(("a", "b")).digest == "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603"


def test_from_texts_is_sorted_and_composed() -> None:
    texts = ["bab", unicodedata.normalize("NFD", "é한")]
    assert Charset.from_texts(texts).characters == ("a", "b", "é", "한")


def test_missing_names_each_character_once_in_order() -> None:
    assert Charset.default().missing("합계 합 ₩5 ½") == ["합", "계", "½"]
    assert Charset(HANGUL).missing(unicodedata.normalize("NFD", "한국")) == []


@pytest.mark.parametrize(
    ("characters", "message"),
    [
        ((), "empty"),
        (("a", "b", "a"), "'a' is there twice"),
        (("ab",), "'ab' is not a single NFC character"),
        (("",), "not a single NFC character"),
        (("\u212b",), "not a single NFC character"),  # the Angstrom sign composes to another character
        (("\ud800",), "not a single NFC character"),
    ],
)
def test_what_is_no_charset_is_refused(tmp_path: Path, characters: tuple, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Charset(characters)
    path = tmp_path / "charset.json"
    path.write_text(json.dumps({"charset": characters}))
    with pytest.raises(InputError, match=message):
        Charset.from_file(path)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00broken", b'{"vocab": 7}', b"[1, 2]"])
def test_a_file_that_is_no_charset_names_itself_and_the_remedy(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "charset"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"charset.*give one line of characters"):
        Charset.from_file(path)
