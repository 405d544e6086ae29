"""A receipt of an invented shop, and a way to write others."""

from collections.abc import Callable

import pytest

from ocr.formats.page import ImageInfo, Line, ModelInfo, Models, Page

MODELS = Models(detector=ModelInfo(name="d", sha256="0" * 64), recognizer=ModelInfo(name="r", sha256="1" * 64))
Rows = list[str]

RECEIPT = [
    "NASI BERLIAN MAJU SDN BHD",
    "(1234567-K)",
    "NO. 12, JALAN MERANTI 3/4,",
    "TAMAN MERANTI JAYA,",
    "47100 PUCHONG, SELANGOR",
    "TEL: 03-5550 1234",
    "TAX INVOICE",
    "INVOICE NO: 00412",
    "DATE: 14/02/2018 | TIME: 12:31 PM",
    "DESCRIPTION | QTY | AMOUNT",
    "NASI LEMAK | 2 X | 4.50 | 9.00",
    "TEH TARIK | 1 X | 1.80 | 1.80",
    "SUBTOTAL | 10.80",
    "GST 6% | 0.65",
    "ROUNDING | 0.00",
    "TOTAL | RM 11.45",
    "CASH | 20.00",
    "CHANGE | 8.55",
    "THANK YOU, PLEASE COME AGAIN",
]


def write_page(rows: Rows) -> Page:
    """A page with a line for each part of a row, parted by ``|``."""
    lines = []
    for number, row in enumerate(rows):
        parts = [part.strip() for part in row.split(" | ")]
        x = 20.0 if len(parts) > 1 or number > 6 else 100.0
        for part in parts:
            right, top = x + 9 * len(part), 20.0 + 30 * number
            polygon = [(x, top), (right, top), (right, top + 20), (x, top + 20)]
            lines.append(Line(polygon=polygon, text=part, confidence=0.98, detection_score=0.9))
            x = right + 20
    image = ImageInfo(source="shop.jpg", width=500, height=40 + 30 * len(rows))
    return Page(image=image, lines=lines, timings_ms={}, models=MODELS)


@pytest.fixture(scope="session")
def make() -> Callable[[Rows], Page]:
    return write_page


@pytest.fixture
def rows() -> Rows:
    """Rows of the receipt, to be changed."""
    return list(RECEIPT)
