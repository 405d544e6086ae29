"""Word crops listed in a table: path, tab, label."""

from collections.abc import Iterator
from pathlib import Path

from ocr.datasets.annotations import Report, Sample, report_or_raise
from ocr.datasets.layouts.box_text import read_lines
from ocr.errors import AnnotationError, ImageError
from ocr.geometry.quad import box_quad
from ocr.images.load import read_header

TABLES = ("labels.tsv", "gt.txt")


def matches(path: Path) -> bool:
    """Whether the folder has a table of labels."""
    table = _table(path)
    return table is not None and "\t" in next((line for line in read_lines(table) if line), "")


def read(path: Path, report: Report | None) -> Iterator[Sample]:
    """Stream the words, in the order of the table; the polygon is the whole image (none when it cannot be read)."""
    table = _table(path) or path / TABLES[0]
    for number, line in enumerate(read_lines(table), start=1):
        if not line:
            continue
        name, tab, label = line.partition("\t")
        if not tab:
            error = AnnotationError(f"{table}:{number}", "has no tab", "write the path, a tab and the label")
            report_or_raise(error, report)
            continue
        image = path / name
        try:
            header = read_header(image)
            polygons = [box_quad(0, 0, header.width, header.height)]
        except ImageError:  # whoever loads the image gets this error again, with the image in hand
            polygons = []
        yield Sample(image, polygons, [label] * len(polygons), [False] * len(polygons), name)


def _table(path: Path) -> Path | None:
    return next((path / name for name in TABLES if (path / name).is_file()), None)
