"""Where a reader is strong and weak: by text height, aspect, angle, length and script; the characters it confuses."""

import math
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from ocr.geometry.quad import polygon_quad, quad_size
from ocr.metrics.edit_distance import alignment
from ocr.metrics.recognition import comparable


class Observation(NamedTuple):
    """One true line: place, text, whether it was found, what was read there (None: nothing was) and how surely."""

    polygon: npt.NDArray[Any]
    text: str | None
    found: bool = True
    read: str | None = None
    certainty: float | None = None


class Slice(BaseModel):
    """One range of one property: ``n`` true lines, the share found, and the share read without any error, any case."""

    model_config = ConfigDict(frozen=True)

    by: str
    range: str
    n: int
    found: float | None = None
    read: float | None = None


class Confusion(BaseModel):
    """A true character, what was read instead, and how often; empty means nothing."""

    model_config = ConfigDict(frozen=True)

    truth: str
    read: str
    count: int


def _height(one: Observation) -> float:
    return min(quad_size(polygon_quad(one.polygon)))


def _aspect(one: Observation) -> float:
    width, height = quad_size(polygon_quad(one.polygon))
    return width / max(height, 1e-6)


def _angle(one: Observation) -> float:
    top_left, top_right, *_ = polygon_quad(one.polygon).tolist()
    turn = abs(math.degrees(math.atan2(top_right[1] - top_left[1], top_right[0] - top_left[0])))
    return min(turn, 180 - turn)


def _length(one: Observation) -> float:
    return math.nan if one.text is None else len(comparable(one.text))


# Property, unit, upper ends of all ranges but the last, and how to take it.
PROPERTIES: tuple[tuple[str, str, Sequence[float], Callable[[Observation], float]], ...] = (
    ("text height", "px", (8, 12, 16, 24, 32, 48), _height),
    ("aspect", "", (1, 3, 6, 10, 20), _aspect),
    ("angle", "°", (1, 5, 15, 45), _angle),
    ("length", "characters", (2, 5, 10, 20, 40), _length),
)


def script_of(text: str) -> str:
    """The script a text is written in, digits and signs aside: Latin, Hangul, other, mixed, or digits alone."""
    found = {
        "Hangul" if "HANGUL" in (name := unicodedata.name(c, "")) else "Latin" if "LATIN" in name else "other"
        for c in text
        if c.isalpha()
    }
    return found.pop() if len(found) == 1 else "mixed" if found else "digits and signs"


def slices(observations: Sequence[Observation], *, detected: bool, recognized: bool) -> list[Slice]:
    """Figures of every range that holds a line; ``detected`` and ``recognized`` say which shares mean something."""
    result = []
    for by, unit, ends, take in PROPERTIES:
        members: dict[int, list[Observation]] = {}
        for one in observations:
            if not math.isnan(value := take(one)):
                members.setdefault(bisect_right(ends, value), []).append(one)
        for index, group in sorted(members.items()):
            low, high = f"{ends[index - 1]:g}" if index else "", f"{ends[index]:g}" if index < len(ends) else ""
            name = f"{low} to {high}" if low and high else f"under {high}" if high else f"{low} and more"
            result.append(_slice(by, f"{name} {unit}".strip(), group, detected, recognized))
    scripts: dict[str, list[Observation]] = {}
    for one in observations:
        if one.text is not None:
            scripts.setdefault(script_of(one.text), []).append(one)
    return result + [_slice("script", name, group, detected, recognized) for name, group in sorted(scripts.items())]


def _slice(by: str, name: str, group: Sequence[Observation], detected: bool, recognized: bool) -> Slice:
    return Slice(
        by=by,
        range=name,
        n=len(group),
        found=_share(one.found for one in group) if detected else None,
        read=_share(_is_read(one) for one in group if one.text is not None) if recognized else None,
    )


def confusions(observations: Iterable[Observation], *, most: int = 20) -> list[Confusion]:
    """Characters most often taken for others, missed or made up, case put aside, in lines where something was read."""
    counts: Counter[tuple[str, str]] = Counter()
    for one in observations:
        if one.text is not None and one.read is not None:
            pairs = alignment(comparable(one.text, case_sensitive=False), comparable(one.read, case_sensitive=False))
            counts.update((true, read) for true, read in pairs if true != read)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Confusion(truth=true, read=read, count=count) for (true, read), count in ranked[:most]]


def _is_read(one: Observation) -> bool:
    same = comparable(one.text or "", case_sensitive=False) == comparable(one.read or "", case_sensitive=False)
    return one.read is not None and same


def _share(flags: Iterable[bool]) -> float | None:
    values = list(flags)
    return sum(values) / len(values) if values else None
