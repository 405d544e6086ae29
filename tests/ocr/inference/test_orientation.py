"""Pages on their side or upside down: noticed, turned, and reported in the pixels of the input."""

import numpy as np
import pytest

from ocr.bundles.bundle import Bundle
from ocr.geometry.quad import box_quad
from ocr.geometry.turn import turn_back
from ocr.inference.detector import Detector
from ocr.inference.engine import Reader
from ocr.inference.orientation import lies_sideways
from ocr.inference.recognizer import Recognizer
from ocr.specs.decode import Decoded


def test_sideways_needs_a_few_lines_and_most_of_the_text() -> None:
    across = [box_quad(0, 40 * i, 300, 40 * i + 20) for i in range(4)]
    down = [box_quad(40 * i, 0, 40 * i + 20, 300) for i in range(9)]
    assert not lies_sideways([])
    assert not lies_sideways(across)
    assert lies_sideways(down)
    assert not lies_sideways(down[:2])
    assert lies_sideways(across[:1] + down)
    assert not lies_sideways(across + down[:4])


BOXES = [(60, 60, 300, 84), (60, 140, 400, 164), (60, 220, 260, 244), (60, 300, 350, 324)]


def page() -> np.ndarray:
    """Four lines, each a black bar that fades out to the right."""
    image = np.full((400, 500, 3), 255, np.uint8)
    for x0, y0, x1, y1 in BOXES:
        image[y0:y1, x0:x1] = np.linspace(0, 120, x1 - x0).astype(np.uint8)[None, :, None]
    return image


class Fading(Recognizer):
    """Sure of lines that fade to the right, as text that is the right way up; unsure of all others."""

    def _read(self, crop: np.ndarray) -> Decoded:
        sure = 0.95 if self._fades(crop) else 0.6
        return Decoded("x", sure, sure)

    @staticmethod
    def _fades(crop: np.ndarray) -> bool:
        ink = 255.0 - crop.mean(axis=2)
        middle = crop.shape[1] // 2
        return bool(ink[:, :middle].sum() > ink[:, -middle:].sum())


@pytest.mark.parametrize(("quarters", "degrees"), [(0, None), (1, 270), (2, 180), (3, 90)])
def test_a_turned_page_reads_as_the_upright_one(
    quarters: int, degrees: int | None, plain_detector: Bundle, plain_recognizer: Bundle
) -> None:
    reader = Reader(Detector(plain_detector, threads=1), Fading(plain_recognizer, threads=1))
    upright = reader.read(page(), source="x")
    assert len(upright.lines) == 4
    image = np.ascontiguousarray(np.rot90(page(), quarters))
    turned = reader.read(image, source="x")
    assert turned.notes == ([] if degrees is None else [f"turned by {degrees} degrees counter-clockwise for reading"])
    assert (turned.image.width, turned.image.height) == (image.shape[1], image.shape[0])
    assert all(line.confidence == 0.95 for line in turned.lines)
    for line, expected in zip(turned.lines, upright.lines, strict=True):
        # Back on the upright page, corner by corner: the first is the top left of the text.
        back = turn_back(np.array(line.polygon, np.float32), quarters, (500, 400))
        assert np.allclose(back, expected.polygon, atol=6)


def test_a_page_that_is_hard_to_read_either_way_stays(plain_detector: Bundle, plain_recognizer: Bundle) -> None:
    class Unsure(Fading):
        def _read(self, crop: np.ndarray) -> Decoded:
            return Decoded("x", 0.5)

    result = Reader(Detector(plain_detector, threads=1), Unsure(plain_recognizer, threads=1)).read(page(), source="x")
    assert result.notes == []
    assert len(result.lines) == 4
