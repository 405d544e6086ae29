"""Target maps equal those of a straightforward reference, and mask what cannot be learnt."""

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr.detection.targets import Targets, build_targets
from ocr.geometry.polygon import clockwise

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "targets.py"


@pytest.fixture(scope="module")
def reference():
    spec = importlib.util.spec_from_file_location("targets_benchmark", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.reference_targets


def box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array(((x0, y0), (x1, y0), (x1, y1), (x0, y1)), np.float32)


def assert_same_region(ours: np.ndarray, theirs: np.ndarray) -> None:
    """The masks differ, if at all, within two pixels of an edge: one rounds the corners of its outlines to pixels, and
    filling takes in every pixel that an outline touches."""
    square = np.ones((5, 5), np.uint8)
    edges = [cv2.dilate(mask, square) != cv2.erode(mask, square) for mask in (ours, theirs)]
    assert not ((ours != theirs) & ~edges[0] & ~edges[1]).any()
    assert (ours != theirs).mean() < 0.02


def assert_equal_within_rounding(ours: Targets, theirs: Targets) -> None:
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.dtype == other.dtype
    assert_same_region(ours.probability, theirs.probability)
    np.testing.assert_array_equal(ours.probability_mask, theirs.probability_mask)
    np.testing.assert_allclose(ours.threshold, theirs.threshold, atol=2e-4)
    assert_same_region(ours.threshold_mask, theirs.threshold_mask)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(st.floats(-40, 240), st.floats(-40, 240), st.floats(4, 200), st.floats(4, 60), st.floats(-90, 90)),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from([0.4, 0.6]),
)
def test_rectangles_anywhere(reference, rectangles, ratio: float) -> None:
    polygons = [clockwise(cv2.boxPoints(((x, y), (w, h), a))) for x, y, w, h, a in rectangles]
    ignore = [index == 2 for index in range(len(polygons))]
    assert_equal_within_rounding(
        build_targets(polygons, ignore, (200, 240), ratio), reference(polygons, ignore, (200, 240), ratio)
    )


def test_curved_text(reference) -> None:
    angles = np.linspace(np.pi, 2 * np.pi, 9)
    arcs = [np.stack((150 + r * np.cos(a), 160 + r * np.sin(a)), 1) for r, a in ((120, angles), (80, angles[::-1]))]
    polygon = clockwise(np.concatenate(arcs).astype(np.float32))
    assert_equal_within_rounding(
        build_targets([polygon], [False], (200, 300)), reference([polygon], [False], (200, 300))
    )


def test_a_real_page(reference, ocr_data) -> None:
    from ocr.datasets.annotations import read_samples

    sample = next(iter(read_samples(ocr_data / "sroie" / "train")))
    height, width = sample.load().shape[:2]
    page = sample.valid((width, height))
    polygons = page.polygons[:12]
    ours = build_targets(polygons, page.ignore[:12], (height, width))
    assert_equal_within_rounding(ours, reference(polygons, page.ignore[:12], (height, width)))
    assert ours.probability.any()


def test_the_maps_of_one_line() -> None:
    targets = build_targets([box(20, 20, 120, 60)], [False], (80, 140))
    assert targets.probability[40, 70] == 1
    assert targets.probability[22, 70] == targets.probability[40, 22] == 0
    assert targets.probability_mask.all()
    assert targets.threshold[20, 70] == pytest.approx(0.7)
    assert targets.threshold[0, 0] == targets.threshold[40, 70] == pytest.approx(0.3)
    assert targets.threshold.max() == pytest.approx(0.7)
    assert targets.threshold_mask[40, 70] == 1
    assert targets.threshold_mask[0, 0] == 0


@pytest.mark.parametrize(
    ("polygon", "ignored"),
    [(box(20, 20, 120, 60), True), (box(20, 20, 120, 23), False)],
    ids=["ignored", "too thin"],
)
def test_what_cannot_be_learnt_is_masked(polygon: np.ndarray, ignored: bool) -> None:
    targets = build_targets([polygon], [ignored], (80, 140))
    assert not targets.probability.any()
    assert targets.probability_mask[21, 70] == 0
    assert targets.probability_mask[70, 70] == 1
    assert not targets.threshold_mask.any()


def test_an_ignored_neighbour_masks_its_share_of_a_line() -> None:
    targets = build_targets([box(20, 20, 120, 60), box(60, 10, 100, 70)], [False, True], (80, 140))
    assert targets.probability_mask[40, 40] == 1
    assert targets.probability_mask[40, 80] == targets.threshold_mask[40, 80] == 0


def test_a_line_reaches_beyond_the_view() -> None:
    """Its kernel runs to the edge: the network is not told that a line ends where a view does."""
    targets = build_targets([box(-200, 20, 120, 60), box(500, 500, 600, 540)], [False, False], (80, 140))
    assert targets.probability[40, 0] == 1
    assert targets.threshold[20, 0] == pytest.approx(0.7)


def test_a_page_without_text() -> None:
    targets = build_targets([], [], (32, 64))
    assert not targets.probability.any()
    assert targets.probability_mask.all()
    assert not targets.threshold_mask.any()


def test_a_repeated_point_does_no_harm(reference) -> None:
    polygon = np.concatenate([box(20, 20, 120, 60), np.array([(20, 60)], np.float32)])
    targets = build_targets([polygon], [False], (80, 140))
    assert np.isfinite(targets.threshold).all()
    assert_equal_within_rounding(targets, build_targets([polygon[:4]], [False], (80, 140)))
