"""Whole pages: detector and recognizer together."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocr.bundles.bundle import DETECTOR, RECOGNIZER, Bundle, load_bundle
from ocr.formats.page import ImageInfo, Line, ModelInfo, Models, Page
from ocr.geometry.crop import crop_quad
from ocr.geometry.quad import polygon_quad
from ocr.geometry.turn import turn_back
from ocr.images.load import Rgb
from ocr.inference import orientation
from ocr.inference.detector import Detector
from ocr.inference.memory import give_back
from ocr.inference.onnx import Model
from ocr.inference.reading_order import reading_order
from ocr.inference.recognizer import Looks, Recognizer
from ocr.inference.threads import in_background
from ocr.inference.word_spans import word_spans
from ocr.specs.decode import Decoded
from ocr.specs.postprocess import Detection, PostprocessSpec
from ocr.text.rule import is_rule

# Below this mean probability per character what was read is more often noise than text.
_TEXT = 0.5
# A page of which so little reads like text is a picture: what is text on it all the same must stand out from its noise.
_NOISY_PAGE = 0.5
_TEXT_ON_NOISE = 0.9
# Bytes of a page after which memory is given back, so that the next one like it fits as well.
_ENORMOUS = 24_000_000


class Reader:
    """Detector and recognizer together: a page's lines in reading order."""

    def __init__(
        self, detector: Detector, recognizer: Recognizer, *, min_confidence: float = 0.0, noise: bool = False
    ) -> None:
        """Lines of a confidence below ``min_confidence`` are left out, and unless ``noise`` what is hardly text."""
        self.detector = detector
        self.recognizer = recognizer
        self.min_confidence = min_confidence
        self.noise = noise
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
        clock = _Clock()
        quarters = 0
        found = self._find(image)
        if orientation.lies_sideways([item.quad for item in found]):
            quarters = 1
            found = self._find(np.rot90(image))
        clock.add("detect")
        looks = self._look(found)
        if orientation.is_doubtful(looks.first) and self._is_upside_down(found, looks.first):
            clock.add("recognize")
            quarters += 2
            found = self._find(np.rot90(image, quarters))
            clock.add("detect")
            looks = self._look(found)
        texts = self.recognizer.look_again([item.crop for item in found], looks)
        clock.add("recognize")
        size = (image.shape[1], image.shape[0])
        is_text = self._text_filter(texts)
        lines = [
            Line(
                polygon=[(x, y) for x, y in turn_back(item.detection.polygon, quarters, size).tolist()],
                text=text.text,
                confidence=min(max(text.certainty, 0.0), 1.0),
                detection_score=min(max(item.detection.score, 0.0), 1.0),
                spans=word_spans(text.text, text.places, item.crop),
            )
            for item, text in zip(found, texts, strict=True)
            if text.text.strip() and is_text(text) and text.certainty >= self.min_confidence
        ]
        turned = [f"turned by {90 * quarters} degrees counter-clockwise for reading"] if quarters else []
        if image.size > _ENORMOUS:
            give_back()
        return Page(
            image=ImageInfo(source=source, page=page, width=size[0], height=size[1]),
            lines=lines,
            timings_ms=clock.milliseconds(),
            models=self.models,
            notes=[*notes, *turned],
        )

    def _look(self, found: list["_Found"]) -> Looks:
        """First look at lines; once enough of them say that the page is the right way up, second ones in between."""
        return self.recognizer.look([item.crop for item in found], may_look_again=orientation.is_upright)

    def _text_filter(self, texts: Sequence[Decoded]) -> Callable[[Decoded], bool]:
        """What tells text from noise and drawn rules, on a page that reads so."""
        if self.noise:
            return lambda _: True
        read = sum(len(text.text) * text.confidence for text in texts)
        noisy = read < _NOISY_PAGE * sum(len(text.text) for text in texts)
        least = _TEXT_ON_NOISE if noisy else _TEXT
        # Any blob of a picture looks like some character: one alone is no text there.
        shortest = 2 if noisy else 1
        return lambda text: text.confidence >= least and len(text.text) >= shortest and not is_rule(text.text)

    def _find(self, image: Rgb) -> list["_Found"]:
        """Lines of an image in reading order, with their crops."""
        detections = self.detector.detect([np.ascontiguousarray(image)])[0]
        quads = [polygon_quad(item.polygon) for item in detections]
        return [
            _Found(detections[index], quads[index], crop_quad(image, quads[index]))
            for index in reading_order([item.polygon for item in detections])
        ]

    def _is_upside_down(self, found: list["_Found"], texts: list[Decoded]) -> bool:
        """Whether the longest lines read better turned by half."""
        sample = orientation.longest([item.quad for item in found])
        turned = self.recognizer.look([np.ascontiguousarray(found[index].crop[::-1, ::-1]) for index in sample])
        return orientation.reads_better(turned.first, [texts[index] for index in sample])


class _Found(NamedTuple):
    detection: Detection
    quad: NDArray[np.float32]
    crop: Rgb


class _Clock:
    """Milliseconds that a page took, by kind of work."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._spent = {"detect": 0.0, "recognize": 0.0}

    def add(self, kind: str) -> None:
        """Count the time since the last call as this kind's."""
        now = time.perf_counter()
        self._spent[kind] += now - self._last
        self._last = now

    def milliseconds(self) -> dict[str, float]:
        """Milliseconds of each kind, and in total."""
        spent = {**self._spent, "total": time.perf_counter() - self._start}
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
    changed = bundle._replace(card=replace(bundle.card, postprocess=spec))
    return Reader(
        Detector(changed, model=model), reader.recognizer, min_confidence=reader.min_confidence, noise=reader.noise
    )


def _info(bundle: Bundle) -> ModelInfo:
    return ModelInfo(name=bundle.card.name, sha256=bundle.sha256)
