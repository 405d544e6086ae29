"""The thread that reads jobs, page by page, so that a restart goes on where the last one stopped."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from ocr.schema import to_json
from ocr.serving.documents import DocumentReader, Patience, Upload
from ocr.serving.jobs import Job, Jobs
from ocr.serving.options import ReadOptions, reading
from ocr.serving.problems import Problem
from ocr.serving.settings import Limits, Offered
from ocr.serving.telemetry import Telemetry, log

_SWEEP_SECONDS = 600.0
_FOR_EVER = 1e12


class JobWorker:
    """Reads one job after the other until it is stopped."""

    def __init__(
        self, jobs: Jobs, reader: DocumentReader, offered: Offered, limits: Limits, telemetry: Telemetry
    ) -> None:
        self._jobs = jobs
        self._reader = reader
        self._offered = offered
        self._limits = limits
        self._telemetry = telemetry
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._swept = 0.0
        # An executor keeps whatever a job raised: one that breaks must not end the thread.
        self._runner = ThreadPoolExecutor(1, thread_name_prefix="job")
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)

    def start(self) -> None:
        """Queue again what was interrupted, and begin."""
        recovered = self._jobs.recover()
        if recovered:
            log("jobs_recovered", jobs=recovered)
        self._thread.start()

    def wake(self) -> None:
        """Say that a job was added."""
        self._wake.set()

    def stop(self) -> None:
        """Stop after the pages under way; the job is queued again with what was read of it. It may not have begun."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._runner.shutdown()

    def _run(self) -> None:
        while not self._stop.is_set():
            if time.monotonic() - self._swept > _SWEEP_SECONDS:
                self._swept = time.monotonic()
                self._jobs.sweep(self._limits.job_hours * 3600)
            job = self._jobs.claim()
            if job is None:
                self._wake.wait(_SWEEP_SECONDS)
                self._wake.clear()
            elif job.attempts > self._limits.job_attempts:
                reason = f"reading it ended the service {self._limits.job_attempts} times, at page {job.pages_done + 1}"
                self._jobs.finish(job.id, f"{reason}; split the document and leave that page out")
            else:
                self._finish(job)

    def _finish(self, job: Job) -> None:
        outcome = self._runner.submit(self._read, job)
        error = outcome.exception()
        if isinstance(error, Problem) and error.code == "interrupted":
            self._jobs.release(job.id)
        elif error is not None:
            detail = error.detail if isinstance(error, Problem) else f"the engine failed ({type(error).__name__})"
            self._jobs.finish(job.id, detail)
            log("job_failed", job=job.id, error=type(error).__name__)
        elif outcome.result():
            self._jobs.finish(job.id)
            log("job_done", job=job.id, pages=job.pages_total)

    def _read(self, job: Job) -> bool:
        """Read the pages of a job that are not there yet; False when it was deleted meanwhile."""
        data = self._jobs.file(job.id)
        if data is None:
            return False
        options = ReadOptions.model_validate(json.loads(job.options))
        patience = Patience(_FOR_EVER, self._stop.is_set)
        upload = Upload(data, job.name, options.dpi)
        pages = self._reader.read(upload, reading(options, self._offered), patience, skip=job.pages_done)
        for number, page in enumerate(pages, start=job.pages_done + 1):
            self._telemetry.pages.labels("failed" if hasattr(page, "error") else "read").inc()
            if not self._jobs.put_page(job.id, number, to_json(page)):
                return False
        return True
