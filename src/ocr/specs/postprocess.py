"""How a probability map becomes polygons: one frozen spec and the only implementation of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class PostprocessSpec(BaseModel):
    """Binarisation, box threshold and unclip rule of one detector.

    A region of pixels above ``binarize`` becomes a polygon when its mean probability reaches ``box_threshold`` and,
    once unclipped, its short side reaches ``min_side`` map pixels. ``shrink_ratio`` is the one the targets were made
    with: unclip is its exact inverse. The best ``max_candidates`` by score are kept.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    binarize: float = Field(default=0.3, gt=0, lt=1)
    box_threshold: float = Field(default=0.6, ge=0, le=1)
    shrink_ratio: float = Field(default=0.4, gt=0, lt=1)
    min_side: float = Field(default=3.0, ge=0)
    max_candidates: int = Field(default=3000, gt=0)
    shape: Literal["quad", "polygon"] = "quad"

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hex of the spec's canonical JSON."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


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
    scale = np.array((scale_x, scale_y), np.float32)
    limit = np.array(size, np.float32)
    # Scores are already in falling order, so dropping small ones and cutting the tail keeps the best.
    kept = [(polygon, score) for polygon, score in zip(found, scores, strict=True) if polygon is not None]
    return [
        Detection(np.clip(polygon / scale, 0, limit).astype(np.float32, copy=False), score)
        for polygon, score in kept[: spec.max_candidates]
    ]


def _scored_contours(spec: PostprocessSpec, probability: NDArray[np.float32]) -> tuple[list[Any], list[float]]:
    """Outer contours whose mean probability reaches the box threshold, best first, with their scores."""
    import cv2
    import numpy as np

    binary = cv2.compare(probability, spec.binarize, cv2.CMP_GT)
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

    rects = np.array([(*centre, *sides, angle) for centre, sides, angle in map(cv2.minAreaRect, contours)])
    centre, sides, degrees = rects[:, :2], rects[:, 2:4], rects[:, 4]
    # Turn the description, not the rectangle: the side nearest to horizontal becomes the width, so that corners come
    # out as TL TR BR BL for lines up to 45 degrees, and steeper ones read downwards.
    turns = np.round(degrees / 90)
    radians = np.deg2rad(degrees - 90 * turns)
    sides = np.where((turns % 2 == 1)[:, None], sides[:, ::-1], sides)
    half = (sides + 2 * unclip_distance(sides, spec.shrink_ratio)[:, None]) / 2
    across = np.stack((np.cos(radians), np.sin(radians)), 1) * half[:, :1]
    down = np.stack((-np.sin(radians), np.cos(radians)), 1) * half[:, 1:]
    corners = np.stack(
        (centre - across - down, centre + across - down, centre + across + down, centre - across + down), 1
    )
    large = (2 * half).min(1) >= spec.min_side
    return [quad if keep else None for quad, keep in zip(corners.astype(np.float32), large, strict=True)]


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


def unclip_distance(sides: NDArray[np.float64], shrink_ratio: float) -> NDArray[np.float64]:
    """Distances by which shrunk rectangles of (N, 2) `sides` must grow to be what they were shrunk from.

    With k = 1 - shrink_ratio^2 and D = A k / L of the original sides (w + 2D, h + 2D), D is the positive root of
    (8 - 4k) D^2 + 2 (1 - k) (w + h) D - k w h = 0.
    """
    import numpy as np

    k = 1 - shrink_ratio**2
    a, b, c = 8 - 4 * k, 2 * (1 - k) * sides.sum(1), -k * sides.prod(1)
    return np.asarray((np.sqrt(b * b - 4 * a * c) - b) / (2 * a))
