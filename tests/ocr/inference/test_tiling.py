"""Long pages: windows that cover them at a scale that keeps glyphs legible, and lines whole again across seams."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ocr.geometry.polygon import iou
from ocr.geometry.quad import box_quad
from ocr.inference.tiling import FINEST, LEGIBLE_LINE, MIN_SHORT_SHARE, OVERLAP, Window, finer_scale, grid, merge, plan
from ocr.specs.postprocess import Detection
from ocr.specs.preprocess import PreprocessSpec, target_size

SPEC = PreprocessSpec(resize="limit", max_side=1600, multiple=32)


@pytest.mark.parametrize(
    ("size", "count"),
    [((600, 1600), 1), ((1654, 2339), 1), ((4961, 7016), 1), ((100, 60), 1), ((600, 6000), 4), ((6000, 600), 4)],
)
def test_only_long_pages_are_cut(size: tuple[int, int], count: int) -> None:
    assert len(plan(SPEC, *size)) == count


def test_other_resize_rules_are_never_cut() -> None:
    assert plan(PreprocessSpec(resize="fixed", height=640, width=640), 600, 60000) == [Window(0, 0, 600, 60000)]


@given(st.integers(3, 3000), st.integers(3, 60000))
def test_windows_cover_overlap_and_keep_the_scale(width: int, height: int) -> None:
    windows = plan(SPEC, width, height)
    covered = np.zeros(height, bool)
    for window in windows:
        assert 0 <= window.x_min < window.x_max <= width
        assert 0 <= window.y_min < window.y_max <= height
        if window.x_max - window.x_min == width:
            covered[window.y_min : window.y_max] = True
        wide, high = window.x_max - window.x_min, window.y_max - window.y_min
        prepared = min(target_size(SPEC, wide, high))
        assert prepared >= min(MIN_SHORT_SHARE * 1600, wide, high) - SPEC.multiple
    if height >= width:
        assert covered.all()
    steps = sorted({(window.y_min, window.y_max) for window in windows})
    scale = min(1.0, 640 / min(width, height))
    assert all(before[1] - after[0] >= OVERLAP / scale - 2 for before, after in itertools.pairwise(steps))


def seen_by(line: np.ndarray, window: Window) -> list[Detection]:
    """What a perfect detector finds of a box when it sees one window only."""
    low = np.maximum(line.min(axis=0), (window.x_min, window.y_min))
    high = np.minimum(line.max(axis=0), (window.x_max, window.y_max))
    return [Detection(box_quad(*low, *high), 0.9)] if (high - low >= 2).all() else []


@given(st.data())
def test_every_line_comes_back_once_and_whole(data: st.DataObject) -> None:
    """Lines up to 60 px high and any length, on a page cut along both sides."""
    windows = grid(2500, 4000, 1.0, 1000)
    assume(len(windows) > 4)
    lines = []
    y = data.draw(st.integers(0, 100))
    while y < 3900:
        height = data.draw(st.integers(12, 60))
        x = data.draw(st.integers(0, 2300))
        width = data.draw(st.integers(3 * height, 2500))
        lines.append(box_quad(x, y, min(x + width, 2500), min(y + height, 4000)))
        y += height + data.draw(st.integers(8, 700))
    found = [[piece for line in lines for piece in seen_by(line, window)] for window in windows]
    merged = merge(found, windows, (2500, 4000), 1.0)
    assert len(merged) == len(lines)
    for line in lines:
        assert max(iou(line, detection.polygon) for detection in merged) > 0.98


def test_neighbouring_lines_that_touch_stay_apart() -> None:
    windows = grid(600, 3000, 1.0, 1600)
    lines = [box_quad(20, y, 580, y + 33) for y in range(0, 2960, 30)]  # each overlaps the next by a tenth
    found = [[piece for line in lines for piece in seen_by(line, window)] for window in windows]
    assert len(merge(found, windows, (600, 3000), 1.0)) == len(lines)


def test_a_column_of_text_across_a_seam_is_joined() -> None:
    windows = grid(600, 3000, 1.0, 1600)
    column = box_quad(100, 200, 140, 2900)
    found = [seen_by(column, window) for window in windows]
    (joined,) = merge(found, windows, (600, 3000), 1.0)
    assert iou(joined.polygon, column) > 0.99
    assert joined.score == 0.9


def test_a_second_look_only_where_lines_are_small_and_pixels_left() -> None:
    small = [box_quad(10, 40 * i, 500, 40 * i + 20) for i in range(8)]
    large = [box_quad(10, 40 * i, 500, 40 * i + 36) for i in range(8)]
    assert finer_scale(small, 1.0) is None
    assert finer_scale(large, 0.4) is None
    assert finer_scale(small, 0.4) == pytest.approx(LEGIBLE_LINE / 20)
    assert finer_scale(large + small[:4], 0.4) == pytest.approx(LEGIBLE_LINE / 20)  # a large heading hides nothing
    assert finer_scale(small, 0.1) == pytest.approx(0.1 * FINEST)
    assert finer_scale([], 0.3) == pytest.approx(0.3 * FINEST)
    assert finer_scale([], 0.9) == 1.0


@given(st.integers(2000, 7500), st.integers(0, 400))
def test_a_line_through_any_number_of_windows_comes_back_once(length: int, start: int) -> None:
    """Joined pieces meet again where neither reaches all of the windows between."""
    windows = grid(8000, 300, 1.0, 1280)
    line = box_quad(start, 20, start + length, 60)
    # No two windows agree on a line to the pixel.
    found = [seen_by(line + np.float32([0, index % 3 - 1]), window) for index, window in enumerate(windows)]
    assert len(merge(found, windows, (8000, 300), 1.0)) == 1
