"""How a probability map becomes polygons: one frozen spec and the only implementation of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from ocr.schema import Limits, Strict, to_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


# Share of its rectangle that the contour of a straight line fills.
_FILLED = 0.7


@dataclass(frozen=True, kw_only=True)
class PostprocessSpec(Strict):
    """Binarisation, box threshold and unclip rule of one detector.

    A region of pixels above ``binarize`` becomes a polygon when its mean probability reaches ``box_threshold`` and,
    once unclipped, its short side reaches ``min_side`` map pixels. ``shrink_ratio`` is the one the targets were made
    with: unclip is its exact inverse. The best ``max_candidates`` by score are kept.
    """

    binarize: Annotated[float, Limits(gt=0, lt=1)] = 0.3
    box_threshold: Annotated[float, Limits(ge=0, le=1)] = 0.6
    shrink_ratio: Annotated[float, Limits(gt=0, lt=1)] = 0.4
    min_side: Annotated[float, Limits(ge=0)] = 3.0
    max_candidates: Annotated[int, Limits(gt=0)] = 3000
    shape: Literal["quad", "polygon"] = "quad"

    @property
    def digest(self) -> str:
        """SHA-256 in hex of the spec's canonical JSON."""
        return hashlib.sha256(to_json(self).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Detection:
    """A polygon in image pixels and its score, the mean probability inside its kernel, in [0, 1]."""

    polygon: NDArray[np.float32]
    score: float


def detect(
    spec: PostprocessSpec,
    probability: NDArray[np.float32],
    scale_x: float,
    scale_y: float,
    size: tuple[int, int],
) -> list[Detection]:
    """Polygons of a (H, W) probability map, best score first, in the pixels of an image of `size` (width, height).

    `scale_x` and `scale_y` are map pixels per image pixel. Quads are ordered TL TR BR BL, polygons clockwise; both
    are clipped to the image. Raises ValueError when the map is not two-dimensional.
    """
    import numpy as np

    if probability.ndim != 2:
        raise ValueError(f"a probability map of shape (H, W) is needed, not {probability.shape}")
    probability = np.ascontiguousarray(probability, np.float32)
    contours, scores = _scored_contours(spec, probability)
    if not contours:
        return []
    found = _quads(spec, contours) if spec.shape == "quad" else _polygons(spec, contours)
    # Scores fall already, so dropping what is too small and cutting the tail keeps the best.
    kept = [(polygon, score) for polygon, score in zip(found, scores, strict=True) if polygon is not None]
    kept = kept[: spec.max_candidates]
    if not kept:
        return []
    corners = np.concatenate([polygon for polygon, _ in kept]) / np.array((scale_x, scale_y), np.float32)
    ends = np.cumsum([len(polygon) for polygon, _ in kept])[:-1]
    inside: list[NDArray[np.float32]] = np.split(np.clip(corners, 0, np.array(size, np.float32)), ends)
    return [Detection(polygon, score) for polygon, (_, score) in zip(inside, kept, strict=True)]


def _scored_contours(spec: PostprocessSpec, probability: NDArray[np.float32]) -> tuple[list[Any], list[float]]:
    """Outer contours whose mean probability reaches the box threshold, best first, with their scores."""
    import cv2
    import numpy as np

    binary = (probability > np.float32(spec.binarize)).view(np.uint8)
    # Two-level retrieval: a hole is not text (a plain list would report it), but a region inside another's hole is
    # (external retrieval would lose it). Outer contours are those without a parent.
    contours, hierarchy = cv2.findContours(binary, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if hierarchy is None:
        return [], []
    scored = []
    for contour, parent in zip(contours, hierarchy[0, :, 3].tolist(), strict=True):
        if parent >= 0 or len(contour) < 2:  # a hole, or a single pixel
            continue
        x, y, width, height = cv2.boundingRect(contour)
        mask = np.zeros((height, width), np.uint8)
        cv2.fillPoly(mask, [contour], 1, offset=(-x, -y))
        score = cv2.mean(probability[y : y + height, x : x + width], mask)[0]
        if score >= spec.box_threshold:
            scored.append((min(score, 1.0), contour))
    scored.sort(key=lambda item: -item[0])
    return [contour for _, contour in scored], [score for score, _ in scored]


def _quads(spec: PostprocessSpec, contours: list[Any]) -> list[NDArray[np.float32] | None]:
    """Unclip the min-area rectangle of each contour; None for those whose short side stays under `min_side`."""
    import cv2
    import numpy as np

    from ocr.geometry.offset import unclip_rect
    from ocr.geometry.quad import LINE_ASPECT, MIN_READING_COSINE

    rects = np.array([(*centre, *sides, angle) for centre, sides, angle in map(cv2.minAreaRect, contours)])
    centre, degrees = rects[:, :2], rects[:, 4]
    sides = _mean_thickness(rects[:, 2:4], np.array([cv2.contourArea(contour) for contour in contours]))
    distances = [unclip_rect(width, height, spec.shrink_ratio) for width, height in sides.tolist()]
    sides = sides + 2 * np.array(distances)[:, None]
    # The rule of `order_quad` for all at once: the side nearest to horizontal is read along, unless the other is
    # clearly a line and not almost upright. Turning the description by quarters leaves the rectangle as it is.
    turns = np.round(degrees / 90)
    degrees, sides = degrees - 90 * turns, np.where((turns % 2 == 1)[:, None], sides[:, ::-1], sides)
    climbs = (sides[:, 1] >= LINE_ASPECT * sides[:, 0]) & (np.sin(np.deg2rad(abs(degrees))) >= MIN_READING_COSINE)
    degrees = np.where(climbs, degrees - np.copysign(90, degrees), degrees)
    sides = np.where(climbs[:, None], sides[:, ::-1], sides)
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    across = np.stack((cos, sin), 1) * sides[:, :1] / 2
    down = np.stack((-sin, cos), 1) * sides[:, 1:] / 2
    corners = np.stack((-across - down, across - down, across + down, down - across), 1) + centre[:, None]
    large = sides.min(1) >= spec.min_side
    return [quad if keep else None for quad, keep in zip(corners.astype(np.float32), large, strict=True)]


def _mean_thickness(sides: NDArray[np.float64], areas: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sides (N,2) of rectangles with the short one as the contour's area over the long one.

    The rectangle around the steps of a tilted line is up to a pixel too thick, and unclipping multiplies that. Where
    the contour leaves much of its rectangle empty it is bent, and the rectangle stays.
    """
    import numpy as np

    long, short = sides.max(1), sides.min(1)
    mean = areas / np.maximum(long, 1e-6)
    thickness = np.where(mean >= _FILLED * short, mean, short)
    return np.where(sides == long[:, None], sides, thickness[:, None])


def _polygons(spec: PostprocessSpec, contours: list[Any]) -> list[NDArray[np.float32] | None]:
    """Unclip the outline of each contour, simplified; None where it vanishes or stays thinner than `min_side`."""
    import cv2
    import numpy as np

    from ocr.geometry.offset import unclip

    grown: list[NDArray[np.float32] | None] = []
    for contour in contours:
        outline = cv2.approxPolyDP(contour, 0.002 * cv2.arcLength(contour, True), True)[:, 0]
        polygon = unclip(outline.astype(np.float32), spec.shrink_ratio) if len(outline) > 2 else None
        if polygon is not None and min(cv2.minAreaRect(polygon)[1]) < spec.min_side:
            polygon = None
        grown.append(polygon)
    return grown
