"""A detector at thresholds of the user's: the network sees a page once, and its maps are kept.

    reader = reader_at(Thresholds(0.25, 0.5), "detector", "recognizer")

At the bundle's own thresholds it reads as the shared engine does, with the same models.
"""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocr.bundles.bundle import locate, read_card
from ocr.errors import BundleError
from ocr.inference.engine import Reader, with_postprocess
from ocr.inference.onnx import Model
from ocr.inference.shared import shared_engine

# Of maps that stay in memory: 20 pages of 960 x 960 take a third of it.
MOST_BYTES = 256_000_000


class Thresholds(NamedTuple):
    """What turns a probability map into boxes: pixels above ``binarize``, of them regions of mean ``box_threshold``."""

    binarize: float
    box_threshold: float


def own_thresholds(detector: str) -> Thresholds:
    """Those on the card of a bundle; BundleError when it is no detector's."""
    folder = locate(detector)
    spec = read_card(folder).postprocess
    if spec is None:
        raise BundleError(f"{folder}: has no thresholds; choose a detector")
    return Thresholds(spec.binarize, spec.box_threshold)


class MapCache:
    """Outputs of networks by what went in, at most so many bytes; the least recently used go first. Thread-safe."""

    def __init__(self, most_bytes: int) -> None:
        self._most, self._bytes = most_bytes, 0
        self._kept: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: bytes) -> NDArray[np.float32] | None:
        """The output kept under a key, if it still is."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: bytes, maps: NDArray[np.float32]) -> None:
        """Keep an output, and let others go for it."""
        with self._lock:
            if key not in self._kept:
                self._bytes += maps.nbytes
            self._kept[key] = maps
            while self._bytes > self._most:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes


_CACHE = MapCache(MOST_BYTES)


class KeptMaps:
    """A detector's network that runs once for each input: a page, a window of one, a page that was turned."""

    def __init__(self, model: Model, name: str, cache: MapCache = _CACHE) -> None:
        """Keep the outputs of ``model`` under ``name``, which tells it from the other networks of the cache."""
        self.output_shape = model.output_shape
        self._model, self._name, self._cache = model, name, cache

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the network's output for a batch (N,3,H,W)."""
        batch = np.ascontiguousarray(batch)
        digest = hashlib.blake2b(f"{self._name} {batch.shape}".encode())
        digest.update(batch.data)
        kept = self._cache.get(digest.digest())
        if kept is None:
            kept = self._model.run(batch)
            self._cache.put(digest.digest(), kept)
        return kept


def reader_at(thresholds: Thresholds, detector: str | Path, recognizer: str | Path, *, noise: bool = False) -> Reader:
    """A reader on the models of the shared engine whose detector has these thresholds and keeps its maps."""
    shared = shared_engine().reader(detector, recognizer, noise=noise)
    bundle = shared.detector.bundle
    assert bundle.card.postprocess is not None  # a Detector's has one
    spec = replace(bundle.card.postprocess, **thresholds._asdict())
    return with_postprocess(shared, spec, KeptMaps(shared.detector.model, bundle.sha256))
