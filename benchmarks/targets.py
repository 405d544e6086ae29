"""Seconds to build the target maps of a training view, beside a straightforward reference.

    python benchmarks/targets.py --data ../shared/data/sroie/train

Both get the same augmented views of real pages, on one thread of this process. Needs `pip install .[train]`.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pyclipper
from numpy.typing import NDArray

from ocr.datasets.annotations import read_samples
from ocr.detection.augment import Augmentation, View, random_view
from ocr.detection.targets import Targets, build_targets
from ocr.errors import OcrError
from ocr.geometry.polygon import Polygon
from ocr.specs.preprocess import PreprocessSpec, target_size

SPEC = PreprocessSpec(resize="limit", max_side=1280, multiple=32)
AUGMENTATION = Augmentation(
    scale=(0.6, 1.6),
    rotation=5.0,
    large_rotation=30.0,
    large_rotation_share=0.05,
    quarter_turn=0.02,
    perspective=0.05,
    colour=0.0,
    blur=0.0,
    noise=0.0,
    fade=0.0,
    shadow=0.0,
    jpeg=0.0,
)


def reference_targets(
    polygons: Sequence[Polygon],
    ignore: Sequence[bool],
    size: tuple[int, int],
    shrink_ratio: float = 0.4,
    threshold_min: float = 0.3,
    threshold_max: float = 0.7,
    min_side: float = 4.0,
) -> Targets:
    """The maps as the paper's words say them: offset, fill, and the distance of each pixel to each edge, in float64."""
    probability, probability_mask = np.zeros(size, np.uint8), np.ones(size, np.uint8)
    threshold, threshold_mask = np.zeros(size), np.zeros(size, np.uint8)
    masked = []
    for polygon, ignored in zip(polygons, ignore, strict=True):
        edges = np.roll(polygon, -1, axis=0).astype(np.float64) - polygon
        x, y = polygon.astype(np.float64).T
        area = abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
        distance = area * (1 - shrink_ratio**2) / np.linalg.norm(edges, axis=1).sum()
        kernel = _offset(polygon, -distance)
        if ignored or kernel is None or min(cv2.minAreaRect(polygon)[1]) < min_side:
            masked.append(polygon)
            continue
        cv2.fillPoly(probability, [np.rint(kernel).astype(np.int32)], 1)
        outer = _offset(polygon, distance)
        assert outer is not None
        cv2.fillPoly(threshold_mask, [np.rint(outer).astype(np.int32)], 1)
        left, top = np.maximum(np.floor(outer.min(0)), 0).astype(int)
        right, bottom = np.minimum(np.ceil(outer.max(0)) + 1, size[::-1]).astype(int)
        if left >= right or top >= bottom:
            continue
        points = np.stack(np.meshgrid(np.arange(left, right), np.arange(top, bottom)), -1)[:, :, None]
        along = ((points - polygon) * edges).sum(-1) / np.maximum((edges**2).sum(-1), 1e-12)
        nearest = polygon + np.clip(along, 0, 1)[..., None] * edges
        away = np.linalg.norm(points - nearest, axis=-1).min(-1)
        window = threshold[top:bottom, left:right]
        np.maximum(window, 1 - away / distance, out=window)
    for polygon in masked:
        cv2.fillPoly(probability_mask, [np.rint(polygon).astype(np.int32)], 0)
        cv2.fillPoly(threshold_mask, [np.rint(polygon).astype(np.int32)], 0)
    threshold = threshold * (threshold_max - threshold_min) + threshold_min
    return Targets(probability, probability_mask, threshold.astype(np.float32), threshold_mask)


def _offset(polygon: Polygon, distance: float) -> NDArray[np.float32] | None:
    clipper = pyclipper.PyclipperOffset()
    clipper.AddPath((polygon * 1000).round().astype(np.int64).tolist(), pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    pieces = clipper.Execute(distance * 1000)
    return np.array(max(pieces, key=pyclipper.Area), np.float32) / 1000 if pieces else None


def real_views(data: Path, count: int, crop_size: int) -> list[View]:
    """Augmented views of the first `count` pages of a data set."""
    views = []
    for index, sample in enumerate(read_samples(data)):
        if index == count:
            break
        image = sample.load()
        height, width = image.shape[:2]
        checked = sample.valid((width, height))
        views.append(
            random_view(
                image,
                checked.polygons,
                checked.ignore,
                scale=max(target_size(SPEC, width, height)) / max(width, height),
                crop_size=crop_size,
                augmentation=AUGMENTATION,
                rng=np.random.default_rng(index),
            )
        )
    return views


def seconds(build: Callable[..., Targets], views: Sequence[View], crop_size: int, repeats: int) -> list[float]:
    """For each view the best of several CPU times: others on the machine only ever add to it."""
    result = []
    for view in views:
        times = []
        for _ in range(repeats):
            start = time.process_time()
            build(view.polygons, view.ignore, (crop_size, crop_size), shrink_ratio=0.4)
            times.append(time.process_time() - start)
        result.append(min(times))
    return result


def measure(data: Path, count: int, crop_size: int, repeats: int) -> dict[str, float]:
    """Times of both and the largest differences between their maps."""
    cv2.setNumThreads(1)
    views = real_views(data, count, crop_size)
    ours = seconds(build_targets, views, crop_size, repeats)
    reference = seconds(reference_targets, views, crop_size, max(repeats // 3, 1))
    pairs = [
        [build(view.polygons, view.ignore, (crop_size, crop_size)) for build in (build_targets, reference_targets)]
        for view in views
    ]
    return {
        "views": len(views),
        "polygons": statistics.mean(len(view.polygons) for view in views),
        "reference_ms": statistics.median(reference) * 1000,
        "ours_ms": statistics.median(ours) * 1000,
        "ratio": sum(reference) / sum(ours),
        "probability_pixels_that_differ": float(np.mean([(a.probability != b.probability).mean() for a, b in pairs])),
        "threshold_largest_difference": max(float(abs(a.threshold - b.threshold).max()) for a, b in pairs),
        "threshold_mask_pixels_that_differ": float(
            np.mean([(a.threshold_mask != b.threshold_mask).mean() for a, b in pairs])
        ),
    }


def table(result: dict[str, float]) -> str:
    """The result as Markdown."""
    return f"""\
| target maps of a view | CPU ms, median | times the reference's speed |
| --- | --- | --- |
| straightforward reference | {result["reference_ms"]:.1f} | 1 |
| `ocr.detection.targets` | {result["ours_ms"]:.1f} | {result["ratio"]:.1f} |

{result["views"]} augmented views of real pages with {result["polygons"]:.0f} polygons on average; one thread.
Differences: probability map {result["probability_pixels_that_differ"]:.1e} of the pixels, threshold map at most \
{result["threshold_largest_difference"]:.1e}, threshold mask {result["threshold_mask_pixels_that_differ"]:.1e} of the \
pixels (whole-pixel rounding of the grown outline)."""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a data set with polygons")
    parser.add_argument("--views", type=int, default=40)
    parser.add_argument("--crop-size", type=int, default=640)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        result = measure(options.data, options.views, options.crop_size, options.repeats)
    except OcrError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(result, indent=2) if options.json else table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
