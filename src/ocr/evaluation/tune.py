"""Choose a detector's thresholds on annotated pages: validation pages, never those it is later judged on."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocr.bundles.bundle import Bundle
from ocr.datasets.annotations import Sample
from ocr.errors import ConfigError
from ocr.images.load import Rgb
from ocr.inference.detector import Detector, WindowMap
from ocr.inference.tiling import Window
from ocr.metrics.detection import DetectionCounts, match, scores
from ocr.specs.postprocess import PostprocessSpec

BINARIZE = (0.2, 0.3, 0.4)
BOX_THRESHOLD = (0.4, 0.5, 0.6, 0.7, 0.8)
# Added to the shrink ratio: boxes grow more below it, less above.
RATIO_STEPS = (-0.05, 0.0, 0.05)

# Ends of the paths of data sets that serve as tests here, beside every folder called test.
TEST_SETS = (("sroie", "val"), ("words", "iiit5k_train"))


class Trial(NamedTuple):
    """Thresholds and the hmean they give."""

    binarize: float
    box_threshold: float
    shrink_ratio: float
    hmean: float


def is_test_set(path: Path) -> bool:
    """Whether the path is that of a data set that figures are reported on, so that nothing may be chosen there."""
    parts = path.resolve().parts
    return "test" in parts or any(parts[-len(ends) :] == ends for ends in TEST_SETS)


def tune_detector(
    bundle: Bundle,
    samples: Iterable[Sample],
    *,
    threads: int | None = None,
    progress: Callable[[], None] = lambda: None,
) -> list[Trial]:
    """Try all combinations of thresholds on all samples; best hmean first, the bundle's own before its equals.

    The network sees every page once: what it gives is kept for all trials. ``progress`` is called after every page.
    """
    spec = bundle.card.postprocess
    if spec is None:
        raise ConfigError(f"{bundle.card.name}: is a {bundle.card.task} bundle; thresholds are a detector's")
    specs = _specs(spec)
    detector = _TrialDetector(bundle, threads=threads)
    counts = [DetectionCounts()] * len(specs)
    for sample in samples:
        image = sample.load()
        valid = sample.valid((image.shape[1], image.shape[0]))
        detector.forget()
        for index, changed in enumerate(specs):
            found = detector.detect_with(changed, image)
            counts[index] += match(found, valid.polygons, valid.ignore)
        progress()
    if counts[0] == DetectionCounts():
        raise ConfigError("tuning needs at least one annotated page")
    trials = [
        Trial(one.binarize, one.box_threshold, one.shrink_ratio, scores(count).hmean)
        for one, count in zip(specs, counts, strict=True)
    ]
    return sorted(trials, key=lambda trial: -trial.hmean)


def _specs(spec: PostprocessSpec) -> list[PostprocessSpec]:
    """The bundle's own spec first, then every other combination."""
    ratios = [ratio for step in RATIO_STEPS if 0 < (ratio := round(spec.shrink_ratio + step, 3)) < 1]
    found = {spec: None}
    for binarize, box_threshold, ratio in product(BINARIZE, BOX_THRESHOLD, ratios):
        found[replace(spec, binarize=binarize, box_threshold=box_threshold, shrink_ratio=ratio)] = None
    return list(found)


class _TrialDetector(Detector):
    """A detector that keeps the probability maps of one page and applies any spec to them."""

    def forget(self) -> None:
        """Begin another page."""
        self._maps: dict[tuple[Window, int | None], WindowMap] = {}

    def detect_with(self, spec: PostprocessSpec, image: Rgb) -> list[NDArray[np.float32]]:
        """Polygons of the page, by a spec of one's own."""
        self._after = spec
        return [one.polygon for one in self.detect([image])[0]]

    def _map(self, image: Rgb, window: Window, max_side: int | None) -> WindowMap:
        key = (window, max_side)
        if key not in self._maps:
            self._maps[key] = super()._map(image, window, max_side)
        return self._maps[key]
