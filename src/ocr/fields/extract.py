"""From the lines of a page to the fields of a receipt.

from ocr.fields.extract import extract

receipt = extract(page)      # page: ocr.formats.page.Page; receipt: ocr.fields.receipt.Receipt
"""

from collections.abc import Iterable
from datetime import date

from ocr.fields.checks import doubts
from ocr.fields.classifier import Classifier, shipped
from ocr.fields.dating import sale_date
from ocr.fields.items import line_items
from ocr.fields.money import subtotal, tax, total
from ocr.fields.parties import parties
from ocr.fields.receipt import Receipt, TextField
from ocr.fields.spelling import Spelling, shipped_spelling
from ocr.formats.page import Page
from ocr.formats.words import upright


def extract(
    page: Page,
    *,
    today: date | None = None,
    models: tuple[Classifier, Classifier] | None = None,
    words: Iterable[str] | None = None,
) -> Receipt:
    """Return the fields of a page.

    Args:
        page: what was read.
        today: a later date is doubtful.
        models: of lines and of totals; the shipped ones by default.
        words: what names and addresses are spelt with; the shipped ones by default.
    """
    image, page = page.image, upright(page)
    lines, totals = models or (shipped("lines"), shipped("totals"))
    merchant, address = parties(page, lines, shipped_spelling() if words is None else Spelling(words))
    when = sale_date(page)
    amount, found = total(page, totals)
    before = subtotal(page, found)
    taxed = tax(page, found, None if amount is None else round(100 * amount.value))
    items = line_items(page)
    named: dict[str, TextField | None] = {
        "merchant": merchant,
        "date": when,
        "address": address,
        "total": amount,
        "subtotal": before,
        "tax": taxed,
    }
    return Receipt(
        image=image,
        merchant=merchant,
        date=when,
        address=address,
        total=amount,
        subtotal=before,
        tax=taxed,
        items=items,
        doubts=doubts(named, items, found, today=today or date.today()),
    )
