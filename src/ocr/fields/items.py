"""Line items of a receipt: rows between the heading and the total that end in an amount."""

import re
from collections.abc import Sequence

from ocr.fields.receipt import LineItem
from ocr.fields.values import Amount, amounts
from ocr.formats.page import Line, Page
from ocr.formats.words import rows
from ocr.text.normalize import case_free

_HEADING = re.compile(r"\b(?:QTY|DESCRIPTION|DESC|ITEM|PRICE|AMOUNT|U\.?P(?:RICE)?)\b")
_END = re.compile(r"T[O0]TAL|SUB ?TOTAL|AMOUNT DUE|JUMLAH|\bGST (?:SUMMARY|@)|\bROUNDING")
_PAYMENT = re.compile(r"\b(?:CASH|CHANGES?|ROUND(?:ED)?|BALANCE|VISA|PAYMENT)\b")
_BESIDE_PAYMENT = re.compile(
    r"\b(?:RM|MYR|ADJ\w*|OFF|UP|DOWN|CENT|AMT|AMOUNT|DUE|IN|TO|BY|BEFORE|AFTER|TENDER\w*|RECEIVED|PAID|RETURN\w*|GIVEN|BACK"
    r"|CARD|DEBIT|CREDIT|MASTER\w*|MODE|TYPE|DETAILS|CUSTOMER|S|BILL|SALES?|ITEM|COUNT|QTY)\b"
)
_NO_ITEM = re.compile(r"\bTEL\b|INVOICE|\bDATE\b|CASHIER|\bREG\b|\bTIME\b|DISCOUNT|\bGST ID\b")
_QUANTITY = re.compile(r"(?<![\d.,])(\d{1,4}(?:\.\d{1,3})?)\s*(?:X\b|PCS?\b|UNIT|EA\b|KG\b|@|\*)")
_NUMBER = re.compile(r"(?<![\d.,/-])\d{1,4}(?:\.\d{1,4})?(?![\d.,/-])")
_COUNT = re.compile(r"[\d.,@* ]*(?:X|PCS?|UNITS?|EA|KG)?[\d.,@* ]*")  # a quantity or an article number
_LARGEST = 10_000_00


def line_items(page: Page) -> list[LineItem]:
    """Return the items in order. A row with an amount and no name takes the name from the rows without amount above."""
    index = {id(line): number for number, line in enumerate(page.lines)}
    found: list[LineItem] = []
    name: list[Line] = []
    begun = False
    for row in rows(page.lines):
        text = case_free(" ".join(line.text for line in row))
        label, money = _money(row)
        if (_END.search(text) or _is_payment(label)) and (found or begun):
            break
        if _HEADING.search(text) and not money:
            begun, name = True, []
            continue
        if not money or _NO_ITEM.search(text):
            name = [*name, *row][-4:] if begun or found else row
            continue
        item = _item(row, name, index)
        if item is not None:
            found.append(item)
        name = []
    return found


def _is_payment(label: str) -> bool:
    """Whether a label speaks of payment alone: ROUND ADJ and BALANCE DUE, but not ROUND NECK TEE and NEW BALANCE."""
    rest = _PAYMENT.sub("", label)
    return rest != label and not re.search(r"[^\W\d_]", _BESIDE_PAYMENT.sub("", rest))


def _item(row: Sequence[Line], above: Sequence[Line], index: dict[int, int]) -> LineItem | None:
    text = case_free(" ".join(line.text for line in row))
    before, money = _money(row)
    value = money[-1].cents
    if abs(value) > _LARGEST:
        return None
    own = re.sub(r"[^A-Z]", "", re.sub(r"\b(?:X|RM|PCS?|EA|UNIT|SR|ZRL?|S|T)\b", "", before))
    named = [line for line in row if not amounts(line.text)] or list(row[:1]) if len(own) >= 3 else list(above)
    named = [line for line in named if not _COUNT.fullmatch(case_free(line.text).strip())]
    description = " ".join(_name(line.text) for line in named).strip()
    if not re.search(r"[^\W\d_]{2}", description):
        return None
    unit = money[-2].cents if len(money) > 1 else None
    quantity = _quantity(text, before, unit, value)
    lines = [*named, *(line for line in row if line not in named)]
    agrees = quantity is not None and unit is not None and abs(round(quantity * unit) - value) <= 1
    return LineItem(
        description=description,
        quantity=quantity,
        unit_price=None if unit is None else unit / 100,
        amount=value / 100,
        confidence=round((0.95 if agrees else 0.6) * min(line.confidence for line in lines), 4),
        lines=sorted({index[id(line)] for line in lines}),
    )


def _money(row: Sequence[Line]) -> tuple[str, list[Amount]]:
    """The text before the first amount, and the amounts; none goes across from one line to the next."""
    before: list[str] = []
    found: list[Amount] = []
    for line in row:
        text = case_free(line.text)
        here = amounts(text)
        if not found:
            before.append(text[: here[0].start] if here else text)
        found += here
    return " ".join(before), found


def _name(text: str) -> str:
    money = amounts(text)
    return (text[: money[0].start] if money else text).strip()


def _quantity(text: str, before: str, unit: int | None, value: int) -> float | None:
    """The number that is marked as one, or the one that makes quantity times price the amount."""
    marked = _QUANTITY.search(text)
    if marked:
        return float(marked[1])
    numbers = [float(number) for number in _NUMBER.findall(before)]
    if unit:
        return next((number for number in numbers if number and abs(round(number * unit) - value) <= 1), None)
    return None
