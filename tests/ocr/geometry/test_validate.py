"""The only polygon validation: what it repairs, what it drops, and that its results need none."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr.datasets.annotations import read_samples
from ocr.geometry.polygon import iou, signed_area
from ocr.geometry.quad import box_quad
from ocr.geometry.validate import (
    NO_AREA,
    NOT_FINITE,
    NOT_NUMBERS,
    OUTSIDE,
    REPEATED,
    SELF_CROSSING,
    TOO_FEW,
    validate,
    validate_all,
)

FEW = settings(max_examples=100, deadline=None)

NAN, INF = float("nan"), float("inf")
PENTAGRAM = [(50, 0), (80, 95), (2, 36), (98, 36), (20, 95)]


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ([], TOO_FEW),
        ([(0, 0), (5, 5)], TOO_FEW),
        ([(0, 0), (5, 5), (5, 5), (0, 0)], TOO_FEW),
        ([(0, 0), (5, NAN), (5, 5)], NOT_FINITE),
        ([(0, 0), (INF, 0), (5, 5)], NOT_FINITE),
        ([(0, 0), (1e9, 0), (5, 5)], NOT_FINITE),
        ([(0, 0), (50, 50), (90, 90)], NO_AREA),
        ([(0, 0), (90, 0), (90, 0.3), (0, 0.3)], NO_AREA),
        (PENTAGRAM, SELF_CROSSING),
        ([(200, 10), (250, 10), (250, 30), (200, 30)], OUTSIDE),
        ([(-9, -9), (-1, -9), (-1, -1), (-9, -1)], OUTSIDE),
        ([("a", "b"), ("c", "d"), ("e", "f")], NOT_NUMBERS),
        ([(1, 2, 3), (4, 5, 6), (7, 8, 9)], NOT_NUMBERS),
        ([[1, 2], [3], [4, 5]], NOT_NUMBERS),
        (None, NOT_NUMBERS),
    ],
)
def test_what_cannot_be_used_is_dropped_with_its_reason(points: list, reason: str) -> None:
    checked = validate(points, (100, 100))
    assert (checked.polygon, checked.reason, checked.repaired) == (None, reason, False)


@pytest.mark.parametrize(
    ("points", "expected", "reason"),
    [
        ([(0, 0), (10, 10), (10, 0), (0, 10)], box_quad(0, 0, 10, 10), SELF_CROSSING),
        ([(0, 0), (0, 0), (10, 0), (10, 10), (0, 10), (0, 0)], box_quad(0, 0, 10, 10), REPEATED),
        ([(-50, -5), (40, -5), (40, 20), (-50, 20)], box_quad(0, 0, 40, 20), OUTSIDE),
        ([(1, -2), (40, 1), (40, 20), (1, 20)], np.array([(1, 0), (40, 1), (40, 20), (1, 20)]), OUTSIDE),
        (  # a long line with a loop of two pixels at one corner
            [(0, 0), (90, 0), (90, 10), (89, 12), (91, 12), (90, 10), (0, 10)],
            box_quad(0, 0, 90, 10),
            SELF_CROSSING,
        ),
    ],
)
def test_what_can_be_repaired_safely_is(points: list, expected: np.ndarray, reason: str) -> None:
    checked = validate(points, (100, 100))
    assert checked.polygon is not None
    assert (checked.reason, checked.repaired) == (reason, True)
    assert iou(checked.polygon, expected) > 0.97


def test_corners_from_the_bottom_left_become_a_quad_from_the_top_left() -> None:
    """WildReceipt's photographs are annotated so."""
    checked = validate([(550, 190), (937, 190), (937, 104), (550, 104)])
    assert np.array_equal(checked.polygon, box_quad(550, 104, 937, 190))
    assert not checked.repaired


def test_a_turned_polygon_far_outside_is_clipped_not_distorted() -> None:
    diamond = np.array([(50, -40), (90, 50), (50, 140), (10, 50)], np.float32)
    checked = validate(diamond, (100, 100))
    inside = shapely.Polygon(diamond).intersection(shapely.box(0, 0, 100, 100))
    assert checked.repaired
    assert shapely.Polygon(checked.polygon).symmetric_difference(inside).area < 0.1
    assert validate(np.array([(120, -30), (150, 30), (120, 90), (108, 30)]), (100, 100)).reason == OUTSIDE


COORDINATES = st.one_of(st.floats(-30, 130, width=32), st.integers(-30, 130), st.just(NAN))


@given(st.lists(st.tuples(COORDINATES, COORDINATES), max_size=9))
@FEW
def test_whatever_comes_in_what_comes_out_is_sound(points: list[tuple[float, float]]) -> None:
    checked = validate(points, (100, 80))
    polygon = checked.polygon
    if polygon is None:
        assert checked.reason
        assert not checked.repaired
        return
    assert polygon.dtype == np.float32
    assert len(polygon) >= 3
    assert signed_area(polygon) > 0
    assert polygon.min() >= 0
    assert (polygon <= (100, 80)).all()
    assert checked.repaired == (checked.reason is not None)
    assert shapely.Polygon(polygon).is_valid


def test_many_at_once_keep_their_indices_and_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    boxes = [box_quad(0, 0, 9, 9), PENTAGRAM, [(0, 0)], box_quad(5, 5, 30, 9), []]
    kept, indices, reasons = validate_all(boxes, (100, 100))
    assert indices == [0, 3]
    assert len(kept) == 2
    assert reasons == {SELF_CROSSING: 1, TOO_FEW: 2}
    assert caplog.messages == ["dropped polygons: 1 self-crossing, 2 fewer than 3 points"]


def test_every_annotated_box_of_real_receipts_passes(ocr_data) -> None:
    for sample in read_samples(ocr_data / "sroie" / "val"):
        _, indices, reasons = validate_all(sample.polygons)
        assert not reasons, sample.name
        assert indices == list(range(len(sample.texts)))
