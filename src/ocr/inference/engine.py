"""Detector, recognizer and reader on exported bundles."""

import itertools
import math
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ocr.bundles.bundle import DETECTOR, RECOGNIZER, Bundle, load_bundle, load_prior
from ocr.errors import BundleError
from ocr.formats.page import ImageInfo, Line, ModelInfo, Models, Page
from ocr.formats.sources import PageImage
from ocr.geometry.crop import crop_quad
from ocr.geometry.quad import polygon_quad
from ocr.inference import orientation
from ocr.inference.memory import give_back
from ocr.inference.onnx import Model, OnnxModel
from ocr.inference.reading_order import reading_order
from ocr.inference.threads import available_cores
from ocr.inference.tiling import Window, finer_scale, grid, merge, plan
from ocr.specs import decode as decoding
from ocr.specs import postprocess, preprocess
from ocr.specs.decode import Decoded
from ocr.specs.postprocess import Detection
from ocr.text.charset import Charset

Rgb = NDArray[np.uint8]
# ``map``, or the ``map`` of an executor.
Each = Callable[[Callable[[Rgb], "_Look"], Iterable[Rgb]], Iterable["_Look"]]
Floats = NDArray[np.float32]
_Item = TypeVar("_Item")

# Below this mean probability per character what was read is more often noise than text.
MIN_CONFIDENCE = 0.5
# A page of which so little is read surely is a picture: what is text on it all the same must be surer than its noise.
NOISY_PAGE = 0.5
SURE_ON_NOISE = 0.9
# Width of one recognizer batch, all crops together, in pixels: bounds its memory, and leaves work for every core.
_BATCH_COLUMNS = 1024
# Bytes of a page after which memory is given back, so that the next one like it fits as well.
_ENORMOUS = 24_000_000


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
        self._model = model or OnnxModel(bundle, threads=threads)

    def detect(self, images: Sequence[Rgb]) -> list[list[Detection]]:
        """Detections of each RGB uint8 image (H,W,3), best first, in its own pixels."""
        return [self._detect(image) for image in images]

    def probability(self, image: Rgb) -> "WindowMap":
        """Probability map of an RGB uint8 image (H,W,3) that goes through the network whole: a crop to look at."""
        return self._map(image, Window(0, 0, image.shape[1], image.shape[0]))

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
        detections, scale = self._detect_window(image, window)
        finer = finer_scale([item.polygon for item in detections], scale)
        if finer is None or self._before.max_side is None:
            return [(window, detections, scale)]
        parts = grid(window.x_max - window.x_min, window.y_max - window.y_min, finer, self._before.max_side)
        moved = [part.moved(window.x_min, window.y_min) for part in parts]
        return [(part, *self._detect_window(image, part)) for part in moved]

    def _detect_window(self, image: Rgb, window: Window) -> tuple[list[Detection], float]:
        """Detections inside one window, in pixels of the whole image, and the window's scale."""
        found = self._map(image, window)
        size = (window.x_max - window.x_min, window.y_max - window.y_min)
        detections = postprocess.detect(self._after, found.probability, found.scale_x, found.scale_y, size)
        if window.x_min or window.y_min:
            corner = np.array((window.x_min, window.y_min), np.float32)
            detections = [Detection(item.polygon + corner, item.score) for item in detections]
        return detections, min(found.scale_x, found.scale_y)

    def _map(self, image: Rgb, window: Window) -> "WindowMap":
        part = image[window.y_min : window.y_max, window.x_min : window.x_max]
        prepared = preprocess.apply(self._before, part)
        return WindowMap(self._model.run(prepared.array[None])[0, 0], prepared.scale_x, prepared.scale_y)


class WindowMap(NamedTuple):
    """Probability map (H,W) of one window, and its pixels per image pixel."""

    probability: Floats
    scale_x: float
    scale_y: float


