"""How an image becomes the array a network sees: one frozen spec and the only implementation of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from ocr.schema import Positive, Strict, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

Triple = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class PreprocessSpec(Strict):
    """Resize rule, interpolation, colour order, normalisation and padding of one network's input.

    ``limit``: long side at most ``max_side``, short side at least ``min_side`` where that leaves the long side in its
    limit; both sides rounded to ``multiple``. ``height``: ``height`` is fixed, the width follows the aspect ratio
    within ``min_width`` and ``max_width`` and is then padded on the right to ``multiple``; ``width_scale`` makes the
    image narrower, but not where that leaves it below ``unscaled_width``. ``fixed``: exactly ``height`` x ``width``.
    ``mean`` and ``std`` are in [0, 1] units, in the order of ``colour_order``; ``pad_value`` is in normalised units.
    """

    resize: Literal["limit", "height", "fixed"]
    max_side: Positive | None = None
    min_side: Positive | None = None
    height: Positive | None = None
    width: Positive | None = None
    min_width: Positive | None = None
    max_width: Positive | None = None
    width_scale: float = 1.0
    unscaled_width: Positive | None = None
    multiple: Positive = 1
    interpolation: Literal["linear", "area", "cubic"] = "linear"
    colour_order: Literal["rgb", "bgr"] = "rgb"
    mean: Triple = (0.485, 0.456, 0.406)
    std: Triple = (0.229, 0.224, 0.225)
    pad_value: float = 0.0

    def __post_init__(self) -> None:
        needed = {"limit": {"max_side"}, "height": {"height"}, "fixed": {"height", "width"}}[self.resize]
        may = {"limit": {"min_side"}, "height": {"min_width", "max_width", "unscaled_width"}, "fixed": set()}[
            self.resize
        ]
        allowed = needed | may
        sizes = {"max_side", "min_side", "height", "width", "min_width", "max_width", "unscaled_width"}
        given = {name for name in sizes if getattr(self, name) is not None}
        if needed - given:
            raise ValueError(f"resize: {self.resize} needs {', '.join(sorted(needed - given))}")
        if given - allowed:
            raise ValueError(f"resize: {self.resize} does not use {', '.join(sorted(given - allowed))}")
        if not 0 < self.width_scale <= 1:
            raise ValueError(f"width_scale {self.width_scale} is not above 0 and at most 1")
        if self.resize != "height" and self.width_scale != 1:
            raise ValueError(f"resize: {self.resize} does not use width_scale")
        if self.resize == "limit" and self.max_side is not None and self.max_side < self.multiple:
            raise ValueError(f"max_side {self.max_side} is less than multiple {self.multiple}")
        if min(self.std) <= 0:
            raise ValueError("std must be positive")

    @property
    def digest(self) -> str:
        """SHA-256 in hex of the spec's canonical JSON."""
        return hashlib.sha256(to_json(self).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Prepared:
    """An image as the network sees it; `scale_x` and `scale_y` are prepared pixels per image pixel.

    `valid_width` is the width before padding, in pixels.
    """

    array: NDArray[np.float32]
    scale_x: float
    scale_y: float
    valid_width: int


def _limited(spec: PreprocessSpec, width: int, height: int) -> tuple[int, int]:
    assert spec.max_side is not None
    scale = min(1.0, spec.max_side / max(width, height))
    if spec.min_side is not None and min(width, height) * scale < spec.min_side:
        # The limit on the long side wins: it is what keeps memory in bounds on long strips.
        scale = min(spec.min_side / min(width, height), spec.max_side / max(width, height))
    most = spec.max_side // spec.multiple

    def rounded(side: int) -> int:
        return max(1, min(most, round(side * scale / spec.multiple))) * spec.multiple

    return rounded(width), rounded(height)


def target_size(spec: PreprocessSpec, width: int, height: int) -> tuple[int, int]:
    """Width and height, in pixels and before padding, to which `apply` resizes an image of `width` x `height`."""
    if spec.resize == "limit":
        return _limited(spec, width, height)
    assert spec.height is not None
    if spec.resize == "fixed":
        assert spec.width is not None
        return spec.width, spec.height
    full = width * spec.height / height
    wide = max(round(max(full * spec.width_scale, min(full, spec.unscaled_width or 0))), spec.min_width or 1, 1)
    return min(wide, spec.max_width or wide), spec.height


@lru_cache(maxsize=8)
def _tables(mean: Triple, std: Triple) -> list[NDArray[np.float32]]:
    """For each channel the normalised value of each of the 256 pixel values."""
    import numpy as np

    values = np.arange(256) / 255.0
    return [((values - m) / s).astype(np.float32)[None] for m, s in zip(mean, std, strict=True)]


def apply(spec: PreprocessSpec, image: NDArray[np.uint8]) -> Prepared:
    """Resize, normalise and pad an RGB (H, W, 3) `image` into a float32 (3, H', W') array.

    Raises ValueError when `image` is not uint8 of shape (H, W, 3) with at least one pixel.
    """
    import cv2
    import numpy as np

    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(f"an RGB uint8 image of shape (H, W, 3) is needed, not {image.dtype} {image.shape}")
    height, width = image.shape[:2]
    new_width, new_height = target_size(spec, width, height)
    if (new_width, new_height) != (width, height):
        how = {"linear": cv2.INTER_LINEAR, "area": cv2.INTER_AREA, "cubic": cv2.INTER_CUBIC}[spec.interpolation]
        image = cv2.resize(image, (new_width, new_height), interpolation=how)
    padded = -(-new_width // spec.multiple) * spec.multiple if spec.resize == "height" else new_width
    array = np.empty((3, new_height, padded), np.float32)
    array[:, :, new_width:] = spec.pad_value
    tables = _tables(spec.mean, spec.std)
    for target, plane in enumerate((0, 1, 2) if spec.colour_order == "rgb" else (2, 1, 0)):
        # A table look-up is the fused multiply-add: one pass per channel, and exact.
        cv2.LUT(cv2.extractChannel(image, plane), tables[target], dst=array[target, :, :new_width])
    return Prepared(array, new_width / width, new_height / height, new_width)


def stack(prepared: Sequence[Prepared], pad_value: float) -> NDArray[np.float32]:
    """Stack arrays of one height into (N, 3, H, W_max), padding on the right with `pad_value` (normalised units).

    Raises ValueError when the list is empty or the heights differ.
    """
    import numpy as np

    heights = {item.array.shape[1] for item in prepared}
    if len(heights) != 1:
        raise ValueError(f"images of one height are needed to make a batch, not {sorted(heights)}")
    widest: Any = max(item.array.shape[2] for item in prepared)
    batch = np.full((len(prepared), 3, heights.pop(), widest), pad_value, np.float32)
    for row, item in zip(batch, prepared, strict=True):
        row[:, :, : item.array.shape[2]] = item.array
    return batch
