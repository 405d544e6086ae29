"""Whether a certainty means what it says: calibration error, what it can be brought to, and what to accept by it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Point = tuple[float, float]
Floats = npt.NDArray[np.float64]

BINS = 10
# Texts behind one point of a fitted curve: fewer say little about a frequency.
_PER_POINT = 40


@dataclass(frozen=True)
class Accepted:
    """Of all texts, the largest share that can be accepted by certainty with at most ``error`` of them wrong."""

    error: float
    share: float


def calibration_error(certainty: Sequence[float], right: Sequence[bool]) -> float:
    """Expected calibration error: mean distance of certainty and share right, over ten bins of equal width."""
    values, hits = np.asarray(certainty, np.float64), np.asarray(right, np.float64)
    if not len(values):
        return 0.0
    bins = np.minimum((values * BINS).astype(int), BINS - 1)
    sums = np.bincount(bins, values - hits, minlength=BINS)
    return float(np.abs(sums).sum() / len(values))


def accepted(certainty: Sequence[float], right: Sequence[bool], errors: Sequence[float]) -> list[Accepted]:
    """For each share of errors that may pass, how much can be accepted; equally certain ones go together."""
    values, hits = np.asarray(certainty, np.float64), np.asarray(right, np.float64)
    order = np.argsort(-values, kind="stable")
    values, wrong = values[order], np.cumsum(1 - hits[order])
    taken = np.arange(1, len(values) + 1)
    ends = np.append(values[1:] < values[:-1], True)[: len(values)]
    return [
        Accepted(error, float(np.max(taken[ends & (wrong <= error * taken)], initial=0) / max(len(values), 1)))
        for error in errors
    ]


def fit_points(certainty: Sequence[float], right: Sequence[bool]) -> list[Point]:
    """Points (certainty, share right), both rising, between which a certainty becomes a probability.

    Isotonic regression (pool adjacent violators) over groups of neighbours. Returns the identity when there are too few
    texts to say anything.
    """
    values, hits = np.asarray(certainty, np.float64), np.asarray(right, np.float64)
    if len(values) < 2 * _PER_POINT:
        return [(0.0, 0.0), (1.0, 1.0)]
    order = np.argsort(values, kind="stable")
    blocks: list[list[float]] = []  # sum of certainty, sum of hits, number
    for group in np.array_split(order, len(values) // _PER_POINT):
        blocks.append([float(values[group].sum()), float(hits[group].sum()), float(len(group))])
        while len(blocks) > 1 and _violates(blocks[-2], blocks[-1]):
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    points = [(total / number, found / number) for total, found, number in blocks]
    first, last_point = points[0], points[-1]
    below = [(0.0, 0.0)] if first[0] > 0 else []
    above = [(1.0, last_point[1])] if last_point[0] < 1 else []
    return [*below, *points, *above]


def _violates(before: list[float], after: list[float]) -> bool:
    """Whether a block is not above the one before it in both certainty and share."""
    return after[1] * before[2] <= before[1] * after[2] or after[0] * before[2] <= before[0] * after[2]
