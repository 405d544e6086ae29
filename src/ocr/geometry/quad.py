"""Quads: polygons of four corners in the order top left, top right, bottom right, bottom left of the text."""

import math
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from ocr.geometry.polygon import clockwise

Quad: TypeAlias = npt.NDArray[np.float32]
"""float32 (4,2): TL TR BR BL in reading direction."""

LINE_ASPECT = 1.5
"""From this ratio of the sides on, the long side is taken for the reading direction."""
MIN_READING_COSINE = 0.26
"""A long side steeper than 75 degrees is a column of text, not a line that climbs."""


def order_quad(points: npt.NDArray[Any]) -> Quad:
    """Order four points of a convex quad (4,2), given in any order, as TL TR BR BL.

    The top edge is the one that points most to the right; the long side wins over it when the quad is clearly a line
    (1.5 times longer than high) and no steeper than 75 degrees.
    """
    points = np.asarray(points, dtype=np.float32)
    centred = points - points.mean(axis=0)
    ring = points[np.argsort(np.arctan2(centred[:, 1], centred[:, 0]))]
    across = (ring[1] - ring[0]) + (ring[2] - ring[3])
    down = (ring[2] - ring[1]) + (ring[3] - ring[0])
    directions = np.stack([across, down, -across, -down])
    lengths = np.hypot(directions[:, 0], directions[:, 1]) + 1e-12
    cosines = directions[:, 0] / lengths
    start = int(np.argmax(cosines))
    other = int(np.argmax(np.where(np.arange(4) % 2 == start % 2, -2.0, cosines)))
    if lengths[other] >= LINE_ASPECT * lengths[start] and cosines[other] >= MIN_READING_COSINE:
        start = other
    return np.roll(ring, -start, axis=0)


def min_area_quad(polygon: npt.NDArray[Any]) -> Quad:
    """Return the rectangle of least area around the polygon as a quad TL TR BR BL."""
    return order_quad(cv2.boxPoints(cv2.minAreaRect(np.asarray(polygon, dtype=np.float32))))


def polygon_quad(polygon: npt.NDArray[Any]) -> Quad:
    """Return a polygon of four points as it stands (annotators order them as read), any other as `min_area_quad`."""
    return clockwise(polygon) if len(polygon) == 4 else min_area_quad(polygon)


def quad_size(quad: npt.NDArray[Any]) -> tuple[float, float]:
    """Return (width, height) in pixels: the mean lengths of the top and bottom, and of the left and right sides."""
    a, b, c, d = quad.tolist()  # four points are too few for numpy to pay
    return (math.dist(a, b) + math.dist(c, d)) / 2, (math.dist(b, c) + math.dist(d, a)) / 2


def box_quad(x0: float, y0: float, x1: float, y1: float) -> Quad:
    """Return the box (x_min, y_min, x_max, y_max) as a quad."""
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float32)
