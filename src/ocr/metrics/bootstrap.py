"""Bootstrap intervals over pages (Efron 1979): how much a score would move with other pages of the same kind."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """Percentiles of the resampled score."""

    low: float
    high: float


def interval(
    pages: npt.NDArray[Any],
    statistic: Callable[[Floats], Floats],
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Interval of a score over pages drawn with replacement.

    Args:
        pages: counts (N,K) of N pages, such that a page drawn twice counts twice.
        statistic: summed counts (R,K) to scores (R,); what it makes of a zero denominator must be a number.
        level: share of the resampled scores inside the interval.
        resamples: how often N pages are drawn.
        seed: the same counts and seed give the same interval.
    """
    counts = np.asarray(pages, dtype=np.float64)
    if counts.ndim != 2 or not len(counts):
        raise ValueError(f"expected counts (N,K) of at least one page, got shape {counts.shape}")
    draw = np.random.default_rng(seed)
    # Drawing how often each page comes up is drawing N pages; in blocks, so that many crops need little memory.
    block = max(1, 2_000_000 // len(counts))
    shares = np.full(len(counts), 1 / len(counts))
    sums = [
        draw.multinomial(len(counts), shares, size=min(block, resamples - start)) @ counts
        for start in range(0, resamples, block)
    ]
    low, high = np.quantile(statistic(np.concatenate(sums)), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
