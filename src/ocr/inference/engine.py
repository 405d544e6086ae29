"""Whole pages: detector and recognizer together."""

import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocr.bundles.bundle import DETECTOR, RECOGNIZER, Bundle, load_bundle
from ocr.formats.page import ImageInfo, Line, ModelInfo, Models, Page
from ocr.formats.sources import PageImage
from ocr.geometry.crop import crop_quad
from ocr.geometry.quad import polygon_quad
from ocr.images.load import Rgb
from ocr.inference import orientation
from ocr.inference.detector import Detector
from ocr.inference.memory import give_back
from ocr.inference.onnx import Model
from ocr.inference.reading_order import reading_order
from ocr.inference.recognizer import Recognizer
from ocr.inference.threads import in_background
from ocr.specs.decode import Decoded
from ocr.specs.postprocess import Detection, PostprocessSpec
from ocr.text.rule import is_rule

# ``map``, or the ``map`` of an executor.
Each = Callable[[Callable[[Rgb], "_Look"], Iterable[Rgb]], Iterable["_Look"]]

# Below this mean probability per character what was read is more often noise than text.
MIN_CONFIDENCE = 0.5
# A page of which so little is read surely is a picture: what is text on it all the same must be surer than its noise.
NOISY_PAGE = 0.5
SURE_ON_NOISE = 0.9
# Bytes of a page after which memory is given back, so that the next one like it fits as well.
_ENORMOUS = 24_000_000


class Reader:
    """Detector and recognizer together: a page's lines in reading order."""

    def __init__(self, detector: Detector, recognizer: Recognizer, *, min_confidence: float = MIN_CONFIDENCE) -> None:
        """Lines without text, less sure than ``min_confidence``, or rules, are left out; 0 keeps the latter two."""
        self.detector = detector
        self.recognizer = recognizer
        self.min_confidence = min_confidence
        self.models = Models(
            detector=_info(detector.bundle),
            recognizer=_info(recognizer.bundle),
            second_look=None if recognizer.second_bundle is None else _info(recognizer.second_bundle),
        )

    def read(self, image: Rgb, *, source: str, page: int = 1, notes: Sequence[str] = ()) -> Page:
        """Read one RGB uint8 image (H,W,3); ``source`` and ``page`` say where it came from.

        A page on its side or upside down is turned for reading; its polygons are in the pixels of ``image`` all the
        same, and a note says so.
        """
        return self.read_many([PageImage(source, page, image, list(notes))])[0]

    def read_many(self, pages: Sequence[PageImage], *, each: Each = map) -> list[Page]:
        """Read pages as ``read`` does, the lines of all of them together at their first look.

        ``each`` is ``map``, or one that works side by side: pages are detected by it.
        """
        looks = list(each(self._look, [page.image for page in pages]))
        clock = _Clock()
        texts = iter(self.recognizer.first_look([item.crop for look in looks for item in look.found]))
        spent = clock.seconds()
        lines = sum(len(look.found) for look in looks)
        result = []
        for page, look in zip(pages, looks, strict=True):
            look.clock.count("recognize", spent * len(look.found) / max(lines, 1))
            result.append(self._finish(page, look, list(itertools.islice(texts, len(look.found)))))
        if any(page.image.size > _ENORMOUS for page in pages):
            give_back()
        return result

    def _look(self, image: Rgb) -> "_Look":
        clock = _Clock()
        quarters = 0
        found = self._find(image, clock)
        if orientation.lies_sideways([item.quad for item in found]):
            quarters = 1
            found = self._find(np.rot90(image), clock)
        return _Look(found, quarters, clock)

    def _finish(self, page: PageImage, look: "_Look", texts: list[Decoded]) -> Page:
        """The page result, after a first look at its lines; a page that is upside down is turned before the second."""
        found, quarters, clock = look
        clock.restart()
        if orientation.is_doubtful(texts) and self._is_upside_down(found, texts, clock):
            quarters += 2
            found = self._find(np.rot90(page.image, quarters), clock)
            texts = self.recognizer.first_look([item.crop for item in found])
        texts = self.recognizer.look_again([item.crop for item in found], texts)
        clock.add("recognize")
        size = (page.image.shape[1], page.image.shape[0])
        least = self._least_confidence(texts)
        lines = [
            Line(
                polygon=orientation.turn_back(item.detection.polygon, quarters, size).tolist(),
                text=text.text,
                confidence=min(max(text.certainty, 0.0), 1.0),
                detection_score=min(max(item.detection.score, 0.0), 1.0),
            )
            for item, text in zip(found, texts, strict=True)
            if text.text.strip() and text.confidence >= least and not (self.min_confidence and is_rule(text.text))
        ]
        turned = [f"turned by {90 * quarters} degrees counter-clockwise for reading"] if quarters else []
        return Page(
            image=ImageInfo(source=page.source, page=page.page, width=size[0], height=size[1]),
            lines=lines,
            timings_ms=clock.milliseconds(),
            models=self.models,
            notes=[*page.notes, *turned],
        )

    def _least_confidence(self, texts: Sequence[Decoded]) -> float:
        """How sure of a line one must be to keep it, on a page that reads so."""
        read = sum(len(text.text) * text.confidence for text in texts)
        noisy = read < NOISY_PAGE * sum(len(text.text) for text in texts)
        return max(self.min_confidence, SURE_ON_NOISE) if noisy and self.min_confidence > 0 else self.min_confidence

    def _find(self, image: Rgb, clock: "_Clock") -> list["_Found"]:
        """Lines of an image in reading order, with their crops."""
        detections = self.detector.detect([np.ascontiguousarray(image)])[0]
        quads = [polygon_quad(item.polygon) for item in detections]
        found = [
            _Found(detections[index], quads[index], crop_quad(image, quads[index]))
            for index in reading_order([item.polygon for item in detections])
        ]
        clock.add("detect")
        return found

    def _is_upside_down(self, found: list["_Found"], texts: list[Decoded], clock: "_Clock") -> bool:
        """Whether the longest lines read better turned by half."""
        sample = orientation.longest([item.quad for item in found])
        turned = self.recognizer.first_look([np.ascontiguousarray(found[index].crop[::-1, ::-1]) for index in sample])
        clock.add("recognize")
        return orientation.reads_better(turned, [texts[index] for index in sample])


