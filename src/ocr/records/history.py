"""Every number a run logged, from the tables it left."""

import csv
import math
import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from ocr.errors import RecordError

_NUMBERED = re.compile(r"metrics-(\d+)\.csv")


class Point(NamedTuple):
    """One value of a metric at a step."""

    step: int
    value: float


def read_history(folder: Path) -> dict[str, list[Point]]:
    """Points of each metric by step, from ``metrics.csv`` and, of a run that was resumed, the tables before it.

    Where a resumed run repeats steps, the later table counts. A last line that was cut off is passed over;
    RecordError when a table cannot be read.
    """
    found: dict[str, dict[int, float]] = defaultdict(dict)
    for path in _tables(folder):
        try:
            with path.open(encoding="utf-8", newline="") as stream:
                for row in csv.DictReader(stream):
                    _take(row, found)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise RecordError(f"{path}: cannot be read: {error}") from error
    return {name: [Point(*item) for item in sorted(points.items())] for name, points in sorted(found.items())}


def _tables(folder: Path) -> list[Path]:
    earlier = [
        (int(match[1]), path) for path in folder.glob("metrics-*.csv") if (match := _NUMBERED.fullmatch(path.name))
    ]
    last = folder / "metrics.csv"
    return [path for _, path in sorted(earlier)] + ([last] if last.exists() else [])


def _take(row: dict[str, str | None], found: dict[str, dict[int, float]]) -> None:
    try:
        step = int(row.get("step") or "")
    except ValueError:
        return
    for name, text in row.items():
        if name in ("step", None) or not text:
            continue
        try:
            value = float(text)
        except ValueError:
            continue
        if not math.isnan(value):
            found[name][step] = value
