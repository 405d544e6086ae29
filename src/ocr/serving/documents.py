"""A body to a document: pages decoded within a budget, read in batches with those of others, in order."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import NamedTuple

from findings.counted import counted
from ocr.errors import InputError, MemoryLimitError
from ocr.formats.page import FailedPage, Page
from ocr.formats.pdf_apart import PAGE_SECONDS, open_pdf_apart
from ocr.formats.sources import PageImage, page_images
from ocr.images.load import count_pages, is_pdf
from ocr.serving.batching import Batcher, Reading
from ocr.serving.budget import Budget
from ocr.serving.problems import Problem


class Upload(NamedTuple):
    """What a request sent: a file's bytes, the name results call it by, and how PDF pages are rendered."""

    data: bytes
    name: str
    dpi: int


class Patience(NamedTuple):
    """When to give up: a time of the monotonic clock, and whether nobody waits any more."""

    until: float
    given_up: Callable[[], bool]

    def check(self) -> None:
        """Raise Problem when the time is up or nobody waits."""
        if self.given_up():
            raise Problem("interrupted", "the client went away")
        if time.monotonic() >= self.until:
            raise Problem("too_slow", "reading took longer than a request may; send long documents to /v1/jobs")

    def left(self) -> float:
        """Seconds left."""
        return max(0.0, self.until - time.monotonic())


class DocumentReader:
    """Reads uploads with a shared batcher; no more than ``window`` pages of one upload are in memory at once."""

    def __init__(self, batcher: Batcher, pixels: Budget, *, page_pixels: int, window: int) -> None:
        self._batcher = batcher
        self._pixels = pixels
        self._page_pixels = page_pixels
        self._window = window

    def count_pages(self, upload: Upload, limit: int) -> int:
        """Pages an upload has; raises Problem when it cannot be opened or has more than ``limit``."""
        try:
            if is_pdf(upload.data):
                with open_pdf_apart(upload.data, name=upload.name) as document:
                    count = len(document)
            else:
                count = count_pages(upload.data, name=upload.name)
        except InputError as error:
            raise Problem("unreadable", f"{error.reason}; {error.remedy}") from error
        if count > limit:
            raise Problem("too_many_pages", f"the document has {counted(count, 'page')}, {limit} are allowed; split it")
        return count

    def read(self, upload: Upload, how: Reading, patience: Patience, *, skip: int = 0) -> Iterator[Page | FailedPage]:
        """Yield the results of an upload's pages in order, after the first ``skip``. Raises Problem, OcrError."""
        pending: deque[Future[Page] | FailedPage] = deque()
        try:
            for index, page in enumerate(self._decoded(upload, patience)):
                if index < skip:
                    self._give_back(page)
                    continue
                pending.append(self._submit(page, how))
                if len(pending) >= self._window:
                    yield _result(pending.popleft(), patience)
            while pending:
                yield _result(pending.popleft(), patience)
        finally:
            for item in pending:
                if isinstance(item, Future):
                    item.cancel()

    def _submit(self, page: PageImage | FailedPage, how: Reading) -> "Future[Page] | FailedPage":
        if isinstance(page, FailedPage):
            return page
        future = self._batcher.submit(page, how)
        future.add_done_callback(lambda _: self._give_back(page))
        return future

    def _give_back(self, page: PageImage | FailedPage) -> None:
        if isinstance(page, PageImage):
            self._pixels.give(_size(page))

    def _decoded(self, upload: Upload, patience: Patience) -> Iterator[PageImage | FailedPage]:
        """Pages in pixels. Room for the largest page allowed is taken before decoding; what it needs is kept."""
        pages = page_images(
            upload.data, name=upload.name, dpi=upload.dpi, max_pixels=self._page_pixels, page_seconds=PAGE_SECONDS
        )
        while True:
            while not self._pixels.take(self._page_pixels, until=time.monotonic() + min(0.25, patience.left())):
                patience.check()
            kept = 0
            try:
                page = next(pages, None)
                kept = _size(page) if isinstance(page, PageImage) else 0
            finally:
                self._pixels.give(self._page_pixels - kept)
            if page is None:
                return
            patience.check()
            yield page


def _size(page: PageImage) -> int:
    return int(page.image.shape[0] * page.image.shape[1])


def _result(item: "Future[Page] | FailedPage", patience: Patience) -> Page | FailedPage:
    if isinstance(item, FailedPage):
        return item
    while True:
        try:
            return item.result(timeout=min(0.25, patience.left()))
        except FutureTimeout:
            patience.check()
        except CancelledError as error:
            raise Problem("interrupted", "the service is shutting down") from error
        except MemoryLimitError as error:
            raise Problem("no_memory", str(error), retry_after=5) from error
