"""The figures a run logged while it trained, by name."""

import csv
import math
from pathlib import Path

from ocr.errors import RecordError

METRICS = "metrics.csv"

Curve = list[tuple[int, float]]


def read_curves(folder: Path) -> dict[str, Curve]:
    """(step, value) of each figure of the run in ``folder``, by name, in the order logged; empty when it logged none.

    Values that are no finite numbers are left out. Raises RecordError when the file is there and has no steps.
    """
    path = folder / METRICS
    curves: dict[str, Curve] = {}
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as stream:
            rows = csv.DictReader(line.replace("\0", "") for line in stream)
            if rows.fieldnames is not None and "step" not in rows.fieldnames:
                raise RecordError(f"{path}: has no column 'step'; it is not what a run logs")
            for row in rows:
                step = _number(row.get("step"))
                for name, text in row.items() if step is not None else ():
                    value = _number(text)
                    if name not in (None, "step", "epoch") and value is not None:
                        curves.setdefault(name, []).append((int(step or 0), value))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror})") from error
    return dict(sorted(curves.items()))


def _number(text: object) -> float | None:
    try:
        value = float(str(text))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
