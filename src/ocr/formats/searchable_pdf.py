"""Searchable PDF: each page its image, and over it the text, invisible, where it stands."""

import io
import math
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ocr.fonts.find import covers, font_path
from ocr.formats.page import Line, Page
from ocr.formats.words import words
from ocr.geometry.quad import quad_size
from ocr.images.jpeg import fit_jpeg
from ocr.optional import safe_import
from ocr.text.xml_text import clean

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

_POINTS_PER_INCH = 72
_MAX_POINTS = 14_400  # no side of a PDF page may be longer
_INVISIBLE = 3  # text rendering mode
_SIZE = 0.8  # size of the font as a share of the height of a line
JPEG_QUALITY = 90


Scan = NDArray[np.uint8] | bytes
"""The image of a page: RGB uint8 (H,W,3), or what `encode` made of it."""


def write(pages: Iterable[tuple[Page, Scan]], *, dpi: float = 200) -> bytes:
    """A PDF of pages and their images, which are stored as JPEG.

    A page is as large as its image at ``dpi`` dots an inch, or as large as a PDF page may be. Images are taken one by
    one: an iterator that encodes or loads each as it is asked for needs the memory of one, and of the PDF.
    """
    canvas_module = safe_import("reportlab.pdfgen.canvas")
    out = io.BytesIO()
    canvas = canvas_module.Canvas(out, pageCompression=1, invariant=1)
    canvas.setCreator("receipt-ocr")
    canvas.setAuthor("")
    canvas.setTitle("")
    for page, image in pages:
        scale = min(_POINTS_PER_INCH / dpi, _MAX_POINTS / max(page.image.width, page.image.height))
        width, height = page.image.width * scale, page.image.height * scale
        canvas.setPageSize((width, height))
        jpeg = io.BytesIO(image if isinstance(image, bytes) else encode(image))
        canvas.drawImage(safe_import("reportlab.lib.utils").ImageReader(jpeg), 0, 0, width, height)
        for line in page.lines:
            _text(canvas, line, scale, height)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def encode(image: NDArray[np.uint8]) -> bytes:
    """The JPEG that stands for an image RGB uint8 (H,W,3) in the PDF; a smaller one of what is too long for a JPEG."""
    data = io.BytesIO()
    safe_import("PIL.Image").fromarray(fit_jpeg(image)).save(data, "JPEG", quality=JPEG_QUALITY)
    return data.getvalue()


def _text(canvas: "Canvas", line: Line, scale: float, page_height: float) -> None:
    """Set the line's words along the bottom edges of their quads, each stretched to its length."""
    found = words(line)
    font = _font(clean(line.text))
    for index, word in enumerate(found):
        text = clean(word.text)
        width, height = (side * scale for side in quad_size(word.quad))
        size = max(1.0, _SIZE * height)
        natural = canvas.stringWidth(text, font, size)
        if not text or width <= 0 or natural <= 0:
            continue
        right, left = word.quad[2].astype(float), word.quad[3].astype(float)
        angle = math.atan2(left[1] - right[1], right[0] - left[0])  # y points up in a PDF
        up = (1 - _SIZE) * height
        x, y = left[0] * scale - up * math.sin(angle), page_height - left[1] * scale + up * math.cos(angle)
        written = canvas.beginText()
        written.setTextRenderMode(_INVISIBLE)
        written.setFont(font, size)
        written.setHorizScale(100 * width / natural)
        written.setTextTransform(math.cos(angle), math.sin(angle), -math.sin(angle), math.cos(angle), x, y)
        written.textOut(text if index + 1 == len(found) else f"{text} ")
        canvas.drawText(written)


def _font(text: str) -> str:
    """Name of a font that has the text; characters that no shipped font has can be found in it all the same."""
    return _registered("sans" if covers("sans", text) else "hangul" if covers("hangul", text) else "hangul-all")


@cache
def _registered(name: str) -> str:
    fonts = safe_import("reportlab.pdfbase.ttfonts")
    safe_import("reportlab.pdfbase.pdfmetrics").registerFont(fonts.TTFont(name, str(font_path(name))))
    return name
