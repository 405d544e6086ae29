"""Target maps of DBNet (Liao et al., 2020) from polygons; every polygon touches only its own window of the maps."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr.geometry.offset import shrink, shrink_distance
from ocr.geometry.polygon import Polygon

Bytes = NDArray[np.uint8]


class Targets(NamedTuple):
    """What the network should say, (H, W) each.

    `probability` is 1 in the shrunk polygons, `threshold` runs from its minimum to its maximum at the outlines. The
    masks are 1 where the loss looks.
    """

    probability: Bytes
    probability_mask: Bytes
    threshold: NDArray[np.float32]
    threshold_mask: Bytes


def build_targets(
    polygons: Sequence[Polygon],
    ignore: Sequence[bool],
    size: tuple[int, int],
    shrink_ratio: float = 0.4,
    threshold_min: float = 0.3,
    threshold_max: float = 0.7,
    min_side: float = 4.0,
) -> Targets:
    """Draw the maps for an image of `size` = (height, width) pixels.

    Polygons may reach beyond the image: the part inside is drawn. Those marked in `ignore`, those thinner than
    `min_side` pixels and those that vanish when shrunk are masked out of both losses.
    """
    targets = Targets(
        np.zeros(size, np.uint8), np.ones(size, np.uint8), np.zeros(size, np.float32), np.zeros(size, np.uint8)
    )
    masked: list[Polygon] = []
    for polygon, ignored in zip(polygons, ignore, strict=True):
        kernel = None
        if not ignored and min(cv2.minAreaRect(polygon)[1]) >= min_side:
            kernel = shrink(polygon, shrink_ratio)
        if kernel is None:
            masked.append(polygon)
            continue
        cv2.fillPoly(targets.probability, [_pixels(kernel)], 1)
        _draw_band(targets, polygon, shrink_distance(polygon, shrink_ratio))
    for polygon in masked:
        for mask in (targets.probability_mask, targets.threshold_mask):
            cv2.fillPoly(mask, [_pixels(polygon)], 0)
    targets.threshold[:] = targets.threshold * np.float32(threshold_max - threshold_min) + np.float32(threshold_min)
    return targets


def _pixels(polygon: Polygon) -> NDArray[np.int32]:
    return np.rint(polygon).astype(np.int32)


def _draw_band(targets: Targets, polygon: Polygon, distance: float) -> None:
    """Raise the threshold map towards 1 at the outline, falling to 0 at `distance` pixels on either side of it."""
    height, width = targets.threshold.shape
    x0, y0 = np.maximum(np.floor(polygon.min(0) - distance), 0).astype(int).tolist()
    x1, y1 = np.minimum(np.ceil(polygon.max(0) + distance) + 1, (width, height)).astype(int).tolist()
    if x0 >= x1 or y0 >= y1:
        return
    rise = 1 - np.sqrt(_squared_distance(polygon, x0, y0, x1, y1)) / np.float32(distance)
    band = targets.threshold[y0:y1, x0:x1]
    np.maximum(band, rise, out=band)
    mask = targets.threshold_mask[y0:y1, x0:x1]
    np.maximum(mask, rise >= 0, out=mask)
    # Deeper inside than `distance` the map is at its minimum, and that is to be learned too.
    cv2.fillPoly(mask, [_pixels(polygon)], 1, offset=(-x0, -y0))


def _squared_distance(polygon: Polygon, x0: int, y0: int, x1: int, y1: int) -> NDArray[np.float32]:
    """Squared distance to the outline, in pixels, of every pixel of the window.

    Along an edge and across it the coordinates are a row vector plus a column vector: two sums a pixel and edge.
    """
    starts = polygon.astype(np.float64)
    steps = np.concatenate((starts[1:], starts[:1])) - starts
    nearest: NDArray[np.float32] | None = None
    for (px, py), (dx, dy) in zip(starts.tolist(), steps.tolist(), strict=True):
        length = float(np.hypot(dx, dy))
        ux, uy = (dx / length, dy / length) if length else (1.0, 0.0)
        xs, ys = np.arange(x0, x1) - px, np.arange(y0, y1)[:, None] - py
        along = (xs * ux - length / 2).astype(np.float32) + (ys * uy).astype(np.float32)
        across = (xs * -uy).astype(np.float32) + (ys * ux).astype(np.float32)
        np.abs(along, out=along)
        along -= np.float32(length / 2)
        np.maximum(along, 0, out=along)  # how far beyond either end of the edge
        along *= along
        across *= across
        across += along
        nearest = across if nearest is None else np.minimum(nearest, across, out=nearest)
    assert nearest is not None
    return nearest
