"""Pages of PDF documents as images; how much each would take is checked before it is rendered."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocr.errors import DocumentError
from ocr.images.load import MAX_PIXELS, MIN_SIDE
from ocr.optional import safe_import

DPI = 200
_POINTS_PER_INCH = 72
_PASSWORD = 4  # FPDF_ERR_PASSWORD
_PDFIUM = threading.RLock()  # PDFium itself may be called from one thread at a time


@contextmanager
def open_pdf(source: Path | bytes, *, name: str | None = None) -> Iterator["PdfPages"]:
    """Open a PDF for the length of a block. Raises DocumentError: not there, damaged, encrypted or without pages."""
    pdfium = safe_import("pypdfium2")
    name = name or ("document" if isinstance(source, bytes) else str(source))
    try:
        with _PDFIUM:
            document = pdfium.PdfDocument(source)
    except FileNotFoundError as error:
        raise DocumentError(name, "no such file", "check the path") from error
    except (pdfium.PdfiumError, OSError) as error:
        if getattr(error, "err_code", None) == _PASSWORD:
            raise DocumentError(name, "is protected by a password", "save a copy without one") from error
        raise DocumentError(name, "is not a whole PDF, or has no pages", "copy or export it again") from error
    try:
        yield PdfPages(document, name)
    finally:
        with _PDFIUM:
            document.close()


class PdfPages:
    """The pages of an open PDF, rendered one at a time."""

    def __init__(self, document: Any, name: str) -> None:
        """Wrap an open pypdfium2 document; use ``open_pdf``."""
        self._document = document
        self._name = name

    def __len__(self) -> int:
        return len(self._document)

    def render(self, index: int, *, dpi: int = DPI, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
        """Render page ``index`` (from 0) as RGB uint8 (H,W,3), rotated as the document says.

        Raises DocumentError when the page is damaged or would be larger than ``max_pixels`` at ``dpi``.
        """
        with _PDFIUM:
            return self._render(f"{self._name} page {index + 1}", index, dpi, max_pixels)

    def _render(self, where: str, index: int, dpi: int, max_pixels: int) -> NDArray[np.uint8]:
        pdfium = safe_import("pypdfium2")
        try:
            page = self._document[index]
        except pdfium.PdfiumError as error:
            raise DocumentError(where, f"cannot be opened ({error})", "export the document again") from error
        try:
            _check_size(where, page.get_size(), dpi, max_pixels)
            return _rgb(page.render(scale=dpi / _POINTS_PER_INCH, rev_byteorder=True))
        except pdfium.PdfiumError as error:
            raise DocumentError(where, f"cannot be rendered ({error})", "export the document again") from error
        finally:
            page.close()


def _check_size(where: str, points: tuple[float, float], dpi: int, max_pixels: int) -> None:
    width, height = (side * dpi / _POINTS_PER_INCH for side in points)
    if not width * height <= max_pixels:  # the sizes come from the file: they may be infinite or no numbers
        reason = f"would be {width:.0f} x {height:.0f} pixels at {dpi} dpi, above {max_pixels / 1e6:.0f} million"
        fitting = int(dpi * (max_pixels / (width * height)) ** 0.5)
        raise DocumentError(where, reason, f"give at most --dpi {fitting}" if fitting > 0 else "its page size is wrong")
    if not min(width, height) >= MIN_SIDE:
        raise DocumentError(where, f"is {width:.1f} x {height:.1f} pixels at {dpi} dpi", "give a higher --dpi")


def _rgb(bitmap: Any) -> NDArray[np.uint8]:
    pixels = bitmap.to_numpy()
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    copy = np.array(pixels[:, :, :3], dtype=np.uint8, order="C")  # the bitmap's memory goes with it
    bitmap.close()
    return copy
