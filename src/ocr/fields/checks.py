"""Checks of arithmetic and date: what makes a page doubtful."""

from collections.abc import Sequence
from datetime import date
from itertools import combinations

from ocr.fields.amount_features import Candidate, keywords
from ocr.fields.money import charges
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
        added = charges(found) + ([round(100 * tax.value)] if isinstance(tax, AmountField) else [])
        raised += _items(cents, items, added)
        raised += _payment(cents, found)
        if isinstance(tax, AmountField):
            raised += _tax(cents, round(100 * tax.value), fields.get("subtotal"), added)
    return raised


def _date(when: DateField, today: date) -> list[Doubt]:
    day = date.fromisoformat(when.iso)
    if _FIRST <= day <= today:
        return []
    return [Doubt(code="date-odd", message=f"{when.text} is {'in the future' if day > today else 'before 2000'}")]


def _reaches(start: int, end: int, added: Sequence[int]) -> bool:
    """Whether some of what is added, or none of it, makes the one amount the other."""
    sums = {sum(chosen) for count in range(len(added) + 1) for chosen in combinations(added, count)}
    return any(abs(start + one - end) <= _ROUNDING for one in sums)


def _items(total: int, items: Sequence[LineItem], added: Sequence[int]) -> list[Doubt]:
    """The items add up to the total, or to it less tax and charges; nothing is said where no items were found."""
    together = sum(round(100 * item.amount) for item in items)
    if not items or _reaches(together, total, added):
        return []
    return [
        Doubt(code="items-differ", message=f"the items add up to {together / 100:.2f}, the total is {total / 100:.2f}")
    ]


def _payment(total: int, found: Sequence[Candidate]) -> list[Doubt]:
    """What was paid less the change is the total, where both are printed; either may have a minus."""
    paid = [abs(one.amount.cents) for one in found if "cash" in keywords(one.label)]
    change = [
        abs(one.amount.cents)
        for one in found
        if "change" in keywords(one.label) and "BALANCE DUE" not in one.label  # what is to be paid
    ]
    if not paid or not change or any(abs(given - back - abs(total)) <= _ROUNDING for given in paid for back in change):
        return []
    message = f"{max(paid) / 100:.2f} paid less {change[0] / 100:.2f} change is not {total / 100:.2f}"
    return [Doubt(code="payment-differs", message=message)]


def _tax(total: int, tax: int, subtotal: TextField | None, added: Sequence[int]) -> list[Doubt]:
    """Subtotal, tax and charges make the total, where the subtotal is one without them."""
    if not isinstance(subtotal, AmountField):
        return []
    before = round(100 * subtotal.value)
    if _reaches(before, total, added):
        return []
    message = f"subtotal {before / 100:.2f} and tax {tax / 100:.2f} do not make {total / 100:.2f}"
    return [Doubt(code="tax-differs", message=message)]
