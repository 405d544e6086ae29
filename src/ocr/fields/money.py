"""Total, subtotal and tax of a receipt."""

import re
from collections.abc import Sequence

import numpy as np

from ocr.fields.amount_features import Candidate, amount_features
from ocr.fields.classifier import Classifier
from ocr.fields.receipt import AmountField
from ocr.formats.page import Page

_SUBTOTAL = re.compile(r"SUB ?-?T[O0]TAL|TOTAL.*(?:EXCL|BEFORE)|GROSS AMOUNT")
_TAX = re.compile(r"\b(?:GST|SST|TAX|VAT)\b")
_SERVICE_CHARGE = re.compile(r"\bSERV(?:ICE)?S?\.? ?CH(?:ARGE|R?G)|\bSVC\b|\bS/ ?(?:CHARGE|C\b)")
_DISCOUNT = re.compile(r"\bDISC(?:OUNTS?)?\b")
_NOT_TAX = re.compile(r"INCL|EXCL|INVOICE|SUMMARY|REG|TAX(?:ABLE)? ?AMOUNT|\bID\b|NETT|WITH")
_TAX_INCLUDED = re.compile(r"GST.*(?:INCLUDED IN TOTAL)|TOTAL (?:GST|SST|TAX)|INCLUDED? (?:GST|SST|TAX)")


def total(page: Page, model: Classifier) -> tuple[AmountField | None, list[Candidate]]:
    """Return the total, and all amounts of the page."""
    found, features = amount_features(page)
    if not found:
        return None, []
    chances = model.probabilities(features)[:, 1]
    by_value: dict[int, float] = {}
    for one, chance in zip(found, chances, strict=True):
        by_value[one.amount.cents] = 1 - (1 - by_value.get(one.amount.cents, 0.0)) * (1 - float(chance))
    value = max(by_value, key=lambda cents: by_value[cents])
    members = [(float(chance), one) for chance, one in zip(chances, found, strict=True) if one.amount.cents == value]
    # The place where it is most clearly the total; the first of those that are alike.
    _, best = max(members, key=lambda item: item[0])
    share = by_value[value] / max(1.0, sum(by_value.values()))
    return _field(page, best, share), found


def subtotal(page: Page, found: Sequence[Candidate]) -> AmountField | None:
    """Return the amount before tax and rounding where it is named."""
    named = [one for one in found if _SUBTOTAL.search(one.label) and one.amount.cents > 0]
    return _field(page, named[0], 0.9) if named else None


def tax(page: Page, found: Sequence[Candidate], total_cents: int | None) -> AmountField | None:
    """Return the tax where it is named: less than a quarter of the total, from a row that speaks of nothing else."""
    limit = total_cents if total_cents else max((one.amount.cents for one in found), default=0)
    sure = [one for one in found if _TAX_INCLUDED.search(one.label)]
    named = [one for one in found if _TAX.search(one.label) and not _SERVICE_CHARGE.search(one.label)]
    likely = [one for one in named if not _NOT_TAX.search(one.label)]
    for one, chance in [*((one, 0.9) for one in sure), *((one, 0.8) for one in likely)]:
        if 0 <= one.amount.cents * 4 < limit:
            return _field(page, one, chance)
    return None


def charges(found: Sequence[Candidate]) -> list[int]:
    """Hundredths that other rows than the tax add to the items: the service charges, and the discounts, less than 0."""
    service, discount = _last_amounts(found, _SERVICE_CHARGE), _last_amounts(found, _DISCOUNT)
    return [together for together in (sum(service), -sum(discount)) if together]


def _last_amounts(found: Sequence[Candidate], label: re.Pattern[str]) -> set[int]:
    """The last amount of each row that is named so, without its sign; printed twice, it counts once."""
    rows = {tuple(one.row): abs(one.amount.cents) for one in found if label.search(one.label)}
    return set(rows.values())


def _field(page: Page, one: Candidate, chance: float) -> AmountField:
    read = float(np.clip(page.lines[one.line].confidence, 0, 1))
    return AmountField(
        text=one.amount.printed,
        value=one.amount.cents / 100,
        currency=one.amount.currency,
        confidence=round(min(1.0, chance) * read, 4),
        lines=[one.line],
    )