class Recognizer:
    """Texts from line crops. A crop is padded by its own width alone, so its text does not depend on its batch.

    When the card names a second look, a larger recognizer reads again what this one is not sure of: most of what it
    gets right for a fraction of its time.
    """

    def __init__(
        self, bundle: Bundle, *, threads: int | None = None, model: Model | None = None, second_look: bool = True
    ) -> None:
        """Load a recognition bundle; raises BundleError when its graph and charset do not belong together.

        ``model`` runs in place of the bundle's graph, as in a detector, and alone; so does the graph itself when
        ``second_look`` is false.
        """
        spec, characters = bundle.card.decode, bundle.card.charset
        if spec is None or characters is None:
            raise BundleError(
                f"{bundle.model_path.parent}: is a {bundle.card.task} bundle; a recognizer is needed here"
            )
        self.bundle = bundle
        self.charset = Charset(tuple(characters))
        self._before = bundle.card.preprocess
        self._decode = spec
        self._prior = load_prior(bundle)
        # Batches run side by side, a core each: nothing waits inside an operator, as it would with cores sharing one.
        self._model = model or OnnxModel(bundle, threads=1)
        threads = threads or available_cores()
        self._workers = ThreadPoolExecutor(threads, thread_name_prefix="recognizer") if threads > 1 else None
        classes = self._model.output_shape[-1]
        if isinstance(classes, int) and classes != len(self.charset) + 1:
            raise BundleError(
                f"{bundle.model_path.parent}: the graph has {classes} classes, the card's charset needs "
                f"{len(self.charset) + 1}; graph and card are of different exports: export the bundle again"
            )
        self.second: Recognizer | None = None
        self._below = 0.0
        if second_look and model is None and bundle.card.second_look is not None:
            self.second = Recognizer(second_bundle(bundle, bundle.card.second_look.bundle), threads=threads)
            self._below = bundle.card.second_look.below

    def recognize(self, crops: Sequence[Rgb]) -> list[Decoded]:
        """Text and confidence of each RGB uint8 crop (H,W,3), in the order given."""
        return self.look_again(crops, self.first_look(crops))

    def first_look(self, crops: Sequence[Rgb]) -> list[Decoded]:
        """As ``recognize``, without a second look."""
        return self._in_batches(crops, self._read_batch)

    def look_again(self, crops: Sequence[Rgb], texts: list[Decoded]) -> list[Decoded]:
        """``texts`` of a first look, those it is not sure of read again by the larger recognizer, if there is one."""
        if self.second is None:
            return texts
        doubtful = [index for index, text in enumerate(texts) if text.certainty < self._below]
        again = self.second.recognize([crops[index] for index in doubtful])
        read = dict(zip(doubtful, again, strict=True))
        return [read.get(index, text) for index, text in enumerate(texts)]

    def logits(self, crops: Sequence[Rgb]) -> list[Floats]:
        """Logits (L,C) of each crop at its own steps, in the order given: for those who decode them in several ways."""
        return self._in_batches(crops, self._valid_logits)

    def _in_batches(self, crops: Sequence[Rgb], read: Callable[[list[Rgb], int], Sequence[_Item]]) -> list[_Item]:
        """Give ``read`` crops of one padded width at a time, with that width, and return its answers in their order."""
        widths = [self._padded_width(crop) for crop in crops]
        # The widest first: the last batch to end is then a small one.
        order = sorted(range(len(crops)), key=lambda index: -widths[index])
        batches: list[list[int]] = []
        for index in order:
            width = widths[index]
            if not batches or widths[batches[-1][0]] != width or len(batches[-1]) >= max(1, _BATCH_COLUMNS // width):
                batches.append([])
            batches[-1].append(index)

        def run(members: list[int]) -> Sequence[_Item]:
            return read([crops[index] for index in members], widths[members[0]])

        answers = self._workers.map(run, batches) if self._workers else map(run, batches)
        by_index: dict[int, _Item] = {}
        for members, batch in zip(batches, answers, strict=True):
            by_index.update(zip(members, batch, strict=True))
        return [by_index[index] for index in range(len(crops))]

    def _padded_width(self, crop: Rgb) -> int:
        width, _ = preprocess.target_size(self._before, crop.shape[1], crop.shape[0])
        return bucket_width(width, self._before.multiple) if self._before.resize == "height" else width

    def _read_batch(self, crops: list[Rgb], width: int) -> list[Decoded]:
        return decoding.decode(self._decode, self.charset, *self._run(crops, width), prior=self._prior)

    def _valid_logits(self, crops: list[Rgb], width: int) -> list[Floats]:
        logits, lengths = self._run(crops, width)
        return list(logits) if lengths is None else [row[:steps] for row, steps in zip(logits, lengths, strict=True)]

    def _run(self, crops: list[Rgb], width: int) -> tuple[Floats, NDArray[np.int64] | None]:
        """Logits (N,L,C) of a batch and, where they may hold padding, how many steps of each are the crop's own."""
        prepared = [preprocess.apply(self._before, crop) for crop in crops]
        batch = np.full((len(crops), *prepared[0].array.shape[:2], width), self._before.pad_value, np.float32)
        for row, item in zip(batch, prepared, strict=True):
            row[:, :, : item.array.shape[2]] = item.array
        logits = self._model.run(batch)
        if self._decode.kind != "ctc":
            return logits, None
        return logits, decoding.valid_steps(np.array([item.valid_width for item in prepared]), width, logits.shape[1])


def second_bundle(bundle: Bundle, name: str) -> Bundle:
    """The recognition bundle that the card of ``bundle`` calls ``name``: a folder beside it, or a shipped one."""
    beside = bundle.model_path.parent / name
    return load_bundle(beside if beside.is_dir() else name, task="recognition")


def bucket_width(width: int, multiple: int) -> int:
    """Width in pixels that a crop is padded to: the next of 32, 64 ... 256, then steps of an eighth of the width.

    It is a multiple of ``multiple`` as well.
    """
    step = 32
    while step * 8 < width:
        step *= 2
    step = math.lcm(step, multiple)
    return -(-width // step) * step


class Reader:
    """Detector and recognizer together: a page's lines in reading order."""

    def __init__(self, detector: Detector, recognizer: Recognizer, *, min_confidence: float = MIN_CONFIDENCE) -> None:
        """Lines without text, or less sure than ``min_confidence``, are left out; 0 leaves nothing out."""
        self.detector = detector
        self.recognizer = recognizer
        self.min_confidence = min_confidence
        self.models = Models(
            detector=_info(detector.bundle),
            recognizer=_info(recognizer.bundle),
            second_look=None if recognizer.second is None else _info(recognizer.second.bundle),
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
            if text.text.strip() and text.confidence >= least
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
    return Reader(
        Detector(load_bundle(detector, task="detection"), threads=threads),
        Recognizer(load_bundle(recognizer, task="recognition"), threads=threads),
    )


def _info(bundle: Bundle) -> ModelInfo:
    return ModelInfo(name=bundle.card.name, sha256=bundle.sha256)
