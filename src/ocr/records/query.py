"""``task=detection hmean>0.9 encoder~resnet``: conditions over rows, and their order."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ocr.errors import RecordError

Row = Mapping[str, Any]

_CONDITION = re.compile(r"([\w./-]+)(!=|>=|<=|=|>|<|~)(.*)", re.DOTALL)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">": lambda a, b: bool(a > b),
    "<": lambda a, b: bool(a < b),
    ">=": lambda a, b: bool(a >= b),
    "<=": lambda a, b: bool(a <= b),
}


class Condition(NamedTuple):
    """One condition: a field, or a metric by its whole or last name; ``~`` looks for a part, whatever the case."""

    key: str
    operator: str
    value: str

    def holds(self, row: Row) -> bool:
        """Whether it holds for a row; a row without the field fulfils only ``!=``."""
        found = value_of(row, self.key)
        if self.operator == "!=":
            return not self._equals(found)
        if found is None:
            return False
        if self.operator == "=":
            return self._equals(found)
        if self.operator == "~":
            return self.value.lower() in (" ".join(map(str, found)) if isinstance(found, list) else str(found)).lower()
        if isinstance(found, int | float):
            wanted = _number(self.value)
            return wanted is not None and _COMPARE[self.operator](found, wanted)
        return _COMPARE[self.operator](str(found), self.value)

    def _equals(self, found: Any) -> bool:
        if isinstance(found, list):
            return self.value in found
        if isinstance(found, bool):
            return self.value.lower() == str(found).lower()
        if isinstance(found, int | float):
            return found == _number(self.value)
        return found is not None and str(found) == self.value


def parse(text: str | None) -> list[Condition]:
    """The conditions of a query, all of which must hold; RecordError names a part that is none."""
    if not text:
        return []
    import shlex

    try:
        words = shlex.split(text)
    except ValueError as error:
        raise RecordError(f"{text!r}: {error}; close the quotation mark") from error
    conditions = []
    for word in words:
        match = _CONDITION.fullmatch(word)
        if match is None:
            raise RecordError(f"{word!r} is no condition; write KEY=VALUE, or != > >= < <= ~ in place of =")
        conditions.append(Condition(*match.groups()))
    return conditions


def value_of(row: Row, key: str) -> Any:
    """A field of a row, else the metric of that name, else the metric whose last part it is (``hmean``)."""
    if key in row:
        return row[key]
    metrics: Mapping[str, float] = row.get("metrics") or {}
    if key in metrics:
        return metrics[key]
    # Validation before training, where both have a metric of that name.
    names = sorted((name for name in metrics if name.rpartition("/")[2] == key), reverse=True)
    return metrics[names[0]] if names else None


def select(rows: Iterable[Row], where: Sequence[Condition]) -> list[Row]:
    """The rows for which every condition holds; RecordError for a key that no row has."""
    rows = list(rows)
    for condition in where:
        if rows and all(value_of(row, condition.key) is None and condition.key not in row for row in rows):
            _unknown(condition.key, rows)
    return [row for row in rows if all(condition.holds(row) for condition in where)]


def ordered(rows: Sequence[Row], key: str) -> list[Row]:
    """Rows by `key`, from low to high, ``-key`` from high to low; those without it come last."""
    name, falling = key.removeprefix("-"), key.startswith("-")
    if rows and all(value_of(row, name) is None and name not in row for row in rows):
        _unknown(name, rows)
    return ranked(rows, [value_of(row, name) for row in rows], falling=falling)


def ranked(rows: Sequence[Any], values: Sequence[Any], *, falling: bool) -> list[Any]:
    """Rows by their values, numbers before text; those without one come last."""
    have = [n for n, value in enumerate(values) if value is not None]
    keys: Sequence[Any] = values
    if not all(type(values[n]) is str for n in have):
        keys = [_sortable(value) for value in values]
    have.sort(key=keys.__getitem__, reverse=falling)
    return [rows[n] for n in have] + [row for row, value in zip(rows, values, strict=True) if value is None]


def best_first(rows: Sequence[Row]) -> list[Row]:
    """Rows with a score by the metric they were monitored by, in its mode, the newest of equals first.

    Raises RecordError when they had several.
    """
    scored = [row for row in rows if row.get("score") is not None]
    monitors = sorted({f"{row['monitor']} ({row['mode']})" for row in scored})
    if len(monitors) > 1:
        raise RecordError(f"these were monitored by {', '.join(monitors)}; add monitor=... to compare like with like")
    scored.sort(key=lambda row: str(row.get("created")), reverse=True)
    return sorted(scored, key=lambda row: row["score"] if row["mode"] == "min" else -row["score"])


def _sortable(value: Any) -> tuple[int, float, str]:
    return (0, float(value), "") if isinstance(value, int | float) else (1, 0.0, str(value))


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else number


def _unknown(key: str, rows: Sequence[Row]) -> None:
    import difflib

    names = {name for row in rows[:1000] for name in (*row, *(row.get("metrics") or {}))}
    near = difflib.get_close_matches(key, names, 1, cutoff=0.5)
    advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(names))}"
    raise RecordError(f"no row has {key}; {advice}")
