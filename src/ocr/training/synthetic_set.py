"""A small data set for machines that have none, made once and then kept."""

from collections.abc import Iterator
from pathlib import Path

import cv2

from durable.lock import lock
from durable.replace import write_bytes
from ocr.datasets.annotations import Sample
from ocr.datasets.layouts import competition
from ocr.datasets.synthetic import receipt


def detection_set(*, folder: str, pages: int, seed: int) -> Path:
    """Folder of `pages` synthetic receipts with their polygons, drawn only when it is not there yet.

    The same `seed` gives the same pages.
    """
    target = Path(folder) / f"synthetic-pages-{pages}-seed-{seed}"
    target.mkdir(parents=True, exist_ok=True)
    with lock(target):
        # Written after all the images: when it is there they are too.
        if not (target / "annotations.json").exists():
            competition.write(target / "annotations.json", _draw(target, pages, seed))
    return target


def _draw(target: Path, pages: int, seed: int) -> Iterator[Sample]:
    for n in range(pages):
        page = receipt(seed * 100_000 + n)
        name = f"page-{n:04d}.jpg"
        write_bytes(target / name, cv2.imencode(".jpg", page.image[:, :, ::-1])[1].tobytes())
        yield Sample(target / name, page.polygons, list(page.texts), [False] * len(page.polygons), name)
