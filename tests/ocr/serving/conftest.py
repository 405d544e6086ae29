"""A service inside the test, and services in processes of their own."""

import io
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr.fonts.find import font_names, font_path
from ocr.serving.app import create_app
from ocr.serving.jobs import open_jobs
from ocr.serving.settings import Limits, Settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it would like another HTTP client
    from starlette.testclient import TestClient


def draw_line(text: str = "TOTAL 9.00", size: tuple[int, int] = (320, 96), kind: str = "PNG") -> bytes:
    """A page with one printed line."""
    image = Image.new("RGB", size, "white")
    font = ImageFont.truetype(str(font_path(font_names()[0])), 32)
    ImageDraw.Draw(image).text((16, 24), text, fill="black", font=font)
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def draw_document(pages: int, kind: str = "PDF") -> bytes:
    """A PDF or TIFF with a line on each page."""
    images = [Image.open(io.BytesIO(draw_line(f"PAGE {number}"))) for number in range(1, pages + 1)]
    stream = io.BytesIO()
    today = time.gmtime(0)  # the same bytes whenever it is made
    options = {"resolution": 100, "creationDate": today, "modDate": today} if kind == "PDF" else {}
    images[0].save(stream, kind, save_all=True, append_images=images[1:], **options)
    return stream.getvalue()


@pytest.fixture(scope="session")
def line() -> bytes:
    return draw_line()


@pytest.fixture(scope="session")
def picture() -> Callable[..., bytes]:
    return draw_line


@pytest.fixture(scope="session")
def document() -> Callable[..., bytes]:
    return draw_document


@pytest.fixture(scope="session")
def eventually() -> Callable[..., None]:
    return wait_until


@pytest.fixture(scope="session")
def small() -> bytes:
    """A blank page of 16 x 16 pixels: as little work as there is."""
    stream = io.BytesIO()
    Image.fromarray(np.full((16, 16, 3), 255, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def make_client(tmp_path: Path) -> Iterator[Callable[..., TestClient]]:
    """Start a service with other limits or settings; it is ready when this returns."""
    opened = ExitStack()

    def make(*, work: str = "work", limits: dict[str, Any] | None = None, **settings: Any) -> TestClient:
        chosen = Settings(work=tmp_path / work, limits=replace(Limits(), **(limits or {})), **settings)
        jobs = opened.enter_context(open_jobs(chosen.work))
        client = opened.enter_context(TestClient(create_app(chosen, jobs)))
        wait_until(lambda: client.get("/readyz").status_code == 200)
        return client

    with opened:
        yield make


@pytest.fixture
def client(make_client: Callable[..., TestClient]) -> TestClient:
    return make_client()


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for something to come true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


class Server:
    """`ocr serve` in a process of its own; what it logs is kept."""

    def __init__(self, work: Path, *arguments: str) -> None:
        self.work = work
        command = [sys.executable, "-m", "ocr.cli.main", "serve", "--port", "0", "--work", str(work), *arguments]
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=work.parent, env=dict(os.environ)
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        wait_until(lambda: self.logged("ready") or self.process.poll() is not None, 120)
        assert self.process.poll() is None, "\n".join(self.lines)
        self.url = self.logged("listening")[0]["url"]

    def _read(self) -> None:
        assert self.process.stderr is not None
        for text in self.process.stderr:
            self.lines.append(text)

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Lines of one event."""
        entries = [json.loads(text) for text in list(self.lines) if text.startswith("{")]
        return [entry for entry in entries if entry["event"] == event]

    def client(self, **options: Any) -> httpx.Client:
        """A client of this service."""
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False, **options)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(60)
        self._reader.join(10)
        return code


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start a real service in `tmp_path/work`."""
    started: list[Server] = []

    def begin(*arguments: str) -> Server:
        server = Server(tmp_path / "work", *arguments)
        started.append(server)
        return server

    yield begin
    for server in started:
        if server.process.poll() is None:
            server.end(signal.SIGKILL)
        assert server.process.stdout is not None
        assert server.process.stderr is not None
        server.process.stdout.close()
        server.process.stderr.close()


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A service inside the test sends its lines to a stderr that ends with the test."""
    loggers = [logging.getLogger(name) for name in ("ocr.serving", "uvicorn.error")]
    before = [(list(logger.handlers), logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)
