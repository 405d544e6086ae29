"""The parts of a running service, made together and ended together."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from starlette.requests import Request

from ocr.formats.page import Document, FailedPage
from ocr.inference.shared import shared_engine
from ocr.serving.batching import Batcher, Reading
from ocr.serving.budget import Budget
from ocr.serving.documents import DocumentReader, Patience, Upload
from ocr.serving.job_worker import JobWorker
from ocr.serving.jobs import Jobs
from ocr.serving.keys import KeyRing
from ocr.serving.problems import Problem
from ocr.serving.results import nothing_read
from ocr.serving.settings import Offered, Settings
from ocr.serving.telemetry import Telemetry, log, timer

# Pages of a job in a batch: the rest of its places are for requests that somebody waits for.
_JOB_WINDOW = 2
_T = TypeVar("_T")


class Service:
    """Engine, batcher, jobs and what bounds them."""

    def __init__(self, settings: Settings, jobs: Jobs) -> None:
        """Check keys and models; raises ServiceError, BundleError."""
        self.settings = settings
        self.jobs = jobs
        self.limits = settings.limits
        self.offered = Offered(settings.models)
        self.keys = KeyRing(settings.keys) if settings.keys else None
        self.telemetry = Telemetry()
        self.engine = shared_engine(settings.threads)
        self.bodies = Budget(self.limits.bodies_bytes)
        self.requests = Budget(self.limits.requests)
        self.pixels = Budget(max(self.limits.pages_pixels, self.limits.page_pixels))
        self.is_ready = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything that works in the background, for the length of a block; at its end nothing accepted is lost."""
        # Decoding needs threads of its own, as many as requests may be under way.
        self.threads = ThreadPoolExecutor(self.limits.requests, thread_name_prefix="request")
        self.batcher = Batcher(
            self.engine, self.settings.batching, more=self._about_to_send, observe=self.telemetry.batch
        )
        self.reader = self._reader(self.settings.batching.pages)
        self.worker = JobWorker(self.jobs, self._reader(_JOB_WINDOW), self.offered, self.limits, self.telemetry)
        self.telemetry.watch("ocr_queued_pages", "Pages that wait for the engine", self.batcher.depth)
        self.telemetry.watch("ocr_open_requests", "Requests being read", lambda: self.requests.used)
        self.telemetry.watch("ocr_waiting_jobs", "Jobs queued or being read", self.jobs.waiting)
        self.telemetry.watch("ocr_model_loads", "Bundles loaded since the start", lambda: self.engine.loads)
        self._warming = threading.Thread(target=self._warm_up, name="warm-up", daemon=True)
        self._warming.start()
        try:
            yield
        finally:
            self.is_ready = False
            await asyncio.to_thread(self._end)
            log("stopped")

    async def read(self, request: Request, upload: Upload, how: Reading) -> Document:
        """Read an upload within the limits of a request; raises Problem."""
        if not self.requests.take(1):
            raise self.busy()
        try:
            return await self._in_thread(request, lambda patience: self._read(upload, how, patience))
        finally:
            self.requests.give(1)

    def busy(self) -> Problem:
        """What to say when every place is taken: in how many seconds one should be free."""
        seconds = round(min(60.0, max(1.0, self.telemetry.page_seconds * self.requests.used)))
        detail = f"{self.limits.requests} requests are being read; try again in {seconds} s"
        return Problem("busy", detail, retry_after=seconds)

    def _read(self, upload: Upload, how: Reading, patience: Patience) -> Document:
        self.reader.count_pages(upload, self.limits.pages)
        pages = list(self.reader.read(upload, how, patience))
        failed = [page for page in pages if isinstance(page, FailedPage)]
        self.telemetry.pages.labels("read").inc(len(pages) - len(failed))
        self.telemetry.pages.labels("failed").inc(len(failed))
        if len(failed) == len(pages):
            raise nothing_read(failed)
        return Document(pages=pages)

    async def _in_thread(self, request: Request, work: Callable[[Patience], _T]) -> _T:
        """Run ``work`` in a thread, told to give up when the client goes away."""
        gone = threading.Event()
        patience = Patience(time.monotonic() + self.limits.read_seconds, gone.is_set)
        task = asyncio.get_running_loop().run_in_executor(self.threads, work, patience)
        watch = asyncio.ensure_future(_disconnected(request))
        try:
            await asyncio.wait((task, watch), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                gone.set()
            return await task
        finally:
            gone.set()
            watch.cancel()

    def _reader(self, window: int) -> DocumentReader:
        return DocumentReader(self.batcher, self.pixels, page_pixels=self.limits.page_pixels, window=window)

    def _about_to_send(self) -> int:
        return self.requests.used - self.batcher.depth()

    def _warm_up(self) -> None:
        seconds = timer()
        self.engine.warm_up()
        self.worker.start()
        self.is_ready = True
        log("ready", seconds=round(seconds(), 3))

    def _end(self) -> None:
        self._warming.join()  # a process that exits while a model is loaded is aborted, and jobs may begin only now
        self.worker.stop()
        self.threads.shutdown()
        self.batcher.close()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
