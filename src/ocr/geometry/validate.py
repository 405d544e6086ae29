"""The only polygon validation: what data sets, collation, augmentation and post-processing all go through."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import shapely

from ocr.geometry.polygon import Polygon, clockwise, signed_area
from ocr.geometry.quad import order_quad

NOT_NUMBERS = "not numbers"
NOT_FINITE = "not finite"
TOO_FEW = "fewer than 3 points"
NO_AREA = "zero area"
SELF_CROSSING = "self-crossing"
OUTSIDE = "outside the image"
REPEATED = "repeated points"

MIN_SIDE = 0.5
"""Thinner than half a pixel is a line, not a polygon."""
SNAP = 3.0
"""Corners that stick out of the image by at most so many pixels move to its edge; beyond, the polygon is clipped."""
SAFE_SHARE = 0.9
"""A polygon that crosses itself is repaired when one piece holds at least this share of its area."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checked:
    """A polygon that can be used, or None; `reason` says why it cannot, or what had to be `repaired` in it."""

    polygon: Polygon | None
    reason: str | None = None
    repaired: bool = False


def validate(points: npt.ArrayLike, size: tuple[int, int] | None = None) -> Checked:
    """Check and, where that is safe, repair one polygon.

    Repeated points go, the order becomes clockwise, a crossing is undone, and with `size` = (width, height) in pixels
    what lies outside the image is cut off.
    """
    array = _as_points(points)
    if isinstance(array, str):
        return Checked(None, array)
    distinct = array[np.any(array != np.roll(array, 1, axis=0), axis=1)]
    if len(distinct) < 3:
        return Checked(None, TOO_FEW)
    if not _has_area(distinct):
        return Checked(None, NO_AREA)
    repaired = REPEATED if len(distinct) != len(array) else None
    polygon: Polygon | None = distinct
    if not _is_simple(distinct):
        polygon, repaired = _uncrossed(distinct), SELF_CROSSING
    elif signed_area(distinct) < 0:
        polygon = order_quad(distinct) if len(distinct) == 4 else clockwise(distinct)
    if polygon is not None and size is not None and not _inside(polygon, size):
        polygon, repaired = _clipped(polygon, size), OUTSIDE
    return Checked(polygon, repaired, polygon is not None and repaired is not None)


def validate_all(
    polygons: Iterable[npt.ArrayLike], size: tuple[int, int] | None = None
) -> tuple[list[Polygon], list[int], Counter[str]]:
    """Return the usable polygons, their indices in the input, and how many were dropped for which reason."""
    kept: list[Polygon] = []
    indices: list[int] = []
    reasons: Counter[str] = Counter()
    for index, points in enumerate(polygons):
        checked = validate(points, size)
        if checked.polygon is None:
            reasons[checked.reason or ""] += 1
        else:
            kept.append(checked.polygon)
            indices.append(index)
    if reasons:
        _log.info("dropped polygons: %s", ", ".join(f"{count} {reason}" for reason, count in reasons.items()))
    return kept, indices, reasons


def _as_points(points: npt.ArrayLike) -> npt.NDArray[np.float32] | str:
    """Return float32 (K,2), or the reason why the input is no such thing."""
    try:
        array = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError):
        return NOT_NUMBERS
    if array.ndim != 2 or array.shape[1] != 2:
        return TOO_FEW if array.size == 0 else NOT_NUMBERS
    if not np.isfinite(array).all() or np.abs(array).max(initial=0) > 1e6:
        return NOT_FINITE
    return array.astype(np.float32)


def _has_area(points: npt.NDArray[np.float32]) -> bool:
    """Whether the smallest rectangle around the points is at least `MIN_SIDE` thick."""
    _, sides, _ = cv2.minAreaRect(points)
    return bool(min(sides) >= MIN_SIDE)


def _is_simple(points: npt.NDArray[np.float32]) -> bool:
    """Whether the outline neither crosses nor touches itself."""
    if len(points) == 4:  # what detectors and annotators mostly make; a convex one needs no sweep over the edges
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = points.tolist()
        turns = (
            (bx - ax) * (cy - by) - (by - ay) * (cx - bx),
            (cx - bx) * (dy - cy) - (cy - by) * (dx - cx),
            (dx - cx) * (ay - dy) - (dy - cy) * (ax - dx),
            (ax - dx) * (by - ay) - (ay - dy) * (bx - ax),
        )
        if min(turns) > 0 or max(turns) < 0:
            return True
    return bool(shapely.Polygon(points).is_valid)


def _uncrossed(points: npt.NDArray[np.float32]) -> Polygon | None:
    """Undo a crossing: four corners in the wrong order, or a polygon with small loops."""
    if len(points) == 4 and len(cv2.convexHull(points)) == 4:
        return order_quad(points)
    return _largest(shapely.make_valid(shapely.Polygon(points)), SAFE_SHARE)


def _largest(geometry: Any, share: float) -> Polygon | None:
    """Return the outline of the largest part when it holds at least `share` of the area."""
    parts: Sequence[Any] = [part for part in getattr(geometry, "geoms", [geometry]) if part.geom_type == "Polygon"]
    parts = [inner for part in parts for inner in getattr(part, "geoms", [part])]
    if not parts:
        return None
    largest = max(parts, key=lambda part: float(part.area))
    outline = np.asarray(largest.exterior.coords, dtype=np.float32)[:-1]
    if largest.area < share * geometry.area or len(outline) < 3 or not _has_area(outline):
        return None
    return clockwise(outline)


def _inside(polygon: Polygon, size: tuple[int, int]) -> bool:
    return bool((polygon >= 0).all() and (polygon <= np.asarray(size, dtype=np.float32)).all())


def _clipped(polygon: Polygon, size: tuple[int, int]) -> Polygon | None:
    """Cut off what lies outside an image of (width, height) pixels."""
    limit = np.asarray(size, dtype=np.float32)
    snapped = np.clip(polygon, 0, limit)
    upright = len(polygon) == 4 and len(np.unique(polygon[:, 0])) == 2 and len(np.unique(polygon[:, 1])) == 2
    if upright or float(np.abs(snapped - polygon).max()) <= SNAP:
        # Snapping keeps the corners and their order.
        if _has_area(snapped) and _is_simple(snapped):
            return snapped
        return None
    part = _largest(shapely.Polygon(polygon).intersection(shapely.box(0, 0, *limit.tolist())), 0.0)
    if part is None:
        return None
    first = int(np.argmin(np.linalg.norm(part - polygon[0], axis=1)))
    return np.roll(part, -first, axis=0)