class _Found(NamedTuple):
    detection: Detection
    quad: NDArray[np.float32]
    crop: Rgb


class _Look(NamedTuple):
    """What the detector saw of a page: its lines, by how many quarters it was turned, and the time spent on it."""

    found: list[_Found]
    quarters: int
    clock: "_Clock"


class _Clock:
    """Seconds that one page took, by kind of work; time spent on other pages in between is not counted."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self._spent = {"detect": 0.0, "recognize": 0.0}

    def restart(self) -> None:
        """Count from now."""
        self._last = time.perf_counter()

    def seconds(self) -> float:
        """Seconds since the last count."""
        return time.perf_counter() - self._last

    def add(self, kind: str) -> None:
        """Count the time since the last call as this kind's."""
        self.count(kind, self.seconds())
        self.restart()

    def count(self, kind: str, seconds: float) -> None:
        """Count seconds as this kind's."""
        self._spent[kind] += seconds

    def milliseconds(self) -> dict[str, float]:
        """Milliseconds of each kind, and in total."""
        spent = {**self._spent, "total": sum(self._spent.values()) + self.seconds()}
        return {kind: round(1000 * seconds, 2) for kind, seconds in spent.items()}


def open_reader(
    detector: str | Path = DETECTOR, recognizer: str | Path = RECOGNIZER, *, threads: int | None = None
) -> Reader:
    """Load both bundles, shipped ones by name or others by folder; raises BundleError."""
    detecting = in_background(Detector, load_bundle(detector, task="detection"), threads=threads)
    recognizing = Recognizer(load_bundle(recognizer, task="recognition"), threads=threads)
    return Reader(detecting.result(), recognizing)


def with_postprocess(reader: Reader, spec: PostprocessSpec, model: Model) -> Reader:
    """``reader`` but for its detector, which makes boxes by ``spec`` of what ``model`` gives in its network's place."""
    bundle = reader.detector.bundle
    changed = bundle._replace(card=bundle.card.model_copy(update={"postprocess": spec}))
    return Reader(Detector(changed, model=model), reader.recognizer, min_confidence=reader.min_confidence)


def _info(bundle: Bundle) -> ModelInfo:
    return ModelInfo(name=bundle.card.name, sha256=bundle.sha256)
