"""Named metrics of a pulse: initial, now and target values, their history, and the table that shows them."""

import json
import re
import shlex
import subprocess
from collections.abc import Mapping
from typing import Any

from compass import clock, programs, tables
from compass.errors import CompassError
from compass.state import Metric, Pulse, Reading

Value = bool | float
HEADER = ("Metric", "Initial", "Now", "Target", "Status")
_TARGET = re.compile(r"(<=|>=|≤|≥|<|>|==?)?\s*(\S+)")
_YES = {"yes", "true", "ok", "✅"}
_NO = {"no", "false", "failed", "❌"}


def parse_value(text: str) -> Value:
    """A number, or a yes or no in one of its spellings."""
    word = text.strip().lower()
    if word in _YES | _NO:
        return word in _YES
    try:
        number = float(word.replace(",", ""))
    except ValueError:
        number = float("nan")
    if number != number or number in (float("inf"), float("-inf")):
        raise CompassError(f"metric value {text!r}: give a number, or yes or no")
    return number


def parse_target(text: str) -> str:
    """A target in its stored form: an optional `<=`, `>=`, `<`, `>` or `=`, then a number or yes or no."""
    found = _TARGET.fullmatch(text.strip())
    if found is None:
        raise CompassError(f"metric target {text!r}: give a number with or without <= or >= before it, or yes or no")
    sign = {"≤": "<=", "≥": ">=", "==": "=", None: ""}.get(found[1], found[1])
    return f"{sign}{show_value(parse_value(found[2]))}"


def show_value(value: Value | None) -> str:
    """A value as it stands in a table."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"


def reached(metric: Metric) -> bool | None:
    """Whether the newest value meets the target; None when either is missing.

    A bare number is a bound in the direction from the initial value to it: from 81 down to 7 means at most 7.
    """
    now = metric.now
    if metric.target is None or now is None:
        return None
    found = _TARGET.fullmatch(metric.target)
    if found is None:
        return None
    sign, bound = found[1] or "", parse_value(found[2])
    if isinstance(bound, bool) or isinstance(now, bool):
        return now is bound
    if not sign:
        start = metric.initial if isinstance(metric.initial, float) else bound
        sign = "<=" if start > bound else ">=" if start < bound else "="
    return {"<=": now <= bound, ">=": now >= bound, "<": now < bound, ">": now > bound, "=": now == bound}[sign]


def change(
    pulse: Pulse,
    name: str,
    *,
    now: Value | None,
    initial: Value | None,
    target: str | None,
    unit: str | None,
    source: str,
) -> Metric:
    """Set what is given of one metric; the first value is the initial one unless another was set."""
    if not name.strip() or not name.isprintable():
        raise CompassError(f"metric name {name!r}: give it a printable name, such as broken-imports")
    metric = pulse.metrics.setdefault(name, Metric())
    if initial is not None:
        metric.initial = initial
    if target is not None:
        metric.target = target
    if unit is not None:
        metric.unit = unit
    if now is not None:
        metric.history.append(Reading(at=clock.stamp(), value=now, source=source))
        if metric.initial is None:
            metric.initial = now
    return metric


def find(pulse: Pulse, name: str) -> Metric:
    """The metric called `name`; CompassError that lists the names there are."""
    if name not in pulse.metrics:
        known = ", ".join(sorted(pulse.metrics)) or "none yet; compass metric set NAME --now VALUE"
        raise CompassError(f"metric {name!r} is not in this pulse (there: {known})")
    return pulse.metrics[name]


def summary(metrics: Mapping[str, Metric]) -> list[dict[str, Any]]:
    """The metrics as plain data, in the order in which they were added."""
    return [
        {
            "name": name,
            "initial": metric.initial,
            "now": metric.now,
            "target": metric.target,
            "unit": metric.unit,
            "reached": reached(metric),
        }
        for name, metric in metrics.items()
    ]


def row(name: str, metric: Metric) -> tuple[str, str, str, str, str]:
    """One row of the table."""
    done = reached(metric)
    status = "-" if done is None else "complete" if done else "open"
    unit = f" {metric.unit}" if metric.unit else ""
    target = "-" if metric.target is None else metric.target + unit
    return (name, show_value(metric.initial), show_value(metric.now) + unit, target, status)


def table(metrics: Mapping[str, Metric]) -> str:
    """The metrics as a Markdown table."""
    return tables.render(HEADER, [row(name, metric) for name, metric in metrics.items()])


def plot(name: str, metric: Metric, *, columns: int = 40) -> str:
    """The history as bars, one line a value, oldest first; the longest bar has `columns` characters."""
    if not metric.history:
        raise CompassError(f"metric {name!r} has no history yet; compass metric set {shlex.quote(name)} --now VALUE")
    values = [float(reading.value) for reading in metric.history]
    low, high = min(0.0, *values), max(0.0, *values)
    span = (high - low) or 1.0
    lines = [f"{name}: target {metric.target or '-'}"]
    for reading, value in zip(metric.history, values, strict=True):
        bar = "#" * round((value - low) / span * columns)
        lines.append(f"{reading.at[:16].replace('T', ' ')} {show_value(reading.value):>8} {bar}".rstrip())
    return "\n".join(lines) + "\n"


def measure(command: str, key: str, *, timeout: float) -> Value:
    """The value at `key` (`summary.count`, `items.0.size`, `items.length`) of the JSON that a command prints.

    Exit code 0 or 1 is accepted: checkers end with 1 when they found something.
    """
    try:
        name, *words = shlex.split(command)
        done = subprocess.run(
            [programs.find(name) or name, *words], capture_output=True, text=True, timeout=timeout, check=False
        )
    except (ValueError, OSError) as error:
        raise CompassError(f"command {command!r} cannot be run: {error}") from None
    except subprocess.TimeoutExpired:
        raise CompassError(f"command {command!r} took longer than {timeout:g} s; raise --timeout") from None
    if done.returncode not in (0, 1):
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise CompassError(f"command {command!r} ended with code {done.returncode}: {last}")
    try:
        data = json.loads(done.stdout)
    except ValueError as error:
        raise CompassError(
            f"command {command!r} printed no JSON ({error}); ask it for JSON, often with --json"
        ) from None
    return _pick(data, key, command)


def _pick(data: Any, key: str, command: str) -> Value:
    here = data
    for part in key.split("."):
        if isinstance(here, list | dict) and part == "length":
            here = len(here)
        elif isinstance(here, list) and part.isdigit() and int(part) < len(here):
            here = here[int(part)]
        elif isinstance(here, dict) and part in here:
            here = here[part]
        else:
            there = ", ".join(sorted(here)[:12]) if isinstance(here, dict) else type(here).__name__
            raise CompassError(f"key {key!r}: no {part!r} in what {command!r} printed (there: {there})")
    if not isinstance(here, bool | int | float):
        raise CompassError(f"key {key!r}: a {type(here).__name__} in what {command!r} printed, not a number or yes/no")
    return here if isinstance(here, bool) else float(here)
