"""Polygons: float32 (K,2), clockwise as seen with y pointing down, in pixels."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Polygon: TypeAlias = npt.NDArray[np.float32]
"""float32 (K,2), K >= 3, clockwise, pixels of the image as displayed."""


def signed_area(polygon: npt.NDArray[Any]) -> float:
    """Return the area in square pixels, positive when the points run clockwise as displayed."""
    # Centred first: float32 coordinates of a 9000 pixel page would lose the area of a small box in the products.
    x, y = (polygon.astype(np.float64) - polygon[0]).T
    # The first point is the origin now, so the closing edge adds nothing.
    return 0.5 * float(x[:-1] @ y[1:] - y[:-1] @ x[1:])


def area(polygon: npt.NDArray[Any]) -> float:
    """Return the absolute area in square pixels."""
    return abs(signed_area(polygon))


def perimeter(polygon: npt.NDArray[Any]) -> float:
    """Return the length of the closed outline in pixels."""
    steps = np.diff(np.concatenate((polygon, polygon[:1])).astype(np.float64), axis=0)
    return float(np.hypot(steps[:, 0], steps[:, 1]).sum())


def clockwise(polygon: npt.NDArray[Any]) -> Polygon:
    """Return the polygon running clockwise as displayed, its first point still first."""
    points = np.asarray(polygon, dtype=np.float32)
    return np.roll(points[::-1], 1, axis=0) if signed_area(points) < 0 else points


def bounding_box(polygon: npt.NDArray[Any]) -> tuple[float, float, float, float]:
    """Return the box (x_min, y_min, x_max, y_max)."""
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def iou(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    """Return intersection over union, in [0,1], of two polygons that do not cross themselves."""
    a_box, b_box = bounding_box(a), bounding_box(b)
    if a_box[0] >= b_box[2] or b_box[0] >= a_box[2] or a_box[1] >= b_box[3] or b_box[1] >= a_box[3]:
        return 0.0
    # Imported on use: reading a page needs none of it.
    import shapely

    first, second = shapely.Polygon(a), shapely.Polygon(b)
    shared = float(first.intersection(second).area)
    union = float(first.area) + float(second.area) - shared
    return shared / union if union > 0 else 0.0


def transform(polygon: npt.NDArray[Any], matrix: npt.NDArray[Any]) -> Polygon:
    """Map the points through a 3x3 matrix (affine or perspective), as ``matrix @ (x, y, 1)``."""
    points = np.column_stack([polygon.astype(np.float64), np.ones(len(polygon))]) @ np.asarray(matrix, np.float64).T
    return (points[:, :2] / points[:, 2:]).astype(np.float32)
