"""Random views of a page: one warp for the geometry, polygons with it, then what print and cameras do to it."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr.geometry.polygon import Polygon, area, transform
from ocr.images.load import Rgb

CROP_TRIES = 10
MIN_VISIBLE = 0.5
"""A polygon of which less than this share is in the crop is masked: what is left may not be readable as text."""
PAPER = (255, 255, 255)


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How far views may differ from the page, each drawn anew for every view.

    `scale` is the range of sizes relative to the network's own input size (log-uniform); `rotation` the usual angle
    and `large_rotation` the occasional one, in degrees either way; `quarter_turn` the share of pages turned by 90, 180
    or 270 degrees; `perspective` how far corners move, as a share of the page's sides; `colour`, `blur`, `noise`,
    `fade`, `shadow` and `jpeg` are the shares of views that get each.
    """

    scale: tuple[float, float]
    rotation: float
    large_rotation: float
    large_rotation_share: float
    quarter_turn: float
    perspective: float
    colour: float
    blur: float
    noise: float
    fade: float
    shadow: float
    jpeg: float


@dataclass(frozen=True, eq=False)
class View:
    """A crop, the polygons that touch it (they may reach beyond its edges), and which of them to ignore."""

    image: Rgb
    polygons: list[Polygon]
    ignore: list[bool]


def random_view(
    image: Rgb,
    polygons: Sequence[Polygon],
    ignore: Sequence[bool],
    *,
    scale: float,
    crop_size: int,
    augmentation: Augmentation,
    rng: np.random.Generator,
) -> View:
    """Return a random `crop_size` x `crop_size` view; `scale` is the network's input pixels per pixel of `image`."""
    matrix, extent = _page_matrix(image.shape[1], image.shape[0], scale, augmentation, rng)
    moved = [transform(polygon, matrix) for polygon in polygons]
    left, top = _crop_corner(moved, extent, crop_size, rng)
    shift = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]], np.float64)
    crop = cv2.warpPerspective(
        image, shift @ matrix, (crop_size, crop_size), flags=cv2.INTER_LINEAR, borderValue=_border(image, rng)
    )
    corner = np.array((left, top), np.float32)
    kept, flags = [], []
    for polygon, ignored in zip(moved, ignore, strict=True):
        share = _visible_share(polygon - corner, crop_size)
        if share > 0:
            kept.append(polygon - corner)
            flags.append(bool(ignored) or share < MIN_VISIBLE)
    return View(degrade(crop, augmentation, rng), kept, flags)


def _page_matrix(
    width: int, height: int, scale: float, augmentation: Augmentation, rng: np.random.Generator
) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """Matrix from page to view before cropping, and the (width, height) the whole page takes there."""
    low, high = augmentation.scale
    scale *= float(np.exp(rng.uniform(np.log(low), np.log(high))))
    large = rng.random() < augmentation.large_rotation_share
    degrees = rng.uniform(-1, 1) * (augmentation.large_rotation if large else augmentation.rotation)
    if rng.random() < augmentation.quarter_turn:
        degrees += 90 * int(rng.integers(1, 4))
    cos, sin = scale * np.cos(np.deg2rad(degrees)), scale * np.sin(np.deg2rad(degrees))
    corners = np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32)
    bent = corners + rng.uniform(-1, 1, (4, 2)) * augmentation.perspective * np.array((width, height))
    bend = cv2.getPerspectiveTransform(corners, bent.astype(np.float32))
    matrix = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ bend
    outline = transform(corners, matrix)
    low_corner, high_corner = outline.min(0), outline.max(0)
    matrix = np.array([[1, 0, -low_corner[0]], [0, 1, -low_corner[1]], [0, 0, 1]]) @ matrix
    return matrix, (float(high_corner[0] - low_corner[0]), float(high_corner[1] - low_corner[1]))


def _crop_corner(
    polygons: Sequence[Polygon], extent: tuple[float, float], crop_size: int, rng: np.random.Generator
) -> tuple[int, int]:
    """Top left corner of a crop: of several tries on text, the one that cuts the fewest polygons."""
    tries = [_random_corner(extent, crop_size, rng) for _ in range(CROP_TRIES)]
    if not polygons:
        return tries[0]
    low = np.array([polygon.min(0) for polygon in polygons])
    high = np.array([polygon.max(0) for polygon in polygons])

    def cost(corner: tuple[int, int]) -> tuple[bool, int]:
        inside_low, inside_high = low - corner, high - corner
        touching = ((inside_high > 0) & (inside_low < crop_size)).all(1)
        whole = ((inside_low >= 0) & (inside_high <= crop_size)).all(1)
        return not touching.any(), int((touching & ~whole).sum())

    return min(tries, key=cost)


