"""Views of a page: polygons stay on their text, and a seed gives the same view again."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from ocr.detection.augment import Augmentation, View, degrade, random_view
from ocr.geometry.polygon import bounding_box, iou

STILL = Augmentation(
    scale=(1.0, 1.0),
    rotation=0.0,
    large_rotation=0.0,
    large_rotation_share=0.0,
    quarter_turn=0.0,
    perspective=0.0,
    colour=0.0,
    blur=0.0,
    noise=0.0,
    fade=0.0,
    shadow=0.0,
    jpeg=0.0,
)
MOVED = replace(
    STILL,
    scale=(0.6, 1.6),
    rotation=5.0,
    large_rotation=30.0,
    large_rotation_share=0.3,
    quarter_turn=0.2,
    perspective=0.05,
)
DEGRADED = replace(STILL, colour=1.0, blur=1.0, noise=1.0, fade=1.0, shadow=1.0, jpeg=1.0)


def marked_page(width: int = 500, height: int = 700, rows: int = 9) -> tuple[np.ndarray, list[np.ndarray]]:
    """A white page with black bars, and the bars as polygons."""
    image = np.full((height, width, 3), 255, np.uint8)
    polygons = []
    for row in range(rows):
        x0, y0, x1, y1 = 60, 40 + row * 70, 200 + row * 25, 70 + row * 70
        image[y0:y1, x0:x1] = 0
        polygons.append(np.array(((x0, y0), (x1, y0), (x1, y1), (x0, y1)), np.float32))
    return image, polygons


def view_of(augmentation: Augmentation, seed: int, scale: float = 1.0, crop_size: int = 320) -> View:
    image, polygons = marked_page()
    return random_view(
        image,
        polygons,
        [index == 0 for index in range(len(polygons))],
        scale=scale,
        crop_size=crop_size,
        augmentation=augmentation,
        rng=np.random.default_rng(seed),
    )


@pytest.mark.parametrize("seed", range(24))
def test_polygons_stay_on_what_they_mark(seed: int) -> None:
    # Borders may be dark, so only pixels well inside or just outside of polygons are looked at.
    view = view_of(MOVED, seed)
    inside = np.zeros((320, 320), np.uint8)
    for polygon in view.polygons:
        cv2.fillPoly(inside, [np.rint(polygon).astype(np.int32)], 1)
    core = cv2.erode(inside, np.ones((7, 7), np.uint8)).astype(bool)
    ring = cv2.dilate(inside, np.ones((9, 9), np.uint8)) - cv2.dilate(inside, np.ones((7, 7), np.uint8))
    assert core.any()
    assert view.image[core].mean() < 10
    assert np.median(view.image[ring.astype(bool)]) > 200


@pytest.mark.parametrize("augmentation", [MOVED, DEGRADED, replace(MOVED, colour=0.5, blur=0.5, noise=0.5)])
def test_the_same_seed_gives_the_same_view(augmentation: Augmentation) -> None:
    first, again, other = view_of(augmentation, 5), view_of(augmentation, 5), view_of(augmentation, 6)
    np.testing.assert_array_equal(first.image, again.image)
    for a, b in zip(first.polygons, again.polygons, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first.image, other.image)


def test_text_is_kept_whole_where_there_is_room() -> None:
    image = np.full((2000, 300, 3), 255, np.uint8)
    polygons = [np.array(((20, y), (280, y), (280, y + 30), (20, y + 30)), np.float32) for y in range(100, 1900, 300)]
    cut = 0
    for seed in range(40):
        view = random_view(
            image,
            polygons,
            [False] * len(polygons),
            scale=1.0,
            crop_size=320,
            augmentation=STILL,
            rng=np.random.default_rng(seed),
        )
        assert view.polygons
        cut += sum(bounding_box(polygon)[1] < 0 or bounding_box(polygon)[3] > 320 for polygon in view.polygons)
    assert cut == 0


def test_a_line_mostly_outside_is_ignored_and_one_wholly_outside_is_gone() -> None:
    image = np.full((100, 1000, 3), 255, np.uint8)
    line = np.array(((0, 40), (1000, 40), (1000, 60), (0, 60)), np.float32)
    view = random_view(
        image, [line], [False], scale=1.0, crop_size=320, augmentation=STILL, rng=np.random.default_rng(1)
    )
    assert view.ignore == [True]
    assert bounding_box(view.polygons[0])[2] - bounding_box(view.polygons[0])[0] == pytest.approx(1000)
    far = line + np.float32(5000)
    view = random_view(
        image, [far], [False], scale=1.0, crop_size=320, augmentation=STILL, rng=np.random.default_rng(1)
    )
    assert view.polygons == []


def test_ignore_flags_go_with_their_polygons() -> None:
    for seed in range(10):
        view = view_of(STILL, seed, scale=0.4)
        assert len(view.polygons) == 9
        assert view.ignore == [True] + [False] * 8


def test_scale_is_relative_to_the_networks_own() -> None:
    view = view_of(STILL, 3, scale=0.4)
    _, polygons = marked_page()
    width = bounding_box(view.polygons[2])[2] - bounding_box(view.polygons[2])[0]
    assert width == pytest.approx(0.4 * (polygons[2][1, 0] - polygons[2][0, 0]), abs=0.01)


def test_a_page_without_text_gives_a_view_too() -> None:
    image, _ = marked_page(rows=0)
    view = random_view(image, [], [], scale=1.0, crop_size=320, augmentation=MOVED, rng=np.random.default_rng(0))
    assert view.image.shape == (320, 320, 3)
    assert view.polygons == []


@pytest.mark.parametrize("name", ["colour", "blur", "noise", "fade", "shadow", "jpeg"])
def test_every_degradation_changes_the_picture_but_not_what_it_shows(name: str) -> None:
    image, polygons = marked_page()
    image = image // 2 + 60
    for seed in range(12):
        changed = degrade(image, replace(STILL, **{name: 1.0}), np.random.default_rng(seed))
        assert changed.shape == image.shape
        assert changed.dtype == np.uint8
        assert not np.array_equal(changed, image)
        for polygon in polygons:
            x0, y0, x1, y1 = (round(side) for side in bounding_box(polygon))
            bar = changed[y0 + 5 : y1 - 5, x0 + 5 : x1 - 5].mean()
            beside = np.concatenate((changed[y0 - 12 : y0 - 5, x0:x1], changed[y1 + 5 : y1 + 12, x0:x1])).mean()
            assert beside - bar > 15


def test_nothing_asked_nothing_done() -> None:
    image, polygons = marked_page(320, 320, 4)
    np.testing.assert_array_equal(degrade(image, STILL, np.random.default_rng(0)), image)
    view = random_view(
        image, polygons, [False] * 4, scale=1.0, crop_size=320, augmentation=STILL, rng=np.random.default_rng(0)
    )
    np.testing.assert_array_equal(view.image, image)
    assert all(iou(a, b) > 0.999 for a, b in zip(view.polygons, polygons, strict=True))
