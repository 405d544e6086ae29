"""SROIE (Huang et al., ICDAR 2019): `box/ID.txt` beside `img/ID.jpg`. Labels are capitals, the print is mixed."""

from collections.abc import Iterator
from pathlib import Path

from ocr.datasets.annotations import Report, Sample
from ocr.datasets.layouts.box_text import image_folder, image_of, read_folder


def matches(path: Path) -> bool:
    """Whether the folder has `box` and an image folder."""
    return (path / "box").is_dir() and image_folder(path) is not None


def read(path: Path, report: Report | None) -> Iterator[Sample]:
    """Stream the receipts; their labels are case-free."""
    images = image_folder(path) or path
    files = [(boxes, image_of(images, boxes.stem)) for boxes in sorted((path / "box").glob("*.txt"))]
    return read_folder(files, report, case_free=True)