def _random_corner(extent: tuple[float, float], crop_size: int, rng: np.random.Generator) -> tuple[int, int]:
    """A crop inside the page where the page is larger, the page somewhere inside the crop where it is smaller."""
    left, top = (round(float(rng.uniform(min(0, side - crop_size), max(0, side - crop_size)))) for side in extent)
    return left, top


def _visible_share(polygon: Polygon, crop_size: int) -> float:
    """Share of the polygon's area that lies in the crop."""
    low, high = polygon.min(0), polygon.max(0)
    if (high <= 0).any() or (low >= crop_size).any():
        return 0.0
    if (low >= 0).all() and (high <= crop_size).all():
        return 1.0
    frame = np.array(((0, 0), (crop_size, 0), (crop_size, crop_size), (0, crop_size)), np.float32)
    shared, _ = cv2.intersectConvexConvex(cv2.convexHull(polygon), frame)
    return float(shared) / max(area(cv2.convexHull(polygon)[:, 0]), 1e-6)


def _border(image: Rgb, rng: np.random.Generator) -> tuple[float, ...]:
    """What lies around the page: paper, a table top of any colour, or the page's own mean."""
    kind = rng.random()
    if kind < 0.4:
        return PAPER
    if kind < 0.7:
        return tuple(rng.uniform(0, 255, 3).tolist())
    return tuple(float(value) for value in cv2.mean(image)[:3])


def degrade(image: Rgb, augmentation: Augmentation, rng: np.random.Generator) -> Rgb:
    """Change light, ink, focus and noise of an RGB image; its size stays."""
    draws = dict(zip(("colour", "blur", "noise", "fade", "shadow", "jpeg"), rng.random(6).tolist(), strict=True))
    if draws["fade"] < augmentation.fade or draws["shadow"] < augmentation.shadow:
        image = _uneven(image, draws["fade"] < augmentation.fade, draws["shadow"] < augmentation.shadow, rng)
    if draws["colour"] < augmentation.colour:
        values = np.linspace(0, 1, 256)[:, None] ** np.exp(rng.uniform(-0.4, 0.4))
        gain, offset = rng.uniform(0.6, 1.25), rng.uniform(-0.15, 0.15)
        table = (values - 0.5) * gain * rng.uniform(0.92, 1.08, 3) + 0.5 + offset
        image = cv2.LUT(image, np.clip(table * 255, 0, 255).astype(np.uint8)[None])
    if draws["blur"] < augmentation.blur:
        image = _blurred(image, rng)
    if draws["noise"] < augmentation.noise:
        cv2.setRNGSeed(int(rng.integers(2**31)))  # OpenCV's generator fills an image ten times faster than NumPy's
        grain = cv2.randn(np.empty(image.shape[:2], np.int16), 0, float(rng.uniform(3, 18)))
        image = cv2.add(image, cv2.merge([grain] * 3), dtype=cv2.CV_8U)
    if draws["jpeg"] < augmentation.jpeg:
        _, data = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 85))))
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return image


def _uneven(image: Rgb, faded: bool, shaded: bool, rng: np.random.Generator) -> Rgb:
    """Fade the ink towards the paper and darken the light, each by a smooth random field over the image."""
    height, width = image.shape[:2]

    def field(low: float, high: float) -> NDArray[np.float32]:
        coarse = rng.uniform(low, high, (4, 4)).astype(np.float32)
        return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR))[..., None]

    values = image.astype(np.float32)
    if faded:
        floor = float(rng.uniform(0.25, 0.8))
        values = 255 - (255 - values) * field(floor, 1.0)
    if shaded:
        values *= field(float(rng.uniform(0.4, 0.9)), 1.0)
    return values.astype(np.uint8)


def _blurred(image: Rgb, rng: np.random.Generator) -> Rgb:
    """Out of focus, or moved along one axis, or a small picture made large again."""
    kind = int(rng.integers(3))
    if kind == 0:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.5))), np.uint8)
    if kind == 1:
        length = int(rng.integers(2, 5))
        return np.asarray(cv2.blur(image, (length, 1) if rng.random() < 0.5 else (1, length)), np.uint8)
    height, width = image.shape[:2]
    share = float(rng.uniform(0.5, 0.9))
    small = cv2.resize(image, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
