"""What a network sees of an image."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr.images.load import load_image
from ocr.schema import Mismatch, from_json, from_plain, to_json
from ocr.specs.preprocess import PreprocessSpec, apply, stack, target_size

LIMIT = PreprocessSpec(resize="limit", max_side=960, multiple=32)
HEIGHT = PreprocessSpec(resize="height", height=32, min_width=16, max_width=320, multiple=8, pad_value=-1.5)
FIXED = PreprocessSpec(resize="fixed", height=32, width=128)

SIDES = st.integers(1, 5000)


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(width * height).integers(0, 256, (height, width, 3), np.uint8)


@given(SIDES, SIDES, st.sampled_from([None, 320, 736]), st.sampled_from([1, 32]))
def test_limited_sizes_hold_their_limits(width: int, height: int, min_side: int | None, multiple: int) -> None:
    spec = PreprocessSpec(resize="limit", max_side=960, min_side=min_side, multiple=multiple)
    new_width, new_height = target_size(spec, width, height)
    assert new_width % multiple == new_height % multiple == 0
    assert 0 < min(new_width, new_height) <= max(new_width, new_height) <= 960
    if min_side and max(width, height) * min_side <= 900 * min(width, height):
        assert min(new_width, new_height) >= min_side - multiple / 2
    if min_side is None and max(width, height) >= 960 > 64 >= multiple:
        assert max(new_width, new_height) >= 960 - multiple


@given(SIDES, SIDES, st.floats(0.1, 1), st.sampled_from([None, 64]))
def test_width_follows_the_aspect_ratio_within_its_limits(
    width: int, height: int, scale: float, unscaled: int | None
) -> None:
    full = width * 32 / height
    spec = replace(HEIGHT, width_scale=scale, unscaled_width=unscaled)
    new_width, new_height = target_size(spec, width, height)
    assert new_height == 32
    assert min(round(full * scale), 320) <= new_width <= max(round(full), 16)
    if unscaled is None:
        assert new_width == min(max(round(full * scale), 16), 320)
    elif full <= unscaled:
        assert new_width == max(round(full), 16)
    else:
        assert new_width >= unscaled
    wider, _ = target_size(spec, width + 1, height)
    assert wider >= new_width


def test_a_line_made_narrower_is_seen_from_end_to_end() -> None:
    line = np.full((32, 200, 3), 255, np.uint8)
    line[:, 150:160] = 0
    prepared = apply(replace(HEIGHT, width_scale=0.7), line)
    assert prepared.valid_width == 140
    assert (prepared.scale_x, prepared.scale_y) == (0.7, 1.0)
    dark = np.flatnonzero(prepared.array[0, 16, :140] < 0)
    assert dark.min() >= 104
    assert dark.max() <= 112


def test_a_small_page_is_not_enlarged_without_min_side() -> None:
    assert target_size(LIMIT, 320, 640) == (320, 640)


def test_values_are_the_normalised_pixels_in_the_asked_order() -> None:
    image = noise(64, 32)
    spec = PreprocessSpec(
        resize="fixed", height=32, width=64, colour_order="bgr", mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 1.0)
    )
    expected = (image[:, :, ::-1] / 255.0 - (0.1, 0.2, 0.3)) / (0.5, 0.25, 1.0)
    found = apply(spec, image)
    assert found.array.dtype == np.float32
    assert found.array.flags.c_contiguous
    np.testing.assert_allclose(found.array, expected.transpose(2, 0, 1), atol=1e-6)


def test_a_real_page_keeps_its_places(ocr_data) -> None:
    image = load_image(min((ocr_data / "sroie" / "train" / "img").glob("*.jpg")))
    prepared = apply(LIMIT, image)
    _, height, width = prepared.array.shape
    assert max(height, width) == 960
    assert prepared.scale_x * image.shape[1] == pytest.approx(width)
    assert prepared.scale_y * image.shape[0] == pytest.approx(height)
    assert prepared.valid_width == width
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    back = prepared.array.transpose(1, 2, 0) * LIMIT.std + LIMIT.mean
    np.testing.assert_allclose(back * 255, small, atol=1e-2)


def test_padding_is_on_the_right_and_marked() -> None:
    prepared = apply(HEIGHT, noise(50, 32))
    assert prepared.array.shape == (3, 32, 56)
    assert prepared.valid_width == 50
    assert (prepared.array[:, :, 50:] == -1.5).all()
    assert (prepared.array[:, :, :50] != -1.5).all()


def test_stack_pads_narrower_images_and_changes_nothing_else() -> None:
    prepared = [apply(HEIGHT, noise(width, 32)) for width in (40, 100, 64)]
    batch = stack(prepared, HEIGHT.pad_value)
    assert batch.shape == (3, 3, 32, 104)
    for row, item in zip(batch, prepared, strict=True):
        width = item.array.shape[2]
        np.testing.assert_array_equal(row[:, :, :width], item.array)
        assert (row[:, :, width:] == HEIGHT.pad_value).all()


@pytest.mark.parametrize("heights", [(), (32, 48)])
def test_only_images_of_one_height_stack(heights: tuple[int, ...]) -> None:
    prepared = [apply(replace(HEIGHT, height=height), noise(40, 40)) for height in heights]
    with pytest.raises(ValueError, match="one height"):
        stack(prepared, 0.0)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
    ],
)
def test_what_is_no_rgb_image_is_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="RGB uint8"):
        apply(LIMIT, image)


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1)])
@pytest.mark.parametrize("spec", [LIMIT, HEIGHT, FIXED], ids=["limit", "height", "fixed"])
def test_the_thinnest_image_still_gives_an_input(spec: PreprocessSpec, size: tuple[int, int]) -> None:
    prepared = apply(spec, noise(*size))
    assert prepared.array.size > 0
    assert np.isfinite(prepared.array).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"resize": "limit"}, "needs max_side"),
        ({"resize": "height"}, "needs height"),
        ({"resize": "fixed", "height": 32}, "needs width"),
        ({"resize": "fixed", "height": 32, "width": 128, "max_side": 9}, "does not use max_side"),
        ({"resize": "fixed", "height": 32, "width": 128, "width_scale": 0.5}, "does not use width_scale"),
        ({"resize": "height", "height": 32, "width_scale": 0}, "width_scale 0.0 is not above 0"),
        ({"resize": "height", "height": 32, "width_scale": float("nan")}, "width_scale nan is not above 0"),
        ({"resize": "limit", "max_side": 960, "unscaled_width": 64}, "does not use unscaled_width"),
        ({"resize": "limit", "max_side": 16, "multiple": 32}, "less than multiple"),
        ({"resize": "limit", "max_side": 960, "std": (0.2, 0.0, 0.2)}, "std must be positive"),
        ({"resize": "limit", "max_side": 960, "longest": 3}, "longest"),
        ({"resize": "crop"}, "resize"),
    ],
)
def test_a_spec_that_contradicts_itself_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(Mismatch, match=message):
        from_plain(PreprocessSpec, values)


def test_the_digest_follows_the_values_and_survives_json() -> None:
    again = from_json(PreprocessSpec, to_json(LIMIT))
    assert again == LIMIT
    assert again.digest == LIMIT.digest
    assert replace(LIMIT, max_side=1280).digest != LIMIT.digest
