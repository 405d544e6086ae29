"""ICDAR 2015 incidental scene text: `gt/gt_NAME.txt` beside `img/NAME.jpg`; ``###`` is to be ignored."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from durable.replace import write_text
from ocr.datasets.annotations import Report, Sample
from ocr.datasets.layouts.box_text import UNREADABLE, box_lines, image_folder, image_of, read_folder


def matches(path: Path) -> bool:
    """Whether the folder has `gt` with text files, and an image folder."""
    return image_folder(path) is not None and next((path / "gt").glob("*.txt"), None) is not None


def pairs(path: Path) -> list[tuple[Path, Path]]:
    """Return (box file, image) by name."""
    images = image_folder(path) or path
    return [(boxes, image_of(images, boxes.stem.removeprefix("gt_"))) for boxes in sorted((path / "gt").glob("*.txt"))]


def read(path: Path, report: Report | None) -> Iterator[Sample]:
    """Stream the images."""
    return read_folder(pairs(path), report, unreadable=UNREADABLE)


def write(path: Path, samples: Iterable[Sample]) -> None:
    """Write `gt/gt_NAME.txt` for each image."""
    (path / "gt").mkdir(parents=True, exist_ok=True)
    for sample in samples:
        write_text(path / "gt" / f"gt_{Path(sample.name).stem}.txt", box_lines(sample, keep_ignored=True))
