"""Pages of different requests, read together: whatever waits when the engine is free is its next batch."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from ocr.formats.page import Page
from ocr.formats.sources import PageImage
from ocr.inference.shared import Engine
from ocr.serving.settings import Batching


class Reading(NamedTuple):
    """How a page is to be read; pages of one batch agree in it."""

    detector: Path
    recognizer: Path
    min_confidence: float


class _Waiting(NamedTuple):
    page: PageImage
    how: Reading
    future: "Future[Page]"


class Batcher:
    """One thread that takes waiting pages, as many as fit a batch, and gives them to the engine."""

    def __init__(
        self, engine: Engine, limits: Batching, *, more: Callable[[], int], observe: Callable[[int, float], None]
    ) -> None:
        """``more`` tells how many requests are about to send a page; ``observe`` gets a batch's pages and seconds."""
        self._engine = engine
        self._limits = limits
        self._more = more
        self._observe = observe
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._closed = False
        # An executor hands every exception over, whatever it is: a page that breaks the engine must not end the thread.
        self._runner = ThreadPoolExecutor(1, thread_name_prefix="batch")
        self._thread = threading.Thread(target=self._run, name="batcher", daemon=True)
        self._thread.start()

    def submit(self, page: PageImage, how: Reading) -> "Future[Page]":
        """Queue a page and return its result to come, which may be cancelled until it is read."""
        future: Future[Page] = Future()
        with self._changed:
            if self._closed:
                raise RuntimeError("the service is shutting down")
            self._waiting.append(_Waiting(page, how, future))
            self._changed.notify()
        return future

    def depth(self) -> int:
        """Pages that wait."""
        return len(self._waiting)

    def close(self) -> None:
        """Read what waits, then end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        self._runner.shutdown()

    def _run(self) -> None:
        while batch := self._next():
            ready = [item for item in batch if item.future.set_running_or_notify_cancel()]
            if ready:
                self._read(ready)

    def _next(self) -> list[_Waiting]:
        """The next batch; empty when closed and nothing waits."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            until = time.monotonic() + self._limits.wait_seconds
            while 0 < len(self._waiting) < self._limits.pages and self._more() and not self._closed:
                if not self._changed.wait(until - time.monotonic()) or time.monotonic() >= until:
                    break
            return self._take()

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        pixels = 0
        others: deque[_Waiting] = deque()
        while self._waiting and len(batch) < self._limits.pages:
            item = self._waiting.popleft()
            size = item.page.image.shape[0] * item.page.image.shape[1]
            if batch and (item.how != batch[0].how or pixels + size > self._limits.pixels):
                others.append(item)
                continue
            batch.append(item)
            pixels += size
        self._waiting.extendleft(reversed(others))
        return batch

    def _read(self, batch: Sequence[_Waiting]) -> None:
        start = time.monotonic()
        how = batch[0].how
        outcome = self._runner.submit(self._engine.read, [item.page for item in batch], **how._asdict())
        error = outcome.exception()
        if error is None:
            self._observe(len(batch), time.monotonic() - start)
            for item, page in zip(batch, outcome.result(), strict=True):
                item.future.set_result(page)
        elif len(batch) == 1:
            batch[0].future.set_exception(error)
        else:  # one of them breaks it: the others are read all the same
            for item in batch:
                self._read([item])
