"""Small printed pages, and batches in processes of their own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr.fonts.find import font_names, font_path


def draw(path: Path, text: str) -> Path:
    """A page with one printed line."""
    image = Image.new("RGB", (320, 96), "white")
    ImageDraw.Draw(image).text(
        (16, 24), text, fill="black", font=ImageFont.truetype(str(font_path(font_names()[0])), 32)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


@pytest.fixture(scope="session")
def draw_page() -> Callable[[Path, str], Path]:
    return draw


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Thirty numbered pages in a folder."""
    for number in range(30):
        draw(tmp_path / f"scans/{number:02}.png", f"PAGE {number + 10}")  # no digit by itself: 0 could be read as O
    return tmp_path / "scans"


def arguments(*given: object) -> list[str]:
    """The command line of a batch."""
    return [sys.executable, "-m", "ocr.cli.main", "batch", *map(str, given)]


@pytest.fixture(scope="session")
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a batch to its end; it is ended after some minutes rather than waited for."""

    def batch(*given: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(arguments(*given), capture_output=True, text=True, timeout=480, cwd=cwd)

    return batch


@pytest.fixture
def begin() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Begin a batch; whatever is left of it ends with the test."""
    begun: list[subprocess.Popen[str]] = []

    def batch(*given: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            arguments(*given), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        begun.append(process)
        return process

    yield batch
    for process in begun:
        if process.poll() is None:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            os.kill(process.pid, signal.SIGKILL)
        process.communicate()


def rows_of(out: Path) -> list[dict[str, Any]]:
    """The pages of a batch in JSON lines, in the order of its parts."""
    return [json.loads(line) for part in sorted(out.glob("part-*.jsonl")) for line in part.read_text().splitlines()]


@pytest.fixture(scope="session")
def rows() -> Callable[[Path], list[dict[str, Any]]]:
    return rows_of
