"""Write synthetic data sets that the readers read back."""

import random
from collections.abc import Callable
from pathlib import Path

from durable.replace import write_bytes
from ocr.datasets.annotations import Sample
from ocr.datasets.layouts import competition
from ocr.datasets.layouts.json_file import load_json
from ocr.datasets.lmdb_crops import LmdbWriter, encode_jpeg
from ocr.datasets.synthetic import line, receipt
from ocr.errors import InputError
from ocr.text.charset import Charset

ANNOTATIONS = "annotations.json"
BATCH = 500  # lines per transaction: one alone costs a flush to the disk each


def write_pages(
    folder: Path, n: int, seed: int, *, charset: Charset | None = None, done: Callable[[], object] = lambda: None
) -> None:
    """Write `n` receipts as `images/NAME.jpg` and `annotations.json` (the competition's form); one in ten is long.

    A folder that holds the same may be written again. Raises InputError when it holds anything else, and leaves it.
    """
    names = [f"receipt-{number:05d}.jpg" for number in range(n)]
    _refuse_others(folder, set(names))
    samples: list[Sample] = []
    try:
        (folder / "images").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(folder, f"cannot be made ({error.strerror})", "choose another folder") from error
    for number, name in enumerate(names):
        rng = random.Random(f"page {seed} {number}")
        items = rng.randint(25, 60) if rng.random() < 0.1 else None
        page = receipt(rng.getrandbits(48), items=items, charset=charset)
        _write_new(folder, name, encode_jpeg(page.image, rng.randint(60, 95)))
        count = len(page.texts)
        texts: list[str | None] = [*page.texts]
        samples.append(Sample(folder / "images" / name, page.polygons, texts, [False] * count, name))
        done()
    truth = folder / ANNOTATIONS
    if truth.exists() and load_json(truth, competition.REMEDY) != competition.content(samples):
        raise _other_data(folder, f"other labels in {ANNOTATIONS}")
    competition.write(truth, samples)


def _refuse_others(folder: Path, images: set[str]) -> None:
    """Raise InputError when the folder holds what a run with these images does not write."""
    if not folder.is_dir():
        return
    found = [path for part in (folder, folder / "images") if part.is_dir() for path in sorted(part.iterdir())]
    own = {folder / "images", folder / ANNOTATIONS, *(folder / "images" / name for name in images)}
    for path in found:
        if path not in own and not path.name.startswith("."):
            raise _other_data(folder, str(path.relative_to(folder)))
    truth = folder / ANNOTATIONS
    if truth.exists() and {sample.name for sample in competition.read(truth, lambda _: None)} != images:
        raise _other_data(folder, f"labels of other images in {ANNOTATIONS}")


def _write_new(folder: Path, name: str, data: bytes) -> None:
    path = folder / "images" / name
    if not path.exists():
        write_bytes(path, data)
    elif path.read_bytes() != data:
        raise _other_data(folder, f"another images/{name}")


def _other_data(folder: Path, what: str) -> InputError:
    return InputError(folder, f"holds other data ({what})", "give a new folder, or the options it was made with")


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
