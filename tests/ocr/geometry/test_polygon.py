"""Polygons: area, order, boxes, overlap and mapping."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr.geometry.polygon import area, bounding_box, clockwise, iou, perimeter, signed_area, transform
from ocr.geometry.quad import box_quad

FEW = settings(max_examples=40, deadline=None)

SIDES = st.floats(0.5, 3000, width=32)
PLACES = st.floats(0, 9000, width=32)


@given(PLACES, PLACES, SIDES, SIDES)
@FEW
def test_a_box_has_its_area_perimeter_and_bounds_wherever_it_lies(x: float, y: float, w: float, h: float) -> None:
    box = box_quad(x, y, x + w, y + h)
    width, height = (box[2] - box[0]).tolist()
    assert area(box) == pytest.approx(width * height, rel=1e-6)
    assert perimeter(box) == pytest.approx(2 * (width + height), rel=1e-6)
    assert bounding_box(box) == pytest.approx((x, y, x + w, y + h), abs=1e-3)


@given(st.lists(st.tuples(PLACES, PLACES), min_size=3, max_size=9))
@FEW
def test_clockwise_keeps_the_first_point_and_turns_the_area_positive(points: list[tuple[float, float]]) -> None:
    polygon = np.array(points, np.float32)
    turned = clockwise(polygon)
    assert signed_area(turned) >= 0
    assert np.array_equal(turned[0], polygon[0])
    assert sorted(map(tuple, turned.tolist())) == sorted(map(tuple, polygon.tolist()))


def test_y_points_down_so_left_to_right_over_the_top_is_clockwise() -> None:
    assert signed_area(box_quad(0, 0, 4, 2)) == 8
    assert signed_area(box_quad(0, 0, 4, 2)[::-1]) == -8


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (box_quad(0, 0, 10, 10), 1.0),
        (box_quad(5, 0, 15, 10), 1 / 3),
        (box_quad(10, 0, 20, 10), 0.0),
        (box_quad(0, 30, 10, 40), 0.0),
        (np.array([(0, 0), (10, 0), (0, 10)], np.float32), 0.5),
        (np.array([(8, 8), (20, 9), (9, 20)], np.float32), pytest.approx((4 - 1 / 3) / (100 + 71.5 - 4 + 1 / 3))),
    ],
)
def test_iou(other: np.ndarray, expected: float) -> None:
    assert iou(box_quad(0, 0, 10, 10), other) == expected
    assert iou(other, box_quad(0, 0, 10, 10)) == expected


def test_iou_of_a_concave_polygon_counts_its_notch() -> None:
    notched = np.array([(0, 0), (10, 0), (10, 10), (5, 5), (0, 10)], np.float32)
    assert iou(notched, box_quad(0, 0, 10, 10)) == pytest.approx(0.75)


def test_transform_is_affine_and_perspective() -> None:
    box = box_quad(0, 0, 2, 1)
    moved = transform(box, np.array([(2, 0, 5), (0, 3, -1), (0, 0, 1)]))
    assert np.array_equal(moved, [(5, -1), (9, -1), (9, 2), (5, 2)])
    halved = transform(box, np.array([(1, 0, 0), (0, 1, 0), (0, 0, 2)]))
    assert np.array_equal(halved, box / 2)
    assert halved.dtype == np.float32
