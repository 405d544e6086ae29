"""Detection as ICDAR scores it (Karatzas et al. 2015): one to one, IoU over a threshold, ignored regions taken out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from ocr.geometry.validate import validate_all

Floats = npt.NDArray[np.float64]
Polygons = Sequence[npt.NDArray[Any]]

# A detection that lies in regions to ignore by more than this share of its area counts neither way.
IGNORED_SHARE = 0.5


@dataclass(frozen=True)
class DetectionCounts:
    """What one page, or several added up, contributes to precision and recall.

    ``predicted`` and ``truth`` are without what is ignored. A prediction that ``ocr.geometry.validate`` drops counts as
    a false positive; a true polygon that it drops cannot be found and is left out of ``truth``.
    """

    matched: int = 0
    predicted: int = 0
    truth: int = 0
    invalid_predicted: int = 0
    invalid_truth: int = 0

    def __add__(self, other: "DetectionCounts") -> "DetectionCounts":
        return DetectionCounts(
            self.matched + other.matched,
            self.predicted + other.predicted,
            self.truth + other.truth,
            self.invalid_predicted + other.invalid_predicted,
            self.invalid_truth + other.invalid_truth,
        )


@dataclass(frozen=True)
class DetectionScores:
    """Precision, recall and their harmonic mean, each in [0, 1]."""

    precision: float
    recall: float
    hmean: float


@dataclass(frozen=True)
class Matching:
    """Counts of one page and the pairs behind them, as (index in predicted, index in truth).

    ``dropped`` are the predictions left out because they lie in regions to ignore.
    """

    counts: DetectionCounts
    pairs: list[tuple[int, int]]
    dropped: list[int]


def match(predicted: Polygons, truth: Polygons, ignore: Sequence[bool], iou: float = 0.5) -> DetectionCounts:
    """Count the one-to-one pairs of one page whose IoU is over ``iou``, as ``pair_up`` finds them."""
    return pair_up(predicted, truth, ignore, iou).counts


def pair_up(predicted: Polygons, truth: Polygons, ignore: Sequence[bool], iou: float = 0.5) -> Matching:
    """Pair predictions and true polygons of one page one to one, pairs of higher IoU first.

    Args:
        predicted: polygons (K,2) in pixels.
        truth: polygons (K,2) in pixels.
        ignore: one flag per true polygon; a prediction with over half of its area in such a region is left out.
        iou: the pair's IoU must exceed this.

    True regions that do not overlap allow at most one pair each above 0.5, so taking pairs by IoU finds the largest
    number of pairs there; with heavy overlap it can be one short of it, and favours the better fit.
    """
    if len(truth) != len(ignore):
        raise ValueError(f"{len(truth)} true polygons but {len(ignore)} ignore flags")
    valid, found_rows, found_reasons = validate_all(predicted)
    valid_truth, true_rows, true_reasons = validate_all(truth)
    found, true = to_shapes(valid), to_shapes(valid_truth)
    ignored = np.asarray(ignore, dtype=bool)[true_rows]
    dropped = _in_ignored(found, true[ignored])
    kept, wanted = np.flatnonzero(~dropped), np.flatnonzero(~ignored)
    pairs = [
        (found_rows[kept[row]], true_rows[wanted[column]]) for row, column in _pairs(found[kept], true[wanted], iou)
    ]
    counts = DetectionCounts(
        matched=len(pairs),
        predicted=len(kept) + found_reasons.total(),
        truth=len(wanted),
        invalid_predicted=found_reasons.total(),
        invalid_truth=true_reasons.total(),
    )
    return Matching(counts, pairs, [found_rows[row] for row in np.flatnonzero(dropped)])


def scores(counts: DetectionCounts) -> DetectionScores:
    """Precision, recall and hmean of counts; pages summed beforehand are micro-averaged. Nothing at all scores 0."""
    precision = counts.matched / counts.predicted if counts.predicted else 0.0
    recall = counts.matched / counts.truth if counts.truth else 0.0
    total = precision + recall
    return DetectionScores(precision, recall, 2 * precision * recall / total if total else 0.0)


def overlaps(first: npt.NDArray[Any], second: npt.NDArray[Any], floor: Floats) -> tuple[npt.NDArray[np.intp], Floats]:
    """Areas of intersection of those pairs whose bounding boxes allow more than ``floor``.

    Args:
        first: shapely polygons (N,).
        second: shapely polygons (M,).
        floor: (N,M) or broadcastable, in square pixels; pairs that cannot exceed it are not computed.

    Returns:
        Index pairs (P,2) and their intersection areas (P,).
    """
    a, b = shapely.bounds(first).reshape(-1, 1, 4), shapely.bounds(second).reshape(1, -1, 4)
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    limit = np.where((sides > 0).all(axis=-1), sides.prod(axis=-1), 0.0)
    pairs = np.argwhere(limit > floor)
    areas: Floats = shapely.area(shapely.intersection(first[pairs[:, 0]], second[pairs[:, 1]]))
    return pairs, areas


def to_shapes(polygons: Polygons) -> npt.NDArray[Any]:
    """Shapely polygons (N,) of valid polygons."""
    if not polygons:
        return np.empty(0, dtype=object)
    owner = np.repeat(np.arange(len(polygons)), [len(polygon) for polygon in polygons])
    shapes: npt.NDArray[Any] = shapely.polygons(
        shapely.linearrings(np.concatenate(polygons).astype(np.float64), indices=owner)
    )
    return shapes


def _in_ignored(shapes: npt.NDArray[Any], regions: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which shapes have over half of their area in one of the regions to ignore."""
    dropped = np.zeros(len(shapes), dtype=bool)
    if len(shapes) and len(regions):
        floor = IGNORED_SHARE * shapely.area(shapes)
        pairs, areas = overlaps(shapes, regions, floor[:, None])
        dropped[pairs[areas > floor[pairs[:, 0]], 0]] = True
    return dropped


def _pairs(predicted: npt.NDArray[Any], truth: npt.NDArray[Any], threshold: float) -> list[tuple[int, int]]:
    """One-to-one pairs with IoU over the threshold, chosen by descending IoU."""
    if not len(predicted) or not len(truth):
        return []
    a, b = shapely.area(predicted)[:, None], shapely.area(truth)[None, :]
    # IoU > t needs an intersection of more than t/(1+t) of the two areas together.
    candidates, inter = overlaps(predicted, truth, threshold / (1 + threshold) * (a + b))
    ious = inter / (a[candidates[:, 0], 0] + b[0, candidates[:, 1]] - inter)
    rows: set[int] = set()
    columns: set[int] = set()
    pairs = []
    for k in np.argsort(-ious, kind="stable"):
        row, column = int(candidates[k, 0]), int(candidates[k, 1])
        if ious[k] > threshold and row not in rows and column not in columns:
            rows.add(row)
            columns.add(column)
            pairs.append((row, column))
    return pairs
