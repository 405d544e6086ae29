"""Words of a line, and lines gathered into rows: what formats and fields need beyond the page result.

Where the recognizer does not tell the places of words, they get the share of the line that their characters take, wide
ones (Hangul, CJK) counted double: an estimate.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocr.formats.page import Line, Page
from ocr.geometry.crop import TALL
from ocr.geometry.quad import Quad, polygon_quad, quad_size
from ocr.geometry.turn import quarters_to_upright, turn_back

_SAME_ROW = 0.5


class Word(NamedTuple):
    """A word between spaces and its quad in pixels."""

    text: str
    quad: Quad


class Box(NamedTuple):
    """Whole pixels, none outside the image."""

    x_min: int
    y_min: int
    x_max: int
    y_max: int


def line_quad(line: Line) -> Quad:
    """Quad (4,2) of a line."""
    return polygon_quad(np.array(line.polygon, dtype=np.float32))


def words(line: Line) -> list[Word]:
    """Words of a line in order, with their quads; none when the text is blank.

    Text of a line that stands runs down; a single character that stands is no more than narrow.
    """
    texts = line.text.split()
    spans = line.spans if len(line.spans) == len(texts) else _estimated(line.text.strip())
    quad = line_quad(line)
    width, height = quad_size(quad)
    if height > TALL * width:
        if len(line.text.strip()) == 1:
            return [Word(texts[0], quad)]
        quad = np.roll(quad, -1, axis=0)
    return [Word(text, _between(quad, *span)) for text, span in zip(texts, spans, strict=True)]


def box(polygon: NDArray[np.float32], width: int, height: int) -> Box:
    """Box of a polygon, clipped to an image of (width, height) pixels and at least one pixel wide and high."""
    low, high = np.floor(polygon.min(axis=0)), np.ceil(polygon.max(axis=0))
    x_min, y_min = min(max(int(low[0]), 0), width - 1), min(max(int(low[1]), 0), height - 1)
    return Box(x_min, y_min, max(x_min + 1, min(int(high[0]), width)), max(y_min + 1, min(int(high[1]), height)))


def upright(page: Page) -> Page:
    """The page as if its image were turned so that most of the text runs to the right: what `rows` asks for."""
    quads = [np.array(line.polygon, np.float32) for line in page.lines if len(line.polygon) == 4]
    quarters = quarters_to_upright(quads)
    if quarters == 0:
        return page
    width, height = page.image.width, page.image.height
    size = (width, height) if quarters == 2 else (height, width)
    lines = [
        replace(line, polygon=[(x, y) for x, y in turn_back(np.array(line.polygon), -quarters, size).tolist()])
        for line in page.lines
    ]
    return replace(page, image=replace(page.image, width=size[0], height=size[1]), lines=lines)


def rows(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines that stand side by side, in the order of the first of each; a row goes from the left.

    A line belongs to the row before it when their middles are less than half a line apart.
    """
    found: list[list[Line]] = []
    for line in lines:
        if found and _beside(found[-1], line):
            found[-1].append(line)
        else:
            found.append([line])
    return [sorted(row, key=lambda one: min(x for x, _ in one.polygon)) for row in found]


def _beside(row: Sequence[Line], line: Line) -> bool:
    heights = [high - low for low, high in map(_span, [*row, line])]
    middles = [sum(_span(one)) / 2 for one in row]
    return abs(median(middles) - sum(_span(line)) / 2) < _SAME_ROW * median(heights)


def _span(line: Line) -> tuple[float, float]:
    ordinates = [y for _, y in line.polygon]
    return min(ordinates), max(ordinates)


def _estimated(text: str) -> list[tuple[float, float]]:
    """Where each word of a text begins and ends, in shares of its width, by how wide characters are on average."""
    total = _advance(text)
    return [
        (_advance(text[: word.start()]) / total, _advance(text[: word.end()]) / total)
        for word in re.finditer(r"\S+", text)
    ]


def _advance(text: str) -> float:
    """Width of a text in average Latin characters."""
    return sum(2.0 if unicodedata.east_asian_width(character) in "WF" else 1.0 for character in text)


def _between(quad: Quad, start: float, end: float) -> Quad:
    """The part of a quad between two shares of its width."""
    top_left, top_right, bottom_right, bottom_left = quad
    top, bottom = top_right - top_left, bottom_right - bottom_left
    corners = [top_left + start * top, top_left + end * top, bottom_left + end * bottom, bottom_left + start * bottom]
    return np.array(corners, dtype=np.float32)
