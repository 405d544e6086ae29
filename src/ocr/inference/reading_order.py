"""The order in which a person would read the lines of a page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocr.inference.quantile import quantile

# Prose columns are at least this many line heights wide at the median; the prices of a receipt are not.
_PROSE = 8.0
_MIN_ROWS = 4
_SAME_ROW = 0.5


@dataclass(frozen=True)
class _Box:
    index: int
    x_min: float
    y_min: float
    x_max: float
    y_max: float

    @property
    def height(self) -> float:
        return self.y_max - self.y_min

    @property
    def width(self) -> float:
        return self.x_max - self.x_min


def reading_order(polygons: Sequence[NDArray[np.float32]]) -> list[int]:
    """Indices of the polygons in reading order: rows from the top, each from the left, columns of prose one by one.

    The page is levelled first by the median slope of its longer lines. A gutter makes columns only where there is
    prose on both sides of it over several rows, so that a receipt's prices stay with their items.
    """
    if not polygons:
        return []
    angle = _slope(polygons)
    turn = np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))
    boxes = []
    for index, polygon in enumerate(polygons):
        level = polygon.astype(np.float64) @ turn
        low, high = level.min(axis=0), level.max(axis=0)
        boxes.append(_Box(index, float(low[0]), float(low[1]), float(high[0]), float(high[1])))
    return [box.index for box in _in_order(boxes)]


def _slope(polygons: Sequence[NDArray[np.float32]]) -> float:
    """Median angle, in radians, of the top edges of the quads at least three times as long as high."""
    angles = []
    for polygon in polygons:
        if len(polygon) != 4:
            continue
        across, down = polygon[1] - polygon[0], polygon[3] - polygon[0]
        if np.hypot(*across) >= 3 * np.hypot(*down):
            angles.append(float(np.arctan2(across[1], across[0])))
    return quantile(angles, 0.5) if angles else 0.0


def _in_order(boxes: list[_Box]) -> list[_Box]:
    gutter = _gutter(boxes)
    if gutter is None:
        return [box for row in _rows(boxes) for box in row]
    ordered: list[_Box] = []
    section: list[_Box] = []
    for row in _rows(boxes):
        if any(box.x_min < gutter < box.x_max for box in row):
            ordered += _section(section, gutter) + row
            section = []
        else:
            section += row
    return ordered + _section(section, gutter)


def _section(boxes: list[_Box], gutter: float) -> list[_Box]:
    """Order what lies between two lines that cross the gutter: column by column when both sides are prose."""
    left = [box for box in boxes if box.x_max <= gutter]
    right = [box for box in boxes if box.x_min >= gutter]
    if not (_is_prose(left) and _is_prose(right)):
        return boxes
    return _in_order(left) + _in_order(right)


def _is_prose(boxes: list[_Box]) -> bool:
    if len(boxes) < _MIN_ROWS:
        return False
    return quantile([box.width / max(box.height, 1e-6) for box in boxes], 0.5) >= _PROSE


def _gutter(boxes: list[_Box]) -> float | None:
    """The x that the fewest lines cross, in the middle of the widest such gap; None when many lines cross it."""
    if len(boxes) < 2 * _MIN_ROWS:
        return None
    low, high = min(box.x_min for box in boxes), max(box.x_max for box in boxes)
    edges = np.array(sorted({x for box in boxes for x in (box.x_min, box.x_max)}))
    middles = (edges[1:] + edges[:-1]) / 2
    inside = (middles > low + 0.15 * (high - low)) & (middles < high - 0.15 * (high - low))
    if not inside.any():
        return None
    starts = np.array([box.x_min for box in boxes])
    ends = np.array([box.x_max for box in boxes])
    crossing = ((starts[None] < middles[:, None]) & (ends[None] > middles[:, None])).sum(axis=1)
    crossing = np.where(inside, crossing, len(boxes))
    fewest = crossing.min()
    if fewest > 0.2 * len(boxes):
        return None
    gaps = np.where(crossing == fewest, np.diff(edges), 0.0)
    return float(middles[int(gaps.argmax())])


def _rows(boxes: list[_Box]) -> list[list[_Box]]:
    """Group boxes that overlap by half the lower one's height into rows, rows from the top, each from the left."""
    rows: list[list[_Box]] = []
    for box in sorted(boxes, key=lambda item: item.y_min + item.y_max):
        for row in reversed(rows[-3:]):
            top = _low_median(item.y_min for item in row)
            bottom = _low_median(item.y_max for item in row)
            shared = min(bottom, box.y_max) - max(top, box.y_min)
            if shared >= _SAME_ROW * min(bottom - top, box.height) and not _stacked(row, box):
                row.append(box)
                break
        else:
            rows.append([box])
    return [sorted(row, key=lambda item: item.x_min) for row in rows]


def _low_median(values: Iterable[float]) -> float:
    """The middle value, of two the lower: what `statistics` has, whose import takes longer than ordering a page."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2]


def _stacked(row: list[_Box], box: _Box) -> bool:
    """Whether the box lies over or under one of the row rather than beside it."""
    return any(
        min(item.x_max, box.x_max) - max(item.x_min, box.x_min) > 0.5 * min(item.width, box.width) for item in row
    )
