"""Write synthetic data sets that the readers read back."""

import random
from collections.abc import Callable
from pathlib import Path

from durable.replace import write_bytes
from ocr.datasets.annotations import Sample
from ocr.datasets.layouts import competition
from ocr.datasets.lmdb_crops import LmdbWriter, encode_jpeg
from ocr.datasets.synthetic import line, receipt
from ocr.errors import InputError
from ocr.text.charset import Charset

BATCH = 500  # lines per transaction: one alone costs a flush to the disk each


def write_pages(
    folder: Path, n: int, seed: int, *, charset: Charset | None = None, done: Callable[[], object] = lambda: None
) -> None:
    """Write `n` receipts as `images/NAME.jpg` and `annotations.json` (the competition's form); one in ten is long."""
    samples: list[Sample] = []
    try:
        (folder / "images").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(folder, f"cannot be made ({error.strerror})", "choose another folder") from error
    for number in range(n):
        rng = random.Random(f"page {seed} {number}")
        items = rng.randint(25, 60) if rng.random() < 0.1 else None
        page = receipt(rng.getrandbits(48), items=items, charset=charset)
        name = f"receipt-{number:05d}.jpg"
        write_bytes(folder / "images" / name, encode_jpeg(page.image, rng.randint(60, 95)))
        count = len(page.texts)
        texts: list[str | None] = [*page.texts]
        samples.append(Sample(folder / "images" / name, page.polygons, texts, [False] * count, name))
        done()
    competition.write(folder / "annotations.json", samples)


def write_lines(
    folder: Path, n: int, seed: int, *, charset: Charset | None = None, done: Callable[[], object] = lambda: None
) -> None:
    """Write `n` lines to an LMDB folder; one of the same words that was interrupted goes on."""
    charset = charset or Charset.default()
    spec = {"format": 1, "synthetic lines": n, "seed": seed, "charset": charset.digest}
    with LmdbWriter(folder, spec=spec) as writer:
        for start in range(0, n, BATCH):
            stop = min(n, start + BATCH)
            if writer.has(f"lines from {start}"):
                continue
            crops = []
            for number in range(start, stop):
                rng = random.Random(f"crop {seed} {number}")
                image, text = line(rng.getrandbits(48), charset=charset)
                height, width = image.shape[:2]
                meta = {"source": "synthetic", "line": number, "width": width, "height": height, "case_free": False}
                crops.append((encode_jpeg(image), text, meta))
                done()
            writer.add(f"lines from {start}", crops)
