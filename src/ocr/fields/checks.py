"""Checks of arithmetic and date: what makes a page doubtful."""

from collections.abc import Sequence
from datetime import date

from ocr.fields.amount_features import Candidate, keywords
from ocr.fields.receipt import AmountField, DateField, Doubt, LineItem, TextField

_LOW = 0.5
_ROUNDING = 4  # hundredths: cash is rounded to five
_FIRST = date(2000, 1, 1)


def doubts(
    fields: dict[str, TextField | None],
    items: Sequence[LineItem],
    found: Sequence[Candidate],
    *,
    today: date,
) -> list[Doubt]:
    """Return what is missing, unsure or does not agree; ``fields`` are those of a receipt by name."""
    raised = [
        Doubt(code="missing-field", message=f"no {name} was found")
        for name in ("merchant", "date", "total")
        if fields.get(name) is None
    ]
    raised += [
        Doubt(code="low-confidence", message=f"{name} is {field.confidence:.0%} sure")
        for name, field in fields.items()
        if field is not None and field.confidence < _LOW
    ]
    when, total, tax = fields.get("date"), fields.get("total"), fields.get("tax")
    if isinstance(when, DateField):
        raised += _date(when, today)
    if isinstance(total, AmountField):
        cents = round(100 * total.value)
        raised += _items(cents, items, tax)
        raised += _payment(cents, found)
        if isinstance(tax, AmountField):
            raised += _tax(cents, round(100 * tax.value), fields.get("subtotal"))
    return raised


def _date(when: DateField, today: date) -> list[Doubt]:
    day = date.fromisoformat(when.iso)
    if _FIRST <= day <= today:
        return []
    return [Doubt(code="date-odd", message=f"{when.text} is {'in the future' if day > today else 'before 2000'}")]


def _items(total: int, items: Sequence[LineItem], tax: TextField | None) -> list[Doubt]:
    """The items add up to the total, or to it less the tax; nothing is said where no items were found."""
    together = sum(round(100 * item.amount) for item in items)
    expected = [total] + ([total - round(100 * tax.value)] if isinstance(tax, AmountField) else [])
    if not items or any(abs(together - value) <= _ROUNDING for value in expected):
        return []
    return [
        Doubt(code="items-differ", message=f"the items add up to {together / 100:.2f}, the total is {total / 100:.2f}")
    ]


def _payment(total: int, found: Sequence[Candidate]) -> list[Doubt]:
    """What was paid less the change is the total, where both are printed."""
    paid = [one.amount.cents for one in found if "cash" in keywords(one.label)]
    change = [one.amount.cents for one in found if "change" in keywords(one.label)]
    if not paid or not change or any(abs(given - back - total) <= _ROUNDING for given in paid for back in change):
        return []
    message = f"{max(paid) / 100:.2f} paid less {change[0] / 100:.2f} change is not {total / 100:.2f}"
    return [Doubt(code="payment-differs", message=message)]


def _tax(total: int, tax: int, subtotal: TextField | None) -> list[Doubt]:
    """Subtotal and tax make the total, where the subtotal is one without tax."""
    if not isinstance(subtotal, AmountField):
        return []
    before = round(100 * subtotal.value)
    if any(abs(value - total) <= _ROUNDING for value in (before, before + tax)):
        return []
    message = f"subtotal {before / 100:.2f} and tax {tax / 100:.2f} do not make {total / 100:.2f}"
    return [Doubt(code="tax-differs", message=message)]
