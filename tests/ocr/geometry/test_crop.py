"""Crops: pixel for pixel when upright, straightened when not, and never a failure at the border."""

import cv2
import numpy as np
import pytest

from ocr.geometry.crop import crop_quad
from ocr.geometry.polygon import transform
from ocr.geometry.quad import box_quad


@pytest.fixture
def page() -> np.ndarray:
    noise = np.random.default_rng(3).integers(0, 255, (120, 200, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 3)


def test_an_upright_box_is_the_slice_itself(page: np.ndarray) -> None:
    assert np.array_equal(crop_quad(page, box_quad(10, 20, 60, 50)), page[20:50, 10:60])


def test_a_turned_quad_comes_out_upright(page: np.ndarray) -> None:
    matrix = cv2.getRotationMatrix2D((100, 60), 17, 1)
    turned = cv2.warpAffine(page, matrix, (200, 120), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    quad = transform(box_quad(70, 45, 130, 75), np.vstack([matrix, (0, 0, 1)]))
    crop = crop_quad(turned, quad)
    assert crop.shape == (30, 60, 3)
    difference = np.abs(crop.astype(int) - page[45:75, 70:130])[2:-2, 2:-2]
    assert difference.mean() < 2


def test_text_that_runs_down_is_turned_to_run_right(page: np.ndarray) -> None:
    column = box_quad(10, 10, 30, 90)
    assert crop_quad(page, column).shape == (20, 80, 3)
    assert np.array_equal(crop_quad(page, column), np.rot90(page[10:90, 10:30]))
    assert crop_quad(page, column, turn_tall=False).shape == (80, 20, 3)
    assert crop_quad(page, box_quad(0, 0, 20, 30)).shape == (30, 20, 3)


@pytest.mark.parametrize(
    "quad",
    [
        box_quad(-10, -20, -5, -10),
        box_quad(190, 110, 230, 140),
        box_quad(500, 500, 520, 510),
        box_quad(3, 3, 3.2, 3.1),
        np.array([(0, 0), (200, 0), (200, 120), (0, 120)], np.float32),
    ],
)
def test_quads_at_and_beyond_the_border_give_a_crop_of_their_size(page: np.ndarray, quad: np.ndarray) -> None:
    crop = crop_quad(page, quad, turn_tall=False)
    width, height = np.maximum(1, (quad[2] - quad[0]).round())
    assert crop.shape == (height, width, 3)
    assert crop.dtype == np.uint8


def test_an_image_of_more_rows_than_opencv_warps_is_fine() -> None:
    strip = np.zeros((40_000, 20, 3), np.uint8)
    strip[35_000:35_010] = 255
    assert crop_quad(strip, box_quad(0, 35_000, 20, 35_010)).min() == 255
