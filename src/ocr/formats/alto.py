"""ALTO 4: pages of text lines with strings, in pixels (the schema of the Library of Congress, version 4.4)."""

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

import ocr
from ocr.formats.page import Line, Page
from ocr.formats.words import Box, box, line_quad, words
from ocr.text.xml_text import child, document

NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"
SCHEMA = f"{NAMESPACE} http://www.loc.gov/standards/alto/v4/alto-4-4.xsd"


def write(pages: Sequence[Page]) -> bytes:
    """One ALTO document of all pages; WC of a string is its line's."""
    root = ElementTree.Element(
        "alto",
        {
            "xmlns": NAMESPACE,
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:schemaLocation": SCHEMA,
            "SCHEMAVERSION": "4.4",
        },
    )
    description = child(root, "Description")
    child(description, "MeasurementUnit", "pixel")
    sources = list(dict.fromkeys(page.image.source for page in pages))
    if len(sources) == 1:  # the schema has room for one
        child(child(description, "sourceImageInformation"), "fileName", sources[0])
    for number, name in enumerate(dict.fromkeys(_models(page) for page in pages), start=1):
        step = child(description, "Processing", ID=f"reading_{number}")
        child(step, "processingCategory", "contentGeneration")
        child(step, "processingStepSettings", name)
        software = child(step, "processingSoftware")
        child(software, "softwareName", "receipt-ocr")
        child(software, "softwareVersion", ocr.__version__)
    layout = child(root, "Layout")
    for number, page in enumerate(pages, start=1):
        _page(layout, number, page)
    return document(root)


def _models(page: Page) -> str:
    models = page.models
    return ", ".join(f"{model.name} {model.sha256}" for model in (models.detector, models.recognizer))


def _page(layout: ElementTree.Element, number: int, page: Page) -> None:
    size: dict[str, Any] = {"WIDTH": page.image.width, "HEIGHT": page.image.height}
    element = child(layout, "Page", ID=f"page_{number}", PHYSICAL_IMG_NR=page.image.page, **size)
    space = child(element, "PrintSpace", HPOS=0, VPOS=0, **size)
    if not page.lines:
        return
    boxes = [box(line_quad(line), page.image.width, page.image.height) for line in page.lines]
    around = Box(*np.min([one[:2] for one in boxes], axis=0), *np.max([one[2:] for one in boxes], axis=0))
    block = child(space, "TextBlock", ID=f"block_{number}", **_place(around))
    for index, (line, where) in enumerate(zip(page.lines, boxes, strict=True), start=1):
        _line(block, f"{number}_{index}", line, where, page)


def _line(block: ElementTree.Element, name: str, line: Line, where: Box, page: Page) -> None:
    element = child(block, "TextLine", ID=f"line_{name}", **_place(where))
    child(child(element, "Shape"), "Polygon", POINTS=_points(np.array(line.polygon)))
    end: Box | None = None
    for index, word in enumerate(words(line), start=1):
        place = box(word.quad, page.image.width, page.image.height)
        if end is not None:
            child(element, "SP", HPOS=end.x_max, VPOS=where.y_min, WIDTH=max(0, place.x_min - end.x_max))
        confidence = f"{line.confidence:.4f}"
        child(element, "String", ID=f"string_{name}_{index}", CONTENT=word.text, WC=confidence, **_place(place))
        end = place


def _place(where: Box) -> dict[str, Any]:
    size = {"WIDTH": where.x_max - where.x_min, "HEIGHT": where.y_max - where.y_min}
    return {"HPOS": where.x_min, "VPOS": where.y_min} | size


def _points(polygon: NDArray[np.float64]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in polygon.round(2))
