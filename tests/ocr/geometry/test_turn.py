"""Quarter turns are undone, and told by the way the text runs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr.geometry.quad import Quad, box_quad
from ocr.geometry.turn import quarters_to_upright, turn_back


@given(st.integers(0, 3), st.integers(2, 30), st.integers(2, 30), st.data())
def test_turning_back_is_the_inverse_of_turning(quarters: int, width: int, height: int, data: st.DataObject) -> None:
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    image = np.zeros((height, width))
    image[y, x] = 1
    row, column = np.argwhere(np.rot90(image, quarters))[0]
    back = turn_back(box_quad(column, row, column + 1, row + 1), quarters, (width, height))
    assert np.allclose((*back.min(axis=0), *back.max(axis=0)), (x, y, x + 1, y + 1))


def turned(quads: list[Quad], quarters: int) -> list[Quad]:
    """Quads of a page of (500, 400) pixels on the page turned by ``np.rot90(page, quarters)``."""
    size = (500, 400) if quarters % 2 == 0 else (400, 500)
    return [turn_back(quad, -quarters, size) for quad in quads]


@pytest.mark.parametrize("quarters", range(4))
def test_the_way_most_lines_run_tells_the_turn(quarters: int) -> None:
    lines = [box_quad(20, 40 * row, 220, 40 * row + 20) for row in range(5)]
    aslant = [np.array([(20, 20), (200, 50), (195, 80), (15, 50)], np.float32)]
    stamp = turned([box_quad(300, 20, 400, 40)], 1)
    assert quarters_to_upright(turned([*lines, *aslant, *stamp], quarters)) == -quarters % 4


def test_no_lines_are_upright() -> None:
    assert quarters_to_upright([]) == 0
