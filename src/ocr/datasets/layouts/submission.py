"""The competition's submission: a CSV of `filename,polygons`, polygons as ``x1 y1 x2 y2 ...`` parted by ``|``."""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from durable.replace import write_text
from ocr.datasets.annotations import Report, Sample
from ocr.datasets.layouts.box_text import read_lines
from ocr.datasets.layouts.json_file import problem_with
from ocr.geometry.polygon import Polygon

FILE = "submission.csv"
COLUMNS = ["filename", "polygons"]
REMEDY = 'write the columns filename and polygons, as in a.jpg,"0 0 9 0 9 5 0 5|..."'


def matches(path: Path) -> bool:
    """Whether the path is, or holds, a CSV that begins with the two columns."""
    path = path / FILE if path.is_dir() else path
    return path.suffix == ".csv" and path.is_file() and read_lines(path)[0].replace('"', "").split(",")[:2] == COLUMNS


def read(path: Path, report: Report | None) -> Iterator[Sample]:
    """Stream the images by name; there are no texts in this form."""
    path = path / FILE if path.is_dir() else path
    samples: list[Sample] = []
    for number, row in enumerate(csv.DictReader(read_lines(path)), start=2):
        try:
            polygons = [_polygon(part) for part in (row["polygons"] or "").split("|") if part.strip()]
            name = row["filename"] or ""
        except (ValueError, KeyError) as error:
            problem_with(f"{path}:{number}", error, REMEDY, report)
            continue
        image = next(
            (folder / name for folder in (path.parent, path.parent / "images") if (folder / name).is_file()), None
        )
        nothing: list[str | None] = [None] * len(polygons)
        samples.append(Sample(image or path.parent / name, polygons, nothing, [False] * len(polygons), name))
    yield from sorted(samples, key=lambda sample: sample.name)


def write(path: Path, samples: Iterable[Sample]) -> None:
    """Write the polygons that are not to be ignored, in whole pixels; an image without one is left out."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for sample in samples:
        kept = [polygon for polygon, ignore in zip(sample.polygons, sample.ignore, strict=True) if not ignore]
        if kept:
            table.writerow([sample.name, "|".join(" ".join(str(round(float(v))) for v in one.ravel()) for one in kept)])
    write_text(path / FILE, out.getvalue())


def _polygon(text: str) -> Polygon:
    numbers = np.array(text.split(), dtype=np.float32)
    if len(numbers) < 6 or len(numbers) % 2:
        raise ValueError(f"{text[:40]!r} is no polygon")
    return numbers.reshape(-1, 2)
