from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr.metrics.calibration import Accepted, accepted, calibration_error, fit_points


@pytest.mark.parametrize(
    ("certainty", "right", "error"),
    [
        ([], [], 0.0),
        ([1.0, 1.0], [True, True], 0.0),
        ([0.9] * 10, [True] * 9 + [False], 0.0),
        ([0.9] * 10, [True] * 5 + [False] * 5, 0.4),
        ([0.9] * 5 + [0.1] * 5, [False] * 5 + [True] * 5, 0.9),
    ],
)
def test_calibration_error(certainty, right, error):
    assert calibration_error(certainty, right) == pytest.approx(error)


def test_what_can_be_accepted():
    certainty, right = [0.9, 0.8, 0.8, 0.3], [True, False, True, False]
    assert accepted(certainty, right, [0.0, 0.34, 0.5]) == [
        Accepted(0.0, 0.25),
        Accepted(0.34, 0.75),
        Accepted(0.5, 1.0),
    ]
    # Equal certainty: both or none, whatever their order.
    assert accepted([0.8, 0.8], [True, False], [0.2]) == [Accepted(0.2, 0.0)]
    assert accepted([], [], [0.1]) == [Accepted(0.1, 0.0)]


def test_a_fitted_curve_calibrates_other_draws_of_the_same_source():
    random = np.random.default_rng(0)

    def draw(count):
        certainty = random.random(count)
        return certainty, random.random(count) < certainty**3

    points = fit_points(*draw(4000))
    certainty, right = draw(4000)
    mapped = np.interp(certainty, *zip(*points, strict=True))
    assert calibration_error(certainty, right) > 0.2
    assert calibration_error(mapped, right) < 0.04


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=400))
def test_points_rise_and_span_everything(pairs):
    points = fit_points([value for value, _ in pairs], [right for _, right in pairs])
    assert (points[0][0], points[-1][0]) == (0.0, 1.0)
    assert all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(points))
    assert all(0 <= value <= 1 for point in points for value in point)
