"""How high a page's text is, before it is detected: on drawn text, on real receipts, and where there is none."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ocr.bundles.bundle import DETECTOR, load_bundle
from ocr.datasets.annotations import read_samples
from ocr.inference.detector import Detector
from ocr.inference.text_height import text_height
from ocr.inference.tiling import COARSEST, LARGE_LINE, coarser_side

WORDS = ("TOTAL", "cash", "99.50", "Receipt", "qty", "Thank you")


def page(capital: int, *, width: int = 900, height: int = 1300, ink: int = 20) -> np.ndarray:
    """A page of text whose capitals are so many pixels high."""
    image = np.full((height, width, 3), 255, np.uint8)
    scale = cv2.getFontScaleFromHeight(cv2.FONT_HERSHEY_SIMPLEX, capital, 2)
    for row, y in enumerate(range(2 * capital, height - capital, 2 * capital)):
        text = "  ".join(WORDS[(row + k) % len(WORDS)] for k in range(12))
        cv2.putText(image, text, (10, y), cv2.FONT_HERSHEY_SIMPLEX, scale, (ink, ink, ink), max(1, capital // 12))
    return image


@pytest.mark.parametrize("capital", [12, 16, 24, 32, 48, 64])
@pytest.mark.parametrize("ink", [20, 150])
def test_drawn_text_is_measured_and_not_taken_for_larger_than_it_is(capital: int, ink: int) -> None:
    height = text_height(page(capital, ink=ink))
    assert height is not None
    assert 0.55 * capital < height < 1.1 * capital


@pytest.mark.parametrize(
    "image",
    [
        np.full((1000, 700, 3), 255, np.uint8),
        np.zeros((1000, 700, 3), np.uint8),
        np.full((1, 1, 3), 200, np.uint8),
        np.full((3000, 10, 3), 200, np.uint8),
        np.full((10, 3000, 3), 200, np.uint8),
        np.broadcast_to(np.linspace(0, 255, 900).astype(np.uint8)[:, None, None], (900, 900, 3)),
    ],
    ids=["white", "black", "pixel", "strip", "ribbon", "gradient"],
)
def test_where_nothing_looks_like_text_no_height_is_made_up(image: np.ndarray) -> None:
    assert text_height(np.ascontiguousarray(image)) is None


def test_a_first_look_takes_as_many_pixels_as_the_text_needs() -> None:
    assert coarser_side(1280, 1600, None) == 1280
    assert coarser_side(1280, 1600, 10.0) == 1280, "small text gets all there are"
    assert coarser_side(1280, 1600, 100.0) == COARSEST * 1280, "large text does not get next to none"
    between = coarser_side(1280, 1600, 23.0)
    assert COARSEST * 1280 < between < 1280
    assert 23.0 * between / 1600 == pytest.approx(LARGE_LINE, abs=0.02)


def test_real_receipts_are_measured_and_large_print_is_looked_at_with_fewer_pixels(ocr_data: Path) -> None:
    """Heights agree with the boxes that people drew; what is found with fewer pixels is what is found with all."""
    bundle = load_bundle(DETECTOR)
    detector = Detector(bundle, threads=1)
    seen: list[int] = []

    class Watched:
        output_shape = detector.model.output_shape

        def run(self, batch: np.ndarray) -> np.ndarray:
            seen.append(max(batch.shape[2:]))
            return detector.model.run(batch)

    watched = Detector(bundle, model=Watched())
    ratios, counts = [], []
    for sample in list(read_samples(ocr_data / "sroie/train"))[:20]:
        image = sample.load()
        truth = [min(cv2.minAreaRect(np.asarray(polygon, np.float32))[1]) for polygon in sample.polygons]
        height = text_height(image)
        assert height is not None
        ratios.append(float(np.median(truth)) / height)
        found = watched.detect([image])[0]
        counts.append((len(found), len(truth)))
    assert 0.9 < np.median(ratios) < 1.5
    assert max(ratios) / min(ratios) < 3
    assert min(seen) < max(seen) <= 1280
    assert sum(found for found, _ in counts) == pytest.approx(sum(there for _, there in counts), rel=0.1)
