"""Reading order on layouts that matter: receipts, prose in columns, skewed pages."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr.geometry.quad import box_quad
from ocr.inference.reading_order import reading_order


def turned(polygons: list[np.ndarray], degrees: float) -> list[np.ndarray]:
    angle = np.deg2rad(degrees)
    matrix = np.array(((np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))))
    return [(polygon @ matrix).astype(np.float32) for polygon in polygons]


def receipt() -> list[np.ndarray]:
    lines = [box_quad(150, 0, 450, 30)]
    for row in range(12):
        y = 60 + 40 * row
        lines += [box_quad(10, y, 280, y + 28), box_quad(330, y + 3, 360, y + 27), box_quad(480, y - 2, 590, y + 26)]
    return lines


def two_columns() -> list[np.ndarray]:
    title = [box_quad(100, 0, 900, 40)]
    left = [box_quad(10, 80 + 25 * row, 480, 100 + 25 * row) for row in range(30)]
    right = [box_quad(520, 85 + 25 * row, 990, 105 + 25 * row) for row in range(30)]
    footer = [box_quad(300, 900, 700, 920)]
    return title + left + right + footer


LAYOUTS = {"receipt": receipt(), "two columns": two_columns(), "nothing": [], "one line": [box_quad(5, 5, 50, 10)]}


@pytest.mark.parametrize("degrees", [0.0, -2.0, 2.0, 7.0])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_read_in_order_also_when_skewed(layout: str, degrees: float) -> None:
    lines = turned(LAYOUTS[layout], degrees)
    shuffled = np.random.default_rng(0).permutation(len(lines))
    order = reading_order([lines[index] for index in shuffled])
    assert [int(shuffled[index]) for index in order] == list(range(len(lines)))


def test_three_columns() -> None:
    columns = [[box_quad(x, 40 * row, x + 300, 22 + 40 * row) for row in range(10)] for x in (0, 350, 700)]
    lines = [line for column in columns for line in column]
    assert reading_order(lines[::-1]) == list(range(len(lines)))[::-1]


def test_polygons_take_part_by_their_box() -> None:
    curve = np.array([(0, 10), (50, 0), (100, 10), (100, 30), (50, 20), (0, 30)], np.float32)
    assert reading_order([box_quad(0, 50, 100, 70), curve, box_quad(120, 8, 200, 30)]) == [1, 2, 0]


def test_real_receipts_keep_the_annotators_order(ocr_data: Path) -> None:
    """SROIE's files list the lines from the top; ours must agree but for neighbours in a row."""
    displaced = []
    for path in sorted((ocr_data / "sroie" / "val" / "box").glob("*.txt"))[:20]:
        rows = [line.split(",", 8)[:8] for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]
        quads = [np.array(row, np.float32).reshape(4, 2) for row in rows]
        middles = np.array([quads[index][:, 1].mean() for index in reading_order(quads)])
        height = np.median([np.ptp(quad[:, 1]) for quad in quads])
        displaced.append(float(np.mean(np.diff(middles) < -0.8 * height)))
    assert np.mean(displaced) < 0.02


@given(st.lists(st.tuples(*[st.integers(0, 500)] * 2, *[st.integers(1, 200)] * 2), max_size=40))
def test_every_line_is_read_exactly_once(boxes: list[tuple[int, int, int, int]]) -> None:
    polygons = [box_quad(x, y, x + width, y + height) for x, y, width, height in boxes]
    assert sorted(reading_order(polygons)) == list(range(len(boxes)))
