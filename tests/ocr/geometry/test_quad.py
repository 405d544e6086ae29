"""Quads: corners in reading order, whatever order they came in."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr.geometry.quad import box_quad, min_area_quad, order_quad, polygon_quad, quad_size

FEW = settings(max_examples=40, deadline=None)


def turned(quad: np.ndarray, degrees: float) -> np.ndarray:
    angle = np.deg2rad(degrees)
    spin = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    centre = quad.mean(axis=0)
    return ((quad - centre) @ spin + centre).astype(np.float32)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_an_upright_box_is_ordered_from_any_order(order: tuple[int, ...]) -> None:
    box = box_quad(10, 20, 110, 50)
    assert np.array_equal(order_quad(box[list(order)]), box)


@given(st.floats(-74, 74), st.permutations(range(4)), st.floats(1.6, 40))
@FEW
def test_a_line_reads_along_its_long_side_up_to_75_degrees(degrees: float, order: list[int], aspect: float) -> None:
    line = turned(box_quad(0, 0, 20 * aspect, 20), degrees)
    assert np.allclose(order_quad(line[order]), line, atol=1e-3)


@given(st.floats(-44, 44), st.permutations(range(4)), st.floats(0.7, 1.4))
@FEW
def test_a_single_character_stands_upright(degrees: float, order: list[int], aspect: float) -> None:
    box = turned(box_quad(0, 0, 20 * aspect, 20), degrees)
    assert np.allclose(order_quad(box[order]), box, atol=1e-3)


def test_a_column_of_text_keeps_its_short_top_edge() -> None:
    column = box_quad(5, 5, 25, 205)
    assert np.array_equal(order_quad(column[[2, 3, 0, 1]]), column)


@given(st.floats(-74, 74), st.floats(30, 400), st.floats(6, 19))
@FEW
def test_the_least_rectangle_around_a_rectangle_is_itself(degrees: float, width: float, height: float) -> None:
    box = turned(box_quad(50, 60, 50 + width, 60 + height), degrees)
    found = min_area_quad(np.concatenate([box, box.mean(axis=0, keepdims=True)]))
    assert np.allclose(found, box, atol=0.05)
    assert quad_size(found) == pytest.approx((width, height), abs=0.1)


def test_sizes_are_the_means_of_opposite_sides() -> None:
    assert quad_size(np.array([(0, 0), (10, 0), (12, 4), (0, 2)], np.float32)) == pytest.approx(
        ((10 + np.hypot(12, 2)) / 2, (np.hypot(2, 4) + 2) / 2)
    )


def test_four_points_are_taken_as_annotated_and_more_are_boxed() -> None:
    upside_down = box_quad(0, 0, 40, 10)[[2, 3, 0, 1]]
    assert np.array_equal(polygon_quad(upside_down), upside_down)
    curved = np.array([(0, 5), (10, 0), (20, 5), (20, 15), (10, 10), (0, 15)], np.float32)
    assert np.allclose(polygon_quad(curved), box_quad(0, 0, 20, 15))
