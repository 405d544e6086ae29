"""Shrink and its exact inverse."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr.geometry.offset import grow, shrink, shrink_distance, unclip, unclip_rect
from ocr.geometry.polygon import area, clockwise, iou, perimeter, signed_area
from ocr.geometry.quad import box_quad, min_area_quad, quad_size

FEW = settings(max_examples=40, deadline=None)

RATIOS = st.sampled_from((0.3, 0.4, 0.5, 0.6, 0.8))


@st.composite
def rectangles(draw: st.DrawFn) -> np.ndarray:
    width, height = draw(st.floats(12, 1500)), draw(st.floats(6, 120))
    angle = np.deg2rad(draw(st.floats(-90, 90)))
    spin = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    centred = box_quad(-width / 2, -height / 2, width / 2, height / 2)
    return (centred @ spin + draw(st.floats(0, 3000))).astype(np.float32)


@st.composite
def blobs(draw: st.DrawFn, longest: float = 6) -> np.ndarray:
    """Round shapes of 5 to 16 corners, convex or a little dented, as contours of a probability map are."""
    count = draw(st.integers(5, 16))
    radii = np.array(draw(st.lists(st.floats(0.85, 1.0), min_size=count, max_size=count)))
    angles = np.arange(count) * 2 * np.pi / count
    size, aspect = draw(st.floats(10, 120)), draw(st.floats(1, longest))
    points = np.stack([aspect * size * radii * np.cos(angles), size * radii * np.sin(angles)], axis=1)
    return clockwise((points + 800).astype(np.float32))


@given(rectangles(), RATIOS)
@FEW
def test_unclip_undoes_shrink_on_every_rectangle(rectangle: np.ndarray, ratio: float) -> None:
    shrunk = shrink(rectangle, ratio)
    assert shrunk is not None
    restored = unclip(shrunk, ratio)
    assert restored is not None
    assert iou(restored, rectangle) > 0.985


@given(rectangles(), RATIOS)
@FEW
def test_the_closed_form_is_the_distance_that_shrink_moved(rectangle: np.ndarray, ratio: float) -> None:
    shrunk = shrink(rectangle, ratio)
    assert shrunk is not None
    width, height = quad_size(min_area_quad(shrunk))
    assert unclip_rect(width, height, ratio) == pytest.approx(shrink_distance(rectangle, ratio), abs=0.02, rel=0.01)


@pytest.mark.parametrize("aspect", [1, 2, 3, 5, 8, 10, 15, 20, 30])
def test_long_lines_come_back_whole(aspect: int) -> None:
    """A fixed factor of 1.5 leaves 10:1 lines at IoU 0.59 and 20:1 lines at 0.45."""
    line = box_quad(50, 50, 50 + 64 * aspect, 114)
    shrunk = shrink(line, 0.4)
    assert shrunk is not None
    restored = unclip(shrunk, 0.4)
    assert restored is not None
    assert iou(restored, line) > 0.999
    assert len(restored) == 4


@given(blobs(), RATIOS)
@FEW
def test_unclip_grows_any_polygon_by_what_shrink_would_take_from_the_result(blob: np.ndarray, ratio: float) -> None:
    grown = unclip(blob, ratio)
    assert grown is not None
    moved = shapely.Polygon(blob).exterior.distance(shapely.Polygon(grown).exterior)
    assert moved == pytest.approx(shrink_distance(grown, ratio), abs=0.02, rel=0.01)


@given(blobs(longest=2.5))
@FEW
def test_unclip_undoes_shrink_on_blobs(blob: np.ndarray) -> None:
    shrunk = shrink(blob, 0.4)
    assert shrunk is not None
    restored = unclip(shrunk, 0.4)
    assert restored is not None
    # Not exact, as sharp ends do not come back: growing them into spikes would be worse.
    assert iou(restored, blob) > 0.8


@given(rectangles(), st.floats(0.5, 60))
@FEW
def test_grow_adds_a_band_with_round_corners(rectangle: np.ndarray, distance: float) -> None:
    grown = grow(rectangle, distance)
    assert grown is not None
    assert signed_area(grown) > 0
    expected = area(rectangle) + perimeter(rectangle) * distance + np.pi * distance**2
    assert area(grown) == pytest.approx(expected, rel=0.01)


def test_a_dumbbell_keeps_its_larger_half_and_thin_things_vanish() -> None:
    left, right = [(40, 40), (0, 40), (0, 0), (40, 0), (40, 19)], [(60, 19), (60, 0), (120, 0), (120, 40), (60, 40)]
    dumbbell = np.array([*left, *right, (60, 21), (40, 21)], np.float32)
    kept = shrink(dumbbell, 0.4)
    assert kept is not None
    assert kept[:, 0].min() > 60
    assert shrink(np.array([(0, 0), (100, 0), (100, 0)], np.float32), 0.4) is None
    assert grow(np.array([(5, 5), (5, 5), (5, 5)], np.float32), 3) is None
    assert unclip(np.array([(5, 5), (5, 5), (5, 5)], np.float32), 0.4) is None


def test_a_spike_is_cut_off_and_does_not_shoot_out() -> None:
    spike = np.array([(0, 0), (200, 10), (0, 20)], np.float32)
    grown = unclip(spike, 0.4)
    assert grown is not None
    assert grown[:, 0].max() < 200 + 2 * shrink_distance(grown, 0.4)
