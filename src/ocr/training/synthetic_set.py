"""A small data set for machines that have none, made once and then kept."""

from pathlib import Path

from durable.lock import lock
from ocr.datasets.synthesize import write_pages


def detection_set(*, folder: str, pages: int, seed: int) -> Path:
    """Folder of `pages` synthetic receipts with their polygons, drawn only when it is not there yet.

    The same `seed` gives the same pages.
    """
    target = Path(folder) / f"synthetic-pages-{pages}-seed-{seed}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with lock(target):
        # Written after all the images: when it is there they are too.
        if not (target / "annotations.json").exists():
            write_pages(target, pages, seed)
    return target
