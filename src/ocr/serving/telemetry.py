"""What a service says of itself: Prometheus metrics, and a JSON line per event on stderr, never with content."""

import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ocr.inference.memory import resident_bytes

LOGGER = logging.getLogger("ocr.serving")
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Telemetry:
    """The metrics of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "ocr_requests", "Requests by route and status", ("route", "method", "status"), registry=self.registry
        )
        self.latency = Histogram(
            "ocr_request_seconds", "Time to answer", ("route",), buckets=_SECONDS, registry=self.registry
        )
        self.refused = Counter("ocr_refused", "Requests refused, by code", ("code",), registry=self.registry)
        self.pages = Counter("ocr_pages", "Pages, by outcome", ("outcome",), registry=self.registry)
        self.batch_pages = Histogram(
            "ocr_batch_pages", "Pages in a batch", buckets=(1, 2, 4, 8, 16, 32), registry=self.registry
        )
        self.batch_seconds = Histogram(
            "ocr_batch_seconds", "Time to read a batch", buckets=_SECONDS, registry=self.registry
        )
        self._gauge("ocr_resident_bytes", "Physical memory of the process", resident_bytes)
        self.page_seconds = 0.5  # a running mean, to say when to try again

    def _gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        Gauge(name, text, registry=self.registry).set_function(value)

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Report a number that is asked for when metrics are."""
        self._gauge(name, text, value)

    def batch(self, pages: int, seconds: float) -> None:
        """Count a batch that was read."""
        self.batch_pages.observe(pages)
        self.batch_seconds.observe(seconds)
        self.page_seconds += 0.1 * (seconds / pages - self.page_seconds)

    def text(self) -> bytes:
        """Everything in Prometheus's text format."""
        return generate_latest(self.registry)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, event, and the record's ``fields``."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry = {"time": when, "level": record.levelname.lower(), "event": record.getMessage()}
        entry |= getattr(record, "fields", {})
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def set_up_logs() -> None:
    """Send our lines and the server's own warnings to stderr as JSON."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    for name, level in (("ocr.serving", logging.INFO), ("uvicorn.error", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False


def log(event: str, **fields: object) -> None:
    """Write one line."""
    LOGGER.info(event, extra={"fields": fields})


def timer() -> Callable[[], float]:
    """A clock that starts now: seconds since then."""
    start = time.perf_counter()
    return lambda: time.perf_counter() - start
