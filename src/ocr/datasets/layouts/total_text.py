"""Total-Text (Ch'ng and Chan, 2017): as ICDAR 2015, but the polygons have any number of corners."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ocr.datasets.annotations import Report, Sample
from ocr.datasets.layouts import icdar2015
from ocr.datasets.layouts.box_text import UNREADABLE, LabelledPolygon, leading_numbers, read_folder, read_lines

CLEARLY_POLYGON = 12  # a transcript such as 1,200,000 lends a quad up to three more numbers


def matches(path: Path) -> bool:
    """Whether the first annotation file has a polygon of six or more corners."""
    if not icdar2015.matches(path):
        return False
    first = min((path / "gt").glob("*.txt"))
    return any(leading_numbers(line) >= CLEARLY_POLYGON for line in read_lines(first))


def polygon_then_text(line: str) -> LabelledPolygon | None:
    """Read ``x1,y1,...,xn,yn,transcript``; an odd number at the end is the transcript."""
    fields = line.split(",")
    count = min(leading_numbers(line), len(fields) - 1) // 2 * 2
    if count < 6:
        return None
    return LabelledPolygon(np.array(fields[:count], dtype=np.float32).reshape(-1, 2), ",".join(fields[count:]))


def read(path: Path, report: Report | None) -> Iterator[Sample]:
    """Stream the images."""
    return read_folder(icdar2015.pairs(path), report, parse=polygon_then_text, unreadable=UNREADABLE)
