"""PDFs rendered in a process of their own: a page that takes too long, or takes PDFium down, is that page's failure.

PDFium renders one page at a time in a process, and cannot be stopped: a file of two kilobytes can keep it busy for
hours. Processes are kept for the next document.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocr.errors import DocumentError
from ocr.formats.pdf_pages import DPI
from ocr.images.load import MAX_PIXELS
from ocr.optional import safe_import

# A page of an office or a scanner takes a fifth of a second, a dense map a few.
PAGE_SECONDS = 20.0
# Processes that wait for the next document; more run where more documents are open at once.
_KEPT = 2
_idle: list["_Child"] = []
_lock = threading.Lock()


@contextmanager
def open_pdf_apart(data: bytes, *, name: str, page_seconds: float = PAGE_SECONDS) -> Iterator["PdfPagesApart"]:
    """Open a PDF for the length of a block. Raises DocumentError as ``open_pdf`` does, and when that takes too long."""
    safe_import("pypdfium2")
    pages = PdfPagesApart(data, name, page_seconds)
    try:
        yield pages
    finally:
        pages.close()


class PdfPagesApart:
    """The pages of an open PDF, rendered one at a time by another process."""

    def __init__(self, data: bytes, name: str, page_seconds: float) -> None:
        """Open the document; use ``open_pdf_apart``."""
        self._data, self._name, self._seconds = data, name, page_seconds
        self._child: _Child | None = None
        self._pages = self._open(name)

    def __len__(self) -> int:
        return self._pages

    def render(self, index: int, *, dpi: int = DPI, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
        """Render page ``index`` (from 0) as RGB uint8 (H,W,3), rotated as the document says.

        Raises DocumentError when the page is damaged, too slow, or larger than ``max_pixels`` at ``dpi``.
        """
        where = f"{self._name} page {index + 1}"
        if self._child is None:  # the page before took it down
            self._open(where)
        answer, pixels = self._ask(where, {"page": index, "dpi": dpi, "max_pixels": max_pixels})
        return np.frombuffer(bytearray(pixels), np.uint8).reshape(answer["shape"])  # writable, as others are

    def close(self) -> None:
        """Give the process back; the next document it opens takes the place of this one."""
        child, self._child = self._child, None
        if child is None:
            return
        with _lock:
            if len(_idle) < _KEPT:
                _idle.append(child)
                return
        child.end()

    def _open(self, where: str) -> int:
        self._child = _take() or _Child()
        try:
            answer, _ = self._ask(where, {"name": self._name}, self._data)
        except DocumentError:
            self.close()
            raise
        return int(answer["pages"])

    def _ask(self, where: str, request: dict[str, Any], data: bytes = b"") -> tuple[dict[str, Any], bytes]:
        assert self._child is not None
        found = self._child.ask(request, data, self._seconds)
        if found is None:
            late, self._child = self._child.late, None
            reason = f"takes more than {self._seconds:g} s to render" if late else "makes the PDF library fail"
            raise DocumentError(where, reason, "print it to a new PDF, or send an image of it")
        answer, body = found
        if "error" in answer:
            raise DocumentError(*answer["error"])
        return answer, body


def _take() -> "_Child | None":
    """A process that waits, if one does; those that have died meanwhile are forgotten."""
    with _lock:
        while _idle:
            child = _idle.pop()
            if child.is_alive():
                return child
    return None


class _Child:
    """A running `ocr.formats.pdf_child`."""

    def __init__(self) -> None:
        # A session of its own: Ctrl-C is for the parent, which may still have pages to finish.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ocr.formats.pdf_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.late = False

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def ask(self, request: dict[str, Any], data: bytes, seconds: float) -> tuple[dict[str, Any], bytes] | None:
        """Send a request and return its answer and bytes; None when the process died of it, or was killed as late."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        timer = threading.Timer(seconds, self._kill_late)
        timer.start()
        try:
            self._process.stdin.write(json.dumps(request | {"bytes": len(data)}).encode() + b"\n" + data)
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline() or b"null")
            body = self._process.stdout.read(answer["bytes"]) if answer else b""
        except BrokenPipeError:
            answer, body = None, b""
        finally:
            timer.cancel()
        if answer is None or len(body) != answer["bytes"]:
            self.end()
            return None
        return answer, body

    def end(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.communicate()

    def _kill_late(self) -> None:
        self.late = True
        self._process.kill()
