"""Shrink polygons for training targets, and unclip what a detector found by exactly as much.

Vatti's clipping (pyclipper) moves the outline; the shrink distance is that of DBNet (Liao et al., 2020).
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyclipper

from ocr.geometry.polygon import Polygon, area, clockwise, perimeter

SCALE = 1024.0  # Clipper works in integers: this keeps 1/1024 pixel and leaves room for pages of a million pixels.
MITER_LIMIT = 1.5  # Square corners (1.41) come back as they were; sharper ones are cut off instead of growing spikes.
TOLERANCE = 2e-3  # pixels; Clipper rounds by up to half of this


def shrink_distance(polygon: npt.NDArray[Any], ratio: float) -> float:
    """Return how far `shrink` moves the outline, in pixels: area * (1 - ratio**2) / perimeter."""
    return area(polygon) * (1 - ratio * ratio) / max(perimeter(polygon), 1e-12)


def shrink(polygon: npt.NDArray[Any], ratio: float) -> Polygon | None:
    """Move the outline inward by `shrink_distance`; the largest piece, None when the polygon vanishes."""
    return _offset(polygon, -shrink_distance(polygon, ratio), pyclipper.JT_ROUND)


def grow(polygon: npt.NDArray[Any], distance: float) -> Polygon | None:
    """Move the outline outward by `distance` pixels with round corners; None when the polygon has no area."""
    return _offset(polygon, distance, pyclipper.JT_ROUND)


def unclip_rect(width: float, height: float, ratio: float) -> float:
    """Return the distance by which a rectangle that `shrink` left at width x height must grow to be what it was."""
    return _distance(width * height, 2 * (width + height), 4.0, ratio)


def unclip(polygon: npt.NDArray[Any], ratio: float) -> Polygon | None:
    """Grow a polygon by the distance whose `shrink_distance`, measured on the result, is that same distance.

    It is the inverse of `shrink`: closed form while no edge of the outline vanishes (rectangles always), otherwise by
    bisection. None when the polygon has no area.
    """
    points = clockwise(polygon)
    distance = _distance(area(points), perimeter(points), _corner_growth(points), ratio)
    grown = _offset(points, distance, pyclipper.JT_MITER)
    if grown is None or abs(shrink_distance(grown, ratio) - distance) < TOLERANCE:
        return grown
    # The shrink distance of the grown polygon rises more slowly than the distance itself: one crossing. Bisection, its
    # midpoint weighted by the two errors (the Illinois rule), which needs six steps where halving needs twenty.
    low, low_error = 0.0, shrink_distance(points, ratio)
    high = distance + perimeter(points)
    high_error = _excess(points, high, ratio)
    while high - low > TOLERANCE:
        distance = (low * high_error - high * low_error) / (high_error - low_error)
        error = _excess(points, distance, ratio)
        if abs(error) < TOLERANCE:
            break
        if error > 0:
            low, low_error, high_error = distance, error, high_error / 2
        else:
            high, high_error, low_error = distance, error, low_error / 2
    return _offset(points, distance, pyclipper.JT_MITER)


def _excess(points: Polygon, distance: float, ratio: float) -> float:
    """Return by how much the shrink distance of the grown polygon is above the distance it was grown by."""
    grown = _offset(points, distance, pyclipper.JT_MITER)
    return (0.0 if grown is None else shrink_distance(grown, ratio)) - distance


def _distance(area_: float, perimeter_: float, growth: float, ratio: float) -> float:
    """Solve D = c * A(D) / L(D) with A(D) = area + perimeter*D + growth*D**2, L(D) = perimeter + 2*growth*D."""
    c = 1 - ratio * ratio
    square, linear = growth * (2 - c), perimeter_ * (1 - c)
    # This form of the quadratic formula stays exact when `square` is near zero.
    root = np.sqrt(max(linear * linear + 4 * square * c * area_, 0.0))
    return float(2 * c * area_ / max(linear + root, 1e-12))


def _corner_growth(points: Polygon) -> float:
    """Return the sum of tan(turn / 2) over the corners: how fast mitred corners add area (4 for any rectangle)."""
    steps = np.roll(points, -1, axis=0).astype(np.float64) - points
    after = np.roll(steps, -1, axis=0)
    cross = steps[:, 0] * after[:, 1] - steps[:, 1] * after[:, 0]
    turns = np.arctan2(cross, (steps * after).sum(axis=1))
    # Sharper corners than the miter limit are squared off; pi/2 stands for them, bisection does the rest.
    return float(np.tan(np.clip(turns, -np.pi / 2, np.pi / 2) / 2).sum())


def _offset(polygon: npt.NDArray[Any], distance: float, join: int) -> Polygon | None:
    """Return the largest piece of the moved outline."""
    clipper = pyclipper.PyclipperOffset(MITER_LIMIT, 0.1 * SCALE)
    path = np.rint(np.asarray(polygon, dtype=np.float64) * SCALE).astype(np.int64)
    try:
        clipper.AddPath(path.tolist(), join, pyclipper.ET_CLOSEDPOLYGON)
    except pyclipper.ClipperException:  # fewer than three different points at this resolution
        return None
    pieces = [np.array(piece) / SCALE for piece in clipper.Execute(distance * SCALE)]
    if not pieces:
        return None
    return clockwise(max(pieces, key=area).astype(np.float32))
