"""Find a shipped font by name or by what it can write."""

import json
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def _coverage() -> dict[str, tuple[str, list[list[int]]]]:
    """For each font its file and the ranges of code points it has glyphs for."""
    table: dict[str, list[list[int]]] = json.loads((FOLDER / "coverage.json").read_text(encoding="utf-8"))
    return {Path(file).stem: (file, ranges) for file, ranges in table.items()}


def font_names() -> tuple[str, ...]:
    """Return the names of all fonts; a name starts with its kind: mono, sans, serif or hangul."""
    return tuple(_coverage())


def font_path(name: str) -> Path:
    """Return the TrueType or OpenType file of a font; raises KeyError when there is none of that name."""
    return FOLDER / _coverage()[name][0]


def covers(name: str, text: str) -> bool:
    """Whether the font has a glyph for every character of the text."""
    return _characters(name).issuperset(text)


@cache
def _characters(name: str) -> frozenset[str]:
    return frozenset(chr(code) for low, high in _coverage()[name][1] for code in range(low, high + 1))


def fonts_for(text: str) -> list[str]:
    """Return the names of the fonts that have all characters of the text."""
    return [name for name in font_names() if covers(name, text)]
