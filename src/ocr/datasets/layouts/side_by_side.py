"""Images with a box file of the same name beside them, as SROIE was released and WildReceipt is often passed on."""

from collections.abc import Iterator
from pathlib import Path

from ocr.datasets.annotations import Report, Sample
from ocr.datasets.layouts.box_text import IMAGE_SUFFIXES, UNREADABLE, eight_coordinates, read_folder, read_lines


def matches(path: Path) -> bool:
    """Whether some image has a text file beside it whose first line is a polygon and its text."""
    first = next(iter(_pairs(path)), None)
    if first is None:
        return False
    lines = [line for line in read_lines(first[0]) if line.strip()]
    return not lines or eight_coordinates(lines[0]) is not None


def read(path: Path, report: Report | None) -> Iterator[Sample]:
    """Stream the images that have a box file."""
    return read_folder(_pairs(path), report, unreadable=UNREADABLE)


def _pairs(path: Path) -> list[tuple[Path, Path]]:
    if not path.is_dir():
        return []
    images = sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
    return [(image.with_suffix(".txt"), image) for image in images if image.with_suffix(".txt").is_file()]
