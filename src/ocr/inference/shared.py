"""The engine that every skin reads with: models loaded once per process, shared by all its threads.

    from ocr.inference.shared import shared_engine

    engine = shared_engine()                       # the one of this process; call it as often as you like
    pages = engine.read([PageImage("a.png", 1, image, [])])               # the shipped bundles
    pages = engine.read(images, detector="detector", recognizer=folder, min_confidence=0.5)
    reader = engine.reader(detector, recognizer)   # a Reader on cached models, to call its parts
    engine.warm_up()                               # load and run once, so that the first page is not slow

``read`` takes pages in pixels (``ocr.formats.sources.page_images`` makes them) and returns a Page for each, in order;
several pages are read side by side, a core each. Any thread may call it.
Models are kept by the hashes of their graph and card, the least recently used dropped first; a bundle that changed on
disk is loaded anew. Nothing is written to disk. What cannot be done raises (BundleError, MemoryLimitError).
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

import cv2
import numpy as np

from ocr.bundles.bundle import CARD_FILE, DETECTOR, MODEL_FILE, RECOGNIZER, Bundle, load_bundle, locate
from ocr.bundles.card import Task
from ocr.errors import MemoryLimitError
from ocr.formats.page import Page
from ocr.formats.sources import PageImage
from ocr.inference.detector import Detector
from ocr.inference.engine import Reader
from ocr.inference.memory import memory_limit, resident_bytes
from ocr.inference.recognizer import Recognizer
from ocr.inference.threads import available_cores

# Bundles of each task that stay loaded; the shipped ones take about 60 MB each when warm.
CAPACITY = 4
# What reading a page takes at its peak beyond its pixels, measured: prepared windows, maps and crops.
BYTES_PER_PIXEL = 24


V = TypeVar("V")


class Loaded(NamedTuple):
    """A bundle whose model is in memory."""

    task: Task
    name: str
    sha256: str


class _Models(NamedTuple):
    """A detector as one page uses it, on all cores, and as several pages side by side do, on one core each."""

    alone: Detector
    together: Detector


class Engine:
    """Cached models and the threads that run them; safe to call from any thread."""

    def __init__(
        self, *, threads: int | None = None, capacity: int = CAPACITY, memory_bytes: int | None = None
    ) -> None:
        """Use ``threads`` cores (None: all that the cgroup allows) and keep ``capacity`` bundles of each task.

        ``memory_bytes`` is the resident size that reading must stay below (None: what the cgroup allows, if anything).
        """
        self.threads = threads or available_cores()
        self.memory_bytes = memory_bytes or memory_limit()
        self.loads = 0
        self._bundles: dict[Path, tuple[tuple[int, ...], Bundle, str]] = {}
        self._detectors: OrderedDict[str, _Models] = OrderedDict()
        self._recognizers: OrderedDict[str, Recognizer] = OrderedDict()
        self._capacity = capacity
        self._lock = threading.RLock()
        # One more than cores: while a page waits for its last lines, another is looked at.
        self._at_once = self.threads + 1
        self._pages = ThreadPoolExecutor(self._at_once, thread_name_prefix="pages")

    def read(
        self,
        pages: Sequence[PageImage],
        *,
        detector: str | Path = DETECTOR,
        recognizer: str | Path = RECOGNIZER,
        min_confidence: float = 0.0,
        noise: bool = False,
    ) -> list[Page]:
        """Read pages, RGB uint8 (H,W,3) each, and return their results in the order given; options are a `Reader`'s.

        Raises BundleError, and MemoryLimitError when there is no room for these pages even without the other models.
        """
        together = len(pages) > 1
        reader = self._reader(detector, recognizer, min_confidence, noise, together=together)
        self.make_room(pages)

        def read(page: PageImage) -> Page:
            return reader.read(page.image, source=page.source, page=page.page, notes=page.notes)

        return list(self._pages.map(read, pages) if together else map(read, pages))

    def reader(
        self,
        detector: str | Path = DETECTOR,
        recognizer: str | Path = RECOGNIZER,
        *,
        min_confidence: float = 0.0,
        noise: bool = False,
    ) -> Reader:
        """Return a reader on the cached models, shipped ones by name or others by folder; raises BundleError."""
        return self._reader(detector, recognizer, min_confidence, noise, together=False)

    def warm_up(self, detector: str | Path = DETECTOR, recognizer: str | Path = RECOGNIZER) -> None:
        """Load both models and run each once, alone and together, on a small blank page with one line."""
        page = np.full((96, 320, 3), 255, np.uint8)
        page[40:56, 16:304:4] = 0
        for together in (False, True):
            reader = self._reader(detector, recognizer, together=together)
            reader.detector.detect([page])
        reader.recognizer.recognize([np.ascontiguousarray(page[32:64])])

    def loaded(self) -> list[Loaded]:
        """Bundles in memory, the least recently used of each task first."""
        with self._lock:
            bundles = [models.alone.bundle for models in self._detectors.values()]
            bundles += [recognizer.bundle for recognizer in self._recognizers.values()]
        return [Loaded(bundle.card.task, bundle.card.name, bundle.sha256) for bundle in bundles]

    def _reader(
        self,
        detector: str | Path,
        recognizer: str | Path,
        min_confidence: float = 0.0,
        noise: bool = False,
        *,
        together: bool,
    ) -> Reader:
        with self._lock:
            models = self._detector(detector)
            chosen = models.together if together else models.alone
            return Reader(chosen, self._recognizer(recognizer), min_confidence=min_confidence, noise=noise)

    def _detector(self, name: str | Path) -> _Models:
        bundle, key = self._bundle(name, "detection")
        if key not in self._detectors:
            alone = Detector(bundle, threads=self.threads)
            together = Detector(bundle, threads=1) if self.threads > 1 else alone
            self.loads += 1
            self._detectors[key] = _Models(alone, together)
        return _touch(self._detectors, key, self._capacity)

    def _recognizer(self, name: str | Path) -> Recognizer:
        bundle, key = self._bundle(name, "recognition")
        if key not in self._recognizers:
            self._recognizers[key] = Recognizer(bundle, threads=self.threads)
            self.loads += 1
        return _touch(self._recognizers, key, self._capacity)

    def _bundle(self, name: str | Path, task: Task) -> tuple[Bundle, str]:
        """The verified bundle and the key it is kept by; files are hashed only when they are not the ones seen last."""
        folder = locate(name)
        state = _state(folder)
        seen = self._bundles.get(folder)
        if seen is None or seen[0] != state or seen[1].card.task != task:
            bundle = load_bundle(folder, task=task)
            key = hashlib.sha256((folder / CARD_FILE).read_bytes()).hexdigest() + bundle.sha256
            if len(self._bundles) > 8 * self._capacity:
                self._bundles.clear()
            self._bundles[folder] = seen = (state, bundle, key)
        return seen[1], seen[2]

    def make_room(self, pages: Sequence[PageImage]) -> None:
        """Drop models not in use when these pages need their memory; MemoryLimitError when that is not enough."""
        if self.memory_bytes is None:
            return
        pixels = sorted(page.image.shape[0] * page.image.shape[1] for page in pages)
        needed = BYTES_PER_PIXEL * sum(pixels[-self._at_once :])
        if resident_bytes() + needed <= self.memory_bytes:
            return
        with self._lock:  # the models of this very read stay: they are the last used
            for kept in (self._detectors, self._recognizers):
                while len(kept) > 1:
                    kept.popitem(last=False)
        if resident_bytes() + needed > self.memory_bytes:
            raise MemoryLimitError(
                f"reading needs about {needed / 1e6:.0f} MB, and {resident_bytes() / 1e6:.0f} of "
                f"{self.memory_bytes / 1e6:.0f} MB are in use; send smaller pages or fewer at once, or allow more"
            )


_SHARED: list[Engine] = []
_SHARED_LOCK = threading.Lock()


def shared_engine(threads: int | None = None) -> Engine:
    """Return the engine of this process; the first call makes it, with ``threads`` cores (None: all it may use)."""
    with _SHARED_LOCK:
        if not _SHARED:
            _SHARED.append(Engine(threads=threads))
            cv2.setNumThreads(_SHARED[0].threads)
        return _SHARED[0]


def _touch(kept: "OrderedDict[str, V]", key: str, capacity: int) -> V:
    kept.move_to_end(key)
    while len(kept) > capacity:
        kept.popitem(last=False)
    return kept[key]


def _state(folder: Path) -> tuple[int, ...]:
    state: list[int] = []
    for name in (MODEL_FILE, CARD_FILE):
        try:
            found = (folder / name).stat()
        except OSError:
            return ()  # loading it will say what is wrong
        state += [found.st_mtime_ns, found.st_size, found.st_ino]
    return tuple(state)
