"""Choose a detector's thresholds on annotated pages: validation pages, never those it is later judged on."""

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

from ocr.bundles.bundle import Bundle
from ocr.datasets.annotations import Sample
from ocr.errors import ConfigError
from ocr.inference.engine import Detector
from ocr.metrics.detection import DetectionCounts, match, scores

# Pairs of binarize and box_threshold.
GRID = tuple(product((0.2, 0.3, 0.4), (0.4, 0.5, 0.6, 0.7)))

# Ends of the paths of data sets that serve as tests here, beside every folder called test.
TEST_SETS = (("sroie", "val"), ("words", "iiit5k_train"))


class Trial(NamedTuple):
    """Thresholds and the hmean they give."""

    binarize: float
    box_threshold: float
    hmean: float


def is_test_set(path: Path) -> bool:
    """Whether the path is that of a data set that figures are reported on, so that nothing may be chosen there."""
    parts = path.resolve().parts
    return "test" in parts or any(parts[-len(ends) :] == ends for ends in TEST_SETS)


def tune_detector(
    bundle: Bundle,
    samples: Sequence[Sample],
    *,
    threads: int | None = None,
    progress: Callable[[], None] = lambda: None,
) -> list[Trial]:
    """Try every pair of thresholds on all samples; best hmean first. ``progress`` is called after every image."""
    spec = bundle.card.postprocess
    if spec is None or not samples:
        raise ConfigError(f"{bundle.card.name}: tuning needs a detection bundle and at least one annotated image")
    trials = []
    for binarize, box_threshold in GRID:
        changed = spec.model_copy(update={"binarize": binarize, "box_threshold": box_threshold})
        card = bundle.card.model_copy(update={"postprocess": changed})
        detector = Detector(bundle._replace(card=card), threads=threads)
        counts = DetectionCounts()
        for sample in samples:
            image = sample.load()
            valid = sample.valid((image.shape[1], image.shape[0]))
            counts += match([one.polygon for one in detector.detect([image])[0]], valid.polygons, valid.ignore)
            progress()
        trials.append(Trial(binarize, box_threshold, scores(counts).hmean))
    return sorted(trials, key=lambda trial: -trial.hmean)
