"""SROIE (Huang et al., ICDAR 2019): `box/ID.txt` beside `img/ID.jpg`. Labels are capitals, the print is mixed."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from durable.replace import write_text
from ocr.datasets.annotations import Report, Sample
from ocr.datasets.layouts.box_text import box_lines, image_folder, image_of, read_folder


def matches(path: Path) -> bool:
    """Whether the folder has `box` and an image folder."""
    return (path / "box").is_dir() and image_folder(path) is not None


def read(path: Path, report: Report | None) -> Iterator[Sample]:
    """Stream the receipts; their labels are case-free."""
    images = image_folder(path) or path
    files = [(boxes, image_of(images, boxes.stem)) for boxes in sorted((path / "box").glob("*.txt"))]
    return read_folder(files, report, case_free=True)


def write(path: Path, samples: Iterable[Sample]) -> None:
    """Write `box/NAME.txt` for each image; what is to be ignored, or has no text, has no place in this form."""
    (path / "box").mkdir(parents=True, exist_ok=True)
    for sample in samples:
        write_text(path / "box" / f"{Path(sample.name).stem}.txt", box_lines(sample, keep_ignored=False))
