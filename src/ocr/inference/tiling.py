"""Pages too long for one pass: cut into overlapping windows at the scale their text needs, and joined again."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr.images.load import Rgb
from ocr.inference.quantile import quantile
from ocr.specs.postprocess import Detection
from ocr.specs.preprocess import PreprocessSpec

# Shares of the spec's `max_side`. A receipt has about forty characters across: below the first its glyphs get too
# narrow, and the second, where the page has as many pixels, is what it is brought to instead.
MIN_SHORT_SHARE = 0.3
TILED_SHORT_SHARE = 0.4
# Prepared pixels that neighbours share: several lines of text, so that each line is whole in one of them.
OVERLAP = 128
# Heights of lines in prepared pixels. Below 12 words are lost, from 14 on nothing more is gained (receipts, measured).
SMALL_LINE = 11.0
LEGIBLE_LINE = 16.0
# Height in prepared pixels, by `ocr.inference.text_height`, above which text need not be larger, and the least share of
# `max_side` that a first look has (receipts, measured: docs/decisions/0009-pixels-by-text-height.md).
LARGE_LINE = 16.0
COARSEST = 0.75
# How much finer a second look may be: bounds its cost.
FINEST = 2.5
_CONTAINED = 0.6
_TOUCHING = 3.0
_THICKER = 1.3


class Window(NamedTuple):
    """A box of whole image pixels, x_max and y_max exclusive."""

    x_min: int
    y_min: int
    x_max: int
    y_max: int

    def of(self, image: Rgb) -> Rgb:
        """What the window shows of an image (H,W,3)."""
        return image[self.y_min : self.y_max, self.x_min : self.x_max]

    def moved(self, x: int, y: int) -> "Window":
        """The same box, so many pixels to the right and down."""
        return Window(self.x_min + x, self.y_min + y, self.x_max + x, self.y_max + y)


def plan(spec: PreprocessSpec, width: int, height: int) -> list[Window]:
    """Windows that cover an image of ``width`` x ``height`` pixels: one, unless the spec would shrink it too far.

    The short side decides the scale, as the number of characters across it is what stays about the same from page to
    page; the windows then follow the long side.
    """
    whole = [Window(0, 0, width, height)]
    if spec.resize != "limit" or spec.max_side is None:
        return whole
    short, long = sorted((width, height))
    if short * spec.max_side / long >= min(short, MIN_SHORT_SHARE * spec.max_side):
        return whole
    return grid(width, height, min(1.0, TILED_SHORT_SHARE * spec.max_side / short), spec.max_side)


def coarser_side(max_side: int, long_side: int, height: float | None) -> int:
    """Long side in prepared pixels for a first look at a window of ``long_side`` pixels with text so high, if known.

    Large text needs fewer pixels than ``max_side``.
    """
    if height is None:
        return max_side
    return round(min(max_side, max(COARSEST * max_side, LARGE_LINE * long_side / height)))


def finer_scale(polygons: Sequence[NDArray[np.float32]], scale: float) -> float | None:
    """The scale for a second look at a window seen at ``scale`` (prepared pixels per image pixel); None: not needed.

    It is when a quarter of the lines are too small to be read reliably, or nothing was found, and the window has pixels
    left to show.
    """
    if scale >= 1.0:
        return None
    if not polygons:
        return min(1.0, FINEST * scale)
    heights = scale * np.array([min(cv2.minAreaRect(polygon)[1]) for polygon in polygons])
    small = quantile(heights, 0.25)
    return min(1.0, scale * min(FINEST, LEGIBLE_LINE / max(small, 1.0))) if small < SMALL_LINE else None


def grid(width: int, height: int, scale: float, max_side: int) -> list[Window]:
    """Windows of one size, at most ``max_side`` / ``scale`` pixels a side, that share OVERLAP / ``scale`` at least."""
    side, shared = max_side / scale, min(OVERLAP, max_side // 4) / scale
    columns, rows = _spans(width, side, shared), _spans(height, side, shared)
    return [Window(x0, y0, x1, y1) for y0, y1 in rows for x0, x1 in columns]


def _spans(length: int, side: float, shared: float) -> list[tuple[int, int]]:
    if length <= side:
        return [(0, length)]
    count = int(np.ceil((length - shared) / (side - shared)))
    size = int(np.ceil((length + (count - 1) * shared) / count))
    starts = np.linspace(0, length - size, count).round().astype(int).tolist()
    return [(start, start + size) for start in starts]


class _Piece(NamedTuple):
    polygon: NDArray[np.float32]
    score: float
    windows: frozenset[int]
    cut: bool


def merge(found: list[list[Detection]], windows: list[Window], size: tuple[int, int], scale: float) -> list[Detection]:
    """Join the detections of overlapping windows, in pixels of the page of ``size`` (width, height), best first.

    One that lies mostly inside another is its duplicate; two that a seam cut out of one line become one quad.
    ``scale`` is prepared pixels per image pixel.
    """
    pieces = [
        _Piece(
            detection.polygon,
            detection.score,
            frozenset((index,)),
            _is_cut(detection.polygon, window, size, _TOUCHING / scale),
        )
        for index, (window, detections) in enumerate(zip(windows, found, strict=True))
        for detection in detections
    ]
    pieces.sort(key=lambda piece: -cv2.contourArea(piece.polygon))
    kept: list[_Piece] = []
    for piece in pieces:
        _add(kept, piece)
    return sorted((Detection(piece.polygon, piece.score) for piece in kept), key=lambda item: -item.score)


def _add(kept: list[_Piece], piece: _Piece) -> None:
    """Add a piece to those kept, unless it repeats one of them; a joined piece may meet the next one over."""
    index = 0
    while index < len(kept):
        other = kept[index]
        index += 1
        shared = 0.0 if other.windows == piece.windows else _shared_area(other.polygon, piece.polygon)
        if shared == 0.0:
            continue
        joined = _joined(other, piece)
        if joined is not None:
            del kept[index - 1]
            piece, index = joined, 0
        elif shared > _CONTAINED * cv2.contourArea(piece.polygon):
            return
    kept.append(piece)


def _is_cut(polygon: NDArray[np.float32], window: Window, size: tuple[int, int], near: float) -> bool:
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    return bool(
        (window.x_min > 0 and low[0] - window.x_min < near)
        or (window.y_min > 0 and low[1] - window.y_min < near)
        or (window.x_max < size[0] and window.x_max - high[0] < near)
        or (window.y_max < size[1] and window.y_max - high[1] < near)
    )


def _shared_area(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    if (a.min(axis=0) >= b.max(axis=0)).any() or (b.min(axis=0) >= a.max(axis=0)).any():
        return 0.0
    return float(cv2.intersectConvexConvex(cv2.convexHull(a), cv2.convexHull(b))[0])


def _joined(a: _Piece, b: _Piece) -> _Piece | None:
    """One quad around two pieces when a seam cut at least one and together they are no thicker than the thicker."""
    if not (a.cut or b.cut):
        return None
    from ocr.geometry.quad import min_area_quad

    points = np.concatenate((a.polygon, b.polygon))
    thickness = max(min(cv2.minAreaRect(piece.polygon)[1]) for piece in (a, b))
    if min(cv2.minAreaRect(points)[1]) > _THICKER * thickness:
        return None
    return _Piece(min_area_quad(points), max(a.score, b.score), a.windows | b.windows, True)
