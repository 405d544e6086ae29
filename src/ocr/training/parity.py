"""The parity gate: a graph and the network it came from read the same pages through the same engine."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from findings.counted import counted
from ocr.bundles.bundle import DETECTOR, Bundle, load_bundle
from ocr.datasets.annotations import read_samples
from ocr.datasets.synthetic import receipt
from ocr.errors import AnnotationError, ConfigError, ImageError, ParityError
from ocr.formats.sources import PageImage, expand, page_images
from ocr.geometry.crop import crop_quad
from ocr.geometry.polygon import iou
from ocr.geometry.quad import polygon_quad
from ocr.inference.detector import Detector
from ocr.inference.onnx import Model, OnnxModel
from ocr.inference.recognizer import Recognizer

T = TypeVar("T")

PAGES = 24
ENOUGH = 20
# Data sets of single words: this many of them stand for a page.
WORDS_A_PAGE = 20
LEAST_IOU = 0.99
# A box whose score is this close to the threshold may be found by one side only: rounding decides.
UNDECIDED = 1e-4
# Of probabilities or logits: far above rounding, far below what a graph that went wrong gives.
MOST_DIFFERENCE = 1e-2


@dataclass
class Parity:
    """What the gate compared: boxes or texts on pages, and the largest difference of the networks' raw output."""

    synthetic: bool
    pages: int = 0
    items: int = 0
    difference: float = 0.0

    @property
    def is_enough(self) -> bool:
        """Whether the gate saw as many real pages as it should."""
        return not self.synthetic and self.pages >= ENOUGH

    def __str__(self) -> str:
        kind = "synthetic" if self.synthetic else "real"
        return f"graph and network agree on {counted(self.items, 'item')} of {counted(self.pages, f'{kind} page')}"


@dataclass(frozen=True)
class GatePage:
    """An image and where its text is; None where nobody said."""

    name: str
    image: NDArray[np.uint8]
    quads: list[NDArray[np.float32]] | None


@dataclass
class _Recorder:
    """A model whose outputs are kept until they are compared."""

    model: Model
    outputs: list[NDArray[np.float32]] = field(default_factory=list)
    output_shape: list[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.output_shape = self.model.output_shape

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self.outputs.append(self.model.run(batch))
        return self.outputs[-1]


def compare(bundle: Bundle, network: Model, pages: Iterable[GatePage], *, synthetic: bool) -> Parity:
    """Read the pages with a bundle's graph and with ``network`` in its place; raises ParityError where they differ."""
    ours, theirs = _Recorder(OnnxModel(bundle)), _Recorder(network)
    gate = (_BoxGate if bundle.card.task == "detection" else _TextGate)(bundle, ours, theirs)
    parity = Parity(synthetic)
    for page in pages:
        parity.items += gate.check(page)
        parity.pages += 1
        for a, b in zip(ours.outputs, theirs.outputs, strict=True):
            difference = float(np.abs(a - b).max())
            if not difference <= MOST_DIFFERENCE:  # a difference that is no number is too large as well
                raise ParityError(f"{page.name}: the outputs differ by {difference:.3g}; nothing was written")
            parity.difference = max(parity.difference, difference)
        ours.outputs.clear()
        theirs.outputs.clear()
    return parity


class _BoxGate:
    """Same boxes on both sides, IoU at least 0.99."""

    def __init__(self, bundle: Bundle, ours: Model, theirs: Model) -> None:
        assert bundle.card.postprocess is not None
        self._threshold = bundle.card.postprocess.box_threshold
        self._ours, self._theirs = Detector(bundle, model=ours), Detector(bundle, model=theirs)

    def check(self, page: GatePage) -> int:
        """Return the number of boxes on the page; raises ParityError."""
        found, expected = self._ours.detect([page.image])[0], self._theirs.detect([page.image])[0]
        for some, others in ((found, expected), (expected, found)):
            for one in some:
                best = max((iou(one.polygon, other.polygon) for other in others), default=0.0)
                if best < LEAST_IOU and abs(one.score - self._threshold) > UNDECIDED:
                    x, y = one.polygon.mean(axis=0)
                    raise ParityError(
                        f"{page.name}: graph and network differ in the box at ({x:.0f}, {y:.0f}), IoU {best:.3f}; "
                        "nothing was written"
                    )
        return len(found)


class _TextGate:
    """Same texts on both sides."""

    def __init__(self, bundle: Bundle, ours: Model, theirs: Model) -> None:
        # One thread: the recorded outputs of both sides must come in the same order.
        self._ours, self._theirs = (Recognizer(bundle, model=model, threads=1) for model in (ours, theirs))
        self._detector: Detector | None = None

    def check(self, page: GatePage) -> int:
        """Return the number of texts on the page; raises ParityError."""
        quads = self._find(page.image) if page.quads is None else page.quads
        crops = [crop_quad(page.image, quad) for quad in quads]
        for found, expected in zip(self._ours.recognize(crops), self._theirs.recognize(crops), strict=True):
            if found.text != expected.text:
                raise ParityError(
                    f"{page.name}: the graph reads {found.text!r}, its network {expected.text!r}; nothing was written"
                )
        return len(crops)

    def _find(self, image: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Lines that the shipped detector finds, where nobody said where the text is."""
        self._detector = self._detector or Detector(load_bundle(DETECTOR, task="detection"))
        return [polygon_quad(item.polygon) for item in self._detector.detect([image])[0]]


def gate_pages(path: Path | None) -> Iterator[GatePage]:
    """Up to PAGES pages, spread over the data set or folder of images; synthetic receipts for None.

    Raises ConfigError when there are none, InputError when one is damaged.
    """
    if path is None:
        for seed in range(PAGES):
            page = receipt(seed, items=6)
            yield GatePage(f"synthetic receipt {seed}", page.image, [polygon_quad(item) for item in page.polygons])
        return
    try:
        samples = list(read_samples(path))
    except AnnotationError:
        yield from _images(path)
        return
    if not samples:
        raise ConfigError(f"{path}: has no images to compare on; name a data set or folder with some")
    words = all(len(sample.polygons) <= 1 for sample in samples)
    for sample in _spread(samples, PAGES * WORDS_A_PAGE if words else PAGES):
        image = sample.load()
        valid = sample.valid((image.shape[1], image.shape[0]))
        yield GatePage(sample.name, image, [polygon_quad(polygon) for polygon in valid.polygons])


def _images(path: Path) -> Iterator[GatePage]:
    """Pages of files without annotations."""
    for file in _spread(expand([str(path)]), PAGES):
        for page in page_images(file):
            if not isinstance(page, PageImage):
                raise ImageError(page.image.source, page.error.reason, page.error.remedy)
            yield GatePage(f"{page.source} page {page.page}", page.image, None)


def _spread(items: list[T], count: int) -> list[T]:
    return [items[index * len(items) // count] for index in range(count)] if len(items) > count else items
