"""Fonts: small enough to ship, licensed, and with a glyph for all they claim."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr.fonts.find import FOLDER, covers, font_names, font_path, fonts_for
from ocr.text.charset import Charset


def drawn(font: ImageFont.FreeTypeFont, character: str) -> bytes:
    image = Image.new("L", (60, 60))
    ImageDraw.Draw(image).text((10, 5), character, 255, font)
    return np.asarray(image).tobytes()


def test_all_fonts_together_stay_under_four_megabytes_and_have_their_licences() -> None:
    assert sum(file.stat().st_size for file in FOLDER.rglob("*") if file.is_file()) < 4_000_000
    sources = (FOLDER / "licences" / "SOURCES.md").read_text()
    cells = [row.split("|") for row in sources.splitlines() if row.startswith("| ")][1:]
    listed = {name.strip(): row[4].strip() for row in cells for name in row[1].split(",")}
    assert set(listed) == set(font_names())
    assert all((FOLDER / "licences" / file).is_file() or file == "the same" for file in listed.values() if "." in file)


@pytest.mark.parametrize("name", font_names())
def test_a_font_has_a_glyph_of_its_own_for_what_it_claims_to_cover(name: str) -> None:
    font = ImageFont.truetype(str(font_path(name)), 32)
    missing = drawn(font, "\uffff")
    sample = [*Charset.default().characters[1:], *"éüñ한글값쀍뷁"]
    for character in sample:
        if covers(name, character):
            assert drawn(font, character) != missing, character
        else:
            assert drawn(font, character) == missing, character


def test_every_kind_of_text_has_a_font() -> None:
    assert len(fonts_for("".join(Charset.default().characters))) >= 10
    assert set(fonts_for("서울 12,000")) == {"hangul", "hangul-all", "hangul-mono", "hangul-wide-bold"}
    assert "hangul-all" in fonts_for("".join(map(chr, range(0xAC00, 0xD7A4))))
    assert fonts_for("漢") == []
    with pytest.raises(KeyError):
        font_path("comic")
    assert isinstance(font_path("mono"), Path)
