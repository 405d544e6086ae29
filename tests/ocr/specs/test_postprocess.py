"""From a probability map to polygons."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr.geometry.offset import shrink
from ocr.geometry.polygon import clockwise, iou, signed_area
from ocr.geometry.quad import order_quad
from ocr.schema import from_json, to_json
from ocr.specs.postprocess import Detection, PostprocessSpec, detect

QUAD = PostprocessSpec()


def kernel_map(
    polygons: list[np.ndarray], size: tuple[int, int], ratio: float, value: float = 0.9, scale: int = 1
) -> np.ndarray:
    """The map of a perfect network: the shrunk polygons, filled, in pixels of 1/``scale`` of theirs."""
    probability = np.zeros((size[1] * scale, size[0] * scale), np.float32)
    for polygon in polygons:
        kernel = shrink(polygon, ratio)
        assert kernel is not None
        cv2.fillPoly(probability, [np.rint(kernel * scale).astype(np.int32)], value)
    return probability


def rectangle(centre: tuple[float, float], width: float, height: float, degrees: float) -> np.ndarray:
    return clockwise(cv2.boxPoints((centre, (width, height), degrees)))


def find(spec: PostprocessSpec, probability: np.ndarray, scale: float = 1.0) -> list[Detection]:
    height, width = probability.shape
    return detect(spec, probability, scale, scale, (round(width / scale), round(height / scale)))


@settings(deadline=None, max_examples=60)
@given(
    aspect=st.floats(1, 30),
    height=st.floats(40, 64),
    degrees=st.floats(-80, 80),
    ratio=st.sampled_from([0.4, 0.5, 0.6, 0.7]),
)
def test_what_was_shrunk_comes_back(aspect: float, height: float, degrees: float, ratio: float) -> None:
    truth = rectangle((0, 0), aspect * height, height, degrees)
    truth += 20 - truth.min(axis=0)
    width, rows = (math.ceil(side) + 20 for side in truth.max(axis=0))
    spec = PostprocessSpec(shrink_ratio=ratio)
    # Kernels are drawn to whole pixels, and the unclip magnifies that, most where a kernel is thinnest.
    (found,) = find(spec, kernel_map([truth], (width, rows), ratio))
    assert iou(found.polygon, truth) > {0.4: 0.85, 0.5: 0.87, 0.6: 0.88, 0.7: 0.89}[ratio]
    (found,) = find(spec, kernel_map([truth], (width, rows), ratio, scale=6), scale=6.0)
    assert iou(found.polygon, truth) > 0.95
    if aspect > 2 and abs(degrees) < 70:
        np.testing.assert_allclose(found.polygon, order_quad(found.polygon), atol=1e-3)


@pytest.mark.parametrize("ratio", [0.4, 0.7])
def test_lines_of_few_pixels_are_as_thick_tilted_as_level(ratio: float) -> None:
    """The rectangle around the steps of a tilted kernel is thicker than the kernel, and unclip magnifies that."""
    spec = PostprocessSpec(shrink_ratio=ratio)
    overlaps = {}
    for degrees in (0, 1, 2, 5, 10, 20, 40, 70, 85):
        found = []
        for height in (14, 16, 18, 20):
            truth = rectangle((220, 220), 300, height, degrees)
            found += [iou(one.polygon, truth) for one in find(spec, kernel_map([truth], (440, 440), ratio))]
        assert len(found) == 4
        overlaps[degrees] = np.mean(found)
    assert min(overlaps.values()) > overlaps[0] - 0.03, overlaps
    assert overlaps[0] > 0.85


def test_the_rectangle_of_a_bent_line_stays_around_it() -> None:
    probability = np.zeros((120, 300), np.float32)
    cv2.polylines(probability, [np.array([(20, 30), (150, 90), (280, 30)])], False, 0.9, 8)
    (found,) = find(QUAD, probability)
    assert found.polygon[:, 1].min() < 30
    assert found.polygon[:, 1].max() > 94


def test_polygons_of_curved_text_come_back_too() -> None:
    angles = np.linspace(np.pi, 2 * np.pi, 16)
    outer, inner = ((400 + r * np.cos(a), 420 + r * np.sin(a)) for r, a in ((300, angles), (230, angles[::-1])))
    truth = clockwise(np.concatenate([np.stack(outer, 1), np.stack(inner, 1)]).astype(np.float32))
    (found,) = find(PostprocessSpec(shape="polygon"), kernel_map([truth], (800, 500), 0.4))
    assert iou(found.polygon, truth) > 0.9
    assert signed_area(found.polygon) > 0
    assert len(found.polygon) > 8


@pytest.mark.parametrize("shape", ["quad", "polygon"])
@pytest.mark.parametrize("value", [0.0, 0.29, np.nan])
def test_a_map_without_text_gives_nothing(shape: str, value: float) -> None:
    assert find(PostprocessSpec(shape=shape), np.full((64, 64), value, np.float32)) == []


@pytest.mark.parametrize("shape", ["quad", "polygon"])
def test_specks_are_dropped(shape: str) -> None:
    probability = np.zeros((64, 64), np.float32)
    probability[10, 10] = probability[30:32, 30:32] = probability[50, 20:22] = 0.9
    assert find(PostprocessSpec(shape=shape), probability) == []


@pytest.mark.parametrize("shape", ["quad", "polygon"])
def test_coordinates_are_those_of_the_image_and_stay_inside_it(shape: str) -> None:
    probability = np.zeros((100, 300), np.float32)
    probability[0:10, 0:150] = 0.9
    (found,) = detect(PostprocessSpec(shape=shape), probability, 0.5, 0.25, (600, 400))
    assert found.polygon.dtype == np.float32
    assert found.polygon.min() == 0
    assert (found.polygon <= (600, 400)).all()
    grown = found.polygon.max(0) - (298, 36)
    assert (grown > 8).all()


def test_a_full_map_is_the_whole_image() -> None:
    (found,) = find(QUAD, np.ones((40, 60), np.float32))
    np.testing.assert_allclose(found.polygon, [(0, 0), (60, 0), (60, 40), (0, 40)])
    assert found.score == pytest.approx(1)


def test_the_score_is_the_mean_probability_inside() -> None:
    probability = np.zeros((60, 200), np.float32)
    probability[20:30, 20:100] = 0.8
    probability[20:30, 100:180] = 0.6
    (found,) = find(QUAD, probability)
    assert found.score == pytest.approx(0.7, abs=1e-6)
    assert find(PostprocessSpec(box_threshold=0.71), probability) == []


def test_neighbours_do_not_change_a_score() -> None:
    """Regions whose boxes overlap: an L and the block in its corner."""
    probability = np.zeros((100, 100), np.float32)
    probability[10:90, 10:30] = probability[70:90, 10:90] = 0.65
    probability[10:60, 40:90] = 1.0
    assert [found.score for found in find(QUAD, probability)] == pytest.approx([1.0, 0.65])


def test_a_hole_is_not_text_but_what_is_inside_it_is() -> None:
    probability = np.zeros((200, 200), np.float32)
    probability[20:180, 20:180] = 0.9
    probability[40:160, 40:160] = 0
    probability[90:110, 60:140] = 0.95
    found = find(PostprocessSpec(box_threshold=0.3), probability)
    assert len(found) == 2
    assert found[0].polygon.min() > 40


def test_all_lines_of_a_tall_page_are_ranked_before_any_is_cut() -> None:
    probability = np.zeros((4000, 200), np.float32)
    for row in range(150):
        probability[20 + row * 26 : 30 + row * 26, 20:180] = 0.9 - row * 0.002
    every = find(QUAD, probability)
    assert len(every) == 150
    assert [found.score for found in every] == sorted((found.score for found in every), reverse=True)
    best = find(PostprocessSpec(max_candidates=100), probability)
    assert len(best) == 100
    np.testing.assert_allclose([found.polygon for found in best], [found.polygon for found in every[:100]])
    assert best[0].polygon[0, 1] < 30


@pytest.mark.parametrize(("degrees", "first"), [(0, (-1, -1)), (60, (-1, -1)), (-60, (-1, 1)), (89, (-1, -1))])
def test_corners_start_where_reading_starts(degrees: float, first: tuple[int, int]) -> None:
    (found,) = find(QUAD, kernel_map([rectangle((300, 300), 400, 60, degrees)], (600, 600), 0.4))
    assert tuple(np.sign(found.polygon[0] - 300)) == first


def test_only_a_map_of_two_dimensions_is_taken() -> None:
    with pytest.raises(ValueError, match="probability map"):
        detect(QUAD, np.zeros((1, 8, 8), np.float32), 1, 1, (8, 8))


def test_the_digest_follows_the_values() -> None:
    assert QUAD.digest == from_json(PostprocessSpec, to_json(QUAD)).digest
    assert QUAD.digest != PostprocessSpec(binarize=0.2).digest
