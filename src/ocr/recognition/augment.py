"""Changes to a text crop that leave its text as it is: what scanners, printers, paper and detectors do to a line."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Image = NDArray[np.uint8]
# Crops are worked on at about the height a recognizer sees: a large scan's line costs far more and shows the same.
WORKING_HEIGHT = 64


def _paper(image: Image) -> tuple[int, int, int]:
    """Colour of the crop's border, with which uncovered corners are filled."""
    edge = np.concatenate([image[0], image[-1]])
    red, green, blue = np.median(edge, axis=0).tolist()
    return int(red), int(green), int(blue)


def reframe(image: Image, rng: Generator) -> Image:
    """Cut the crop as a detector would: sides moved by up to 15 % of the height, outward mostly, a little skewed."""
    height, width = image.shape[:2]
    tilt = rng.normal(0, 0.012) * min(width, 12 * height) / 2
    left, right = rng.uniform(-0.15, 0.06, 2) * height
    top, bottom = rng.uniform(-0.14, 0.06, 2) * height
    shear = rng.normal(0, 0.08) * height
    corners = np.array(
        [
            [left - shear, top - tilt],
            [width - right - shear, top + tilt],
            [width - right + shear, height - bottom + tilt],
            [left + shear, height - bottom - tilt],
        ],
        np.float32,
    )
    corners += rng.normal(0, 0.015, (4, 2)).astype(np.float32) * height
    new_width = max(int(width - left - right), 1)
    new_height = max(int(height - top - bottom), 1)
    target = np.array([[0, 0], [new_width, 0], [new_width, new_height], [0, new_height]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target)
    return np.asarray(
        cv2.warpPerspective(image, matrix, (new_width, new_height), flags=cv2.INTER_LINEAR, borderValue=_paper(image)),
        np.uint8,
    )


def stretch(image: Image, rng: Generator) -> Image:
    """Make the crop 0.75 to 1.33 times as wide."""
    factor = float(np.exp(rng.uniform(-0.28, 0.28)))
    return np.asarray(
        cv2.resize(image, (max(round(image.shape[1] * factor), 4), image.shape[0]), interpolation=cv2.INTER_LINEAR),
        np.uint8,
    )


def coarsen(image: Image, rng: Generator) -> Image:
    """Scan it coarsely: down to 35 % of the size, at least 10 px high, and up again."""
    height, width = image.shape[:2]
    low = max(round(height * rng.uniform(0.35, 0.8)), min(10, height))
    small = cv2.resize(image, (max(round(width * low / height), 1), low), interpolation=cv2.INTER_AREA)
    how = cv2.INTER_LINEAR if rng.random() < 0.7 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(small, (width, height), interpolation=how), np.uint8)


def blur(image: Image, rng: Generator) -> Image:
    """Blur by a Gaussian of 1 to 4 % of the height, or by motion along one axis."""
    height = image.shape[0]
    if rng.random() < 0.6:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), 0.2 + height * rng.uniform(0.005, 0.035)), np.uint8)
    length = max(2, round(height * rng.uniform(0.03, 0.1)))
    return np.asarray(cv2.blur(image, (length, 1) if rng.random() < 0.5 else (1, length)), np.uint8)


def noise(image: Image, rng: Generator) -> Image:
    """Add Gaussian noise of 3 to 20 grey levels, equal in all channels."""
    level = rng.uniform(3, 20)
    grain = rng.standard_normal(image.shape[:2], np.float32)[..., None] * np.float32(level)
    return np.asarray(np.clip(image + grain, 0, 255), np.uint8)


def contrast(image: Image, rng: Generator) -> Image:
    """Change contrast, brightness and gamma by one table: the light of a photo, the exposure of a scan."""
    values = np.linspace(0, 1, 256) ** np.exp(rng.uniform(-0.5, 0.5))
    values = (values - 0.5) * rng.uniform(0.5, 1.4) + 0.5 + rng.uniform(-0.2, 0.2)
    return np.asarray(cv2.LUT(image, np.clip(values * 255, 0, 255).astype(np.uint8)), np.uint8)


def fade(image: Image, rng: Generator) -> Image:
    """Fade the print towards the paper, unevenly along the line, as thermal paper does."""
    paper = np.array(_paper(image), np.float32)
    knots = rng.uniform(0.25, 1.0, rng.integers(2, 6)).astype(np.float32)
    strength = cv2.resize(knots[None], (image.shape[1], 1), interpolation=cv2.INTER_LINEAR)[0][None, :, None]
    return np.asarray(np.clip(paper + (image - paper) * strength, 0, 255), np.uint8)


def thicken(image: Image, rng: Generator) -> Image:
    """Make strokes thicker or thinner by one pixel in one direction or both."""
    kernel = np.ones((2, 2) if rng.random() < 0.4 else ((1, 2) if rng.random() < 0.5 else (2, 1)), np.uint8)
    change = cv2.erode if rng.random() < 0.6 else cv2.dilate
    return np.asarray(change(image, kernel), np.uint8)


def dropouts(image: Image, rng: Generator) -> Image:
    """Lose dots or a thin row or column of print, as worn print heads do."""
    image = image.copy()
    height, width = image.shape[:2]
    paper = np.array(_paper(image), np.uint8)
    if rng.random() < 0.5:
        image[rng.random((height, width)) < rng.uniform(0.005, 0.06)] = paper
    elif rng.random() < 0.5:
        image[rng.integers(height)] = paper
    else:
        image[:, rng.integers(0, width, max(1, width // (3 * height)))] = paper
    return image


def ruling(image: Image, rng: Generator) -> Image:
    """Draw a ruling, an underline or the edge of a neighbouring line across the crop."""
    image = image.copy()
    height, width = image.shape[:2]
    y = int(rng.choice([rng.uniform(0, 0.1), rng.uniform(0.88, 1.0)]) * height)
    start, stop = sorted(rng.integers(0, width + 1, 2).tolist())
    shade = int(rng.integers(0, 130))
    cv2.line(image, (start, y), (stop, y), (shade, shade, shade), int(rng.integers(1, max(2, height // 16) + 1)))
    return image


def jpeg(image: Image, rng: Generator) -> Image:
    """Compress as JPEG of quality 15 to 70."""
    coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 70))])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def invert(image: Image, rng: Generator) -> Image:
    """Light print on dark."""
    del rng
    return 255 - image


# In the order in which they happen to a real line: print, paper, camera, storage; with the chance of each.
STEPS: tuple[tuple[Callable[[Image, Generator], Image], float], ...] = (
    (thicken, 0.2),
    (dropouts, 0.12),
    (fade, 0.2),
    (ruling, 0.08),
    (reframe, 0.75),
    (stretch, 0.5),
    (coarsen, 0.25),
    (blur, 0.25),
    (contrast, 0.5),
    (noise, 0.25),
    (jpeg, 0.25),
    (invert, 0.03),
)


class Augment:
    """Apply each change with its chance times ``strength`` (0 leaves the crop alone, 1 is the measured default)."""

    def __init__(self, *, strength: float) -> None:
        self.strength = strength

    def __call__(self, image: Image, rng: Generator) -> Image:
        """Return a changed copy of the RGB crop ``image`` (H,W,3); its size may differ."""
        if self.strength <= 0:
            return image
        height, width = image.shape[:2]
        if height > WORKING_HEIGHT:
            size = (max(round(width * WORKING_HEIGHT / height), 1), WORKING_HEIGHT)
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        for change, chance in STEPS:
            if rng.random() < chance * self.strength:
                image = change(image, rng)
        return image
