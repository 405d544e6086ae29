"""hOCR 1.2: XHTML with the place of pages, lines and words in ``title`` attributes."""

from collections.abc import Sequence
from xml.etree import ElementTree

import numpy as np

import ocr
from ocr.formats.page import Line, Page
from ocr.formats.words import Box, box, line_quad, words
from ocr.text.xml_text import child, document

_DOCTYPE = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'


def write(pages: Sequence[Page]) -> bytes:
    """One hOCR document of all pages; confidences of words are those of their lines."""
    root = ElementTree.Element("html", {"xmlns": "http://www.w3.org/1999/xhtml"})
    head = child(root, "head")
    child(head, "title", " ".join(dict.fromkeys(page.image.source for page in pages)))
    child(head, "meta", **{"http-equiv": "Content-Type", "content": "text/html; charset=utf-8"})
    child(head, "meta", name="ocr-system", content=f"receipt-ocr {ocr.__version__}")
    child(head, "meta", name="ocr-number-of-pages", content=len(pages))
    child(head, "meta", name="ocr-capabilities", content="ocr_page ocr_carea ocr_line ocrx_word")
    body = child(root, "body")
    for number, page in enumerate(pages, start=1):
        _page(body, number, page)
    return document(root, doctype=_DOCTYPE)


def _page(body: ElementTree.Element, number: int, page: Page) -> None:
    image = page.image
    title = f"image {_quoted(image.source)}; bbox 0 0 {image.width} {image.height}; ppageno {image.page - 1}"
    division = child(body, "div", class_="ocr_page", id=f"page_{number}", title=title)
    if not page.lines:
        return
    boxes = [box(line_quad(line), image.width, image.height) for line in page.lines]
    all_lines = Box(*np.min([b[:2] for b in boxes], axis=0), *np.max([b[2:] for b in boxes], axis=0))
    area = child(division, "div", class_="ocr_carea", id=f"area_{number}", title=_bbox(all_lines))
    for index, (line, where) in enumerate(zip(page.lines, boxes, strict=True), start=1):
        _line(area, f"{number}_{index}", line, where, page)


def _line(area: ElementTree.Element, name: str, line: Line, where: Box, page: Page) -> None:
    title = f"{_bbox(where)}; baseline {_baseline(line, where)}"
    span = child(area, "span", class_="ocr_line", id=f"line_{name}", title=title)
    for index, word in enumerate(words(line), start=1):
        bbox = _bbox(box(word.quad, page.image.width, page.image.height))
        title = f"{bbox}; x_wconf {round(100 * line.confidence)}"
        child(span, "span", word.text, class_="ocrx_word", id=f"word_{name}_{index}", title=title)


def _bbox(where: Box) -> str:
    return "bbox {} {} {} {}".format(*where)


def _baseline(line: Line, where: Box) -> str:
    """Slope and offset of the bottom edge, from the bottom left of the box."""
    *_, (right, right_y), (left, left_y) = line_quad(line).tolist()
    slope = (right_y - left_y) / (right - left) if abs(right - left) > abs(right_y - left_y) else 0.0
    offset = left_y + slope * (where.x_min - left) - where.y_max if slope else 0.0
    return f"{round(slope, 4) or 0:g} {round(offset)}"


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
