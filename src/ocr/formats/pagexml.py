"""PAGE-XML, version 2019-07-15 (PRImA): one page a document, its lines in one text region."""

from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree

import numpy as np

import ocr
from ocr.errors import ConfigError
from ocr.formats.page import Line, Page
from ocr.formats.words import Box, box, line_quad, words
from ocr.text.xml_text import child, document

NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"


def write(pages: Sequence[Page]) -> bytes:
    """A PAGE-XML document; raises ConfigError unless there is exactly one page, as the format holds no more."""
    if len(pages) != 1:
        raise ConfigError(
            f"PAGE-XML holds one page a file, and there are {len(pages)}; write each to a file of its own"
        )
    (page,) = pages
    root = ElementTree.Element("PcGts", {"xmlns": NAMESPACE})
    metadata = child(root, "Metadata")
    child(metadata, "Creator", f"receipt-ocr {ocr.__version__}")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    child(metadata, "Created", now)
    child(metadata, "LastChange", now)
    image = page.image
    element = child(root, "Page", imageFilename=image.source, imageWidth=image.width, imageHeight=image.height)
    if page.lines:
        region = child(element, "TextRegion", id="region_1")
        boxes = [box(line_quad(line), image.width, image.height) for line in page.lines]
        around = Box(*np.min([one[:2] for one in boxes], axis=0), *np.max([one[2:] for one in boxes], axis=0))
        corners = [(around[x], around[y]) for x, y in ((0, 1), (2, 1), (2, 3), (0, 3))]
        child(region, "Coords", points=_points(corners, page))
        for index, line in enumerate(page.lines, start=1):
            _line(region, f"line_{index}", line, page)
        child(child(region, "TextEquiv"), "Unicode", page.text)
    return document(root)


def _line(region: ElementTree.Element, name: str, line: Line, page: Page) -> None:
    element = child(region, "TextLine", id=name)
    child(element, "Coords", points=_points(line.polygon, page))
    *_, bottom_right, bottom_left = line_quad(line).tolist()
    child(element, "Baseline", points=_points([bottom_left, bottom_right], page))
    confidence = f"{line.confidence:.4f}"
    for index, one in enumerate(words(line), start=1):
        word = child(element, "Word", id=f"{name}_word_{index}")
        child(word, "Coords", points=_points(one.quad.tolist(), page))
        child(child(word, "TextEquiv", conf=confidence), "Unicode", one.text)
    child(child(element, "TextEquiv", conf=confidence), "Unicode", line.text)


def _points(polygon: Sequence[Sequence[float]], page: Page) -> str:
    """Whole pixels inside the image, as the format asks."""
    limits = page.image.width - 1, page.image.height - 1
    clipped = (
        [min(max(round(value), 0), limit) for value, limit in zip(point, limits, strict=True)] for point in polygon
    )
    return " ".join(f"{x},{y}" for x, y in clipped)
