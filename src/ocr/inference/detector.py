"""The detector: polygons of text lines from images, by an exported bundle."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocr.bundles.bundle import Bundle
from ocr.errors import BundleError
from ocr.images.load import Rgb
from ocr.inference.onnx import Model, OnnxModel
from ocr.inference.text_height import text_height
from ocr.inference.tiling import Window, coarser_side, finer_scale, grid, merge, plan
from ocr.specs import postprocess, preprocess
from ocr.specs.postprocess import Detection


class Detector:
    """Polygons from images. Long pages are cut into overlapping windows rather than shrunk."""

    def __init__(self, bundle: Bundle, *, threads: int | None = None, model: Model | None = None) -> None:
        """Load a detection bundle; raises BundleError when it is of another task or its graph does not fit.

        ``model`` runs in place of the bundle's graph: that is how an export is compared with what it came from.
        """
        spec = bundle.card.postprocess
        if spec is None:
            raise BundleError(f"{bundle.model_path.parent}: is a {bundle.card.task} bundle; a detector is needed here")
        self.bundle = bundle
        self._before = bundle.card.preprocess
        self._after = spec
        self.model = model or OnnxModel(bundle, threads=threads)

    def detect(self, images: Sequence[Rgb]) -> list[list[Detection]]:
        """Detections of each RGB uint8 image (H,W,3), best first, in its own pixels."""
        return [self._detect(image) for image in images]

    def _detect(self, image: Rgb) -> list[Detection]:
        height, width = image.shape[:2]
        windows: list[Window] = []
        found: list[list[Detection]] = []
        scales: list[float] = []
        for whole in plan(self._before, width, height):
            for window, detections, scale in self._look_closely(image, whole):
                windows.append(window)
                found.append(detections)
                scales.append(scale)
        return found[0] if len(windows) == 1 else merge(found, windows, (width, height), min(scales))

    def _look_closely(self, image: Rgb, window: Window) -> list[tuple[Window, list[Detection], float]]:
        """Detections and scale of a window, or of parts of it at a finer scale where its text asks for that."""
        detections, scale = self._detect_window(image, window, coarse=True)
        finer = finer_scale([item.polygon for item in detections], scale)
        if finer is None or self._before.max_side is None:
            return [(window, detections, scale)]
        parts = grid(window.x_max - window.x_min, window.y_max - window.y_min, finer, self._before.max_side)
        moved = [part.moved(window.x_min, window.y_min) for part in parts]
        return [(part, *self._detect_window(image, part)) for part in moved]

    def _detect_window(self, image: Rgb, window: Window, *, coarse: bool = False) -> tuple[list[Detection], float]:
        """Detections inside one window, in pixels of the whole image, and the window's scale.

        ``coarse``: with fewer pixels than the card's, where the text seems large enough for that.
        """
        found = self._map(image, window, self._coarser(image, window) if coarse else self._before.max_side)
        size = (window.x_max - window.x_min, window.y_max - window.y_min)
        detections = postprocess.detect(self._after, found.probability, found.scale_x, found.scale_y, size)
        if window.x_min or window.y_min:
            corner = np.array((window.x_min, window.y_min), np.float32)
            detections = [Detection(item.polygon + corner, item.score) for item in detections]
        return detections, min(found.scale_x, found.scale_y)

    def _coarser(self, image: Rgb, window: Window) -> int | None:
        """Long side in prepared pixels that a window's text asks for, at most the card's."""
        if self._before.max_side is None:
            return None
        part = window.of(image)
        return coarser_side(self._before.max_side, max(part.shape[:2]), text_height(part))

    def _map(self, image: Rgb, window: Window, max_side: int | None) -> "WindowMap":
        before = self._before
        if max_side != before.max_side:
            before = replace(before, max_side=max_side)
        prepared = preprocess.apply(before, window.of(image))
        return WindowMap(self.model.run(prepared.array[None])[0, 0], prepared.scale_x, prepared.scale_y)


class WindowMap(NamedTuple):
    """Probability map (H,W) of one window, and its pixels per image pixel."""

    probability: NDArray[np.float32]
    scale_x: float
    scale_y: float
