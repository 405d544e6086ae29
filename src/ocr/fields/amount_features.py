"""What stands around an amount, for telling the total from the rest."""

import re
from collections import Counter
from typing import NamedTuple

import numpy as np

from ocr.fields.classifier import Features
from ocr.fields.values import Amount, amounts
from ocr.formats.page import Line, Page
from ocr.formats.words import rows
from ocr.text.normalize import case_free

_KEYWORDS = {
    "total": r"TOTAL|T0TAL|T?OTAL\b|JUMLAH|AMT",
    "subtotal": r"SUB ?-?T[O0]TAL|SUBT",
    "grand": r"GRAND|FINAL|NETT?\b|PAYABLE|DUE|AMOUNT",
    "rounded": r"ROUNDED|AFTER|ROUND(?:ED|ING)? ?TOTAL|TOTAL ?ROUND",
    "rounding": r"ROUNDING|ROUND|ADJ",
    "inclusive": r"INCL|INCLUSIVE|W/? ?GST|WITH",
    "exclusive": r"EXCL|EXCLUDING|BEFORE|W/O",
    "tax": r"GST|SST|TAX|VAT|SERVICE|SVC",
    "cash": r"CASH|TUNAI|TENDER|PAID|PAYMENT|VISA|MASTER|CARD|DEBIT|CREDIT|PAY",
    "change": r"CHANGE|BAKI|BALANCE",
    "discount": r"DISC|SAVING|LESS",
    "summary": r"SUMMARY|CODE|@|%",
    "quantity": r"QTY|ITEM|QUANTITY|COUNT|X\b",
    "supplies": r"SUPPLIES|SR\b|ZRL?\b",
}
_PATTERNS = {name: re.compile(pattern) for name, pattern in _KEYWORDS.items()}


class Candidate(NamedTuple):
    """An amount, the indices of its line and of the lines of its row, and the text of the row left of it."""

    amount: Amount
    line: int
    row: list[int]
    label: str


def candidates(page: Page) -> list[Candidate]:
    """Amounts of a page in reading order; a row without words of its own has those of the row above."""
    index = {id(line): number for number, line in enumerate(page.lines)}
    found: list[Candidate] = []
    above = ""
    for row in rows(page.lines):
        numbers = [index[id(line)] for line in row]
        label = case_free(" ".join(line.text for line in row))
        words = re.sub(r"[^A-Z]", "", label)
        text = label if len(words) > 2 else f"{above} {label}"
        for line, number in zip(row, numbers, strict=True):
            found += [Candidate(amount, number, numbers, text) for amount in amounts(line.text)]
        above = label
    return found


def amount_features(page: Page) -> tuple[list[Candidate], list[Features]]:
    """Candidates for the total and the features of each."""
    found = candidates(page)
    values = [one.amount.cents for one in found]
    counts = Counter(values)
    largest = max(values, default=0)
    height = page.image.height
    median_height = float(np.median([_height(line) for line in page.lines])) if page.lines else 1.0
    described: list[Features] = []
    labels = [keywords(one.label) for one in found]
    for number, one in enumerate(found):
        line = page.lines[one.line]
        features = dict.fromkeys(labels[number], 1.0)
        features |= {f"pair {a} {b}": 1.0 for a in labels[number] for b in labels[number] if a < b}
        features["no keyword"] = float(not labels[number])
        features["largest"] = float(one.amount.cents == largest)
        features["zero"] = float(one.amount.cents == 0)
        features["negative"] = float(one.amount.cents < 0)
        features[f"times {min(counts[one.amount.cents], 5)}"] = 1.0
        features["currency"] = float(bool(one.amount.currency))
        features["last in row"] = float(number + 1 == len(found) or found[number + 1].row != one.row)
        features["alone"] = float(len(amounts(" ".join(page.lines[i].text for i in one.row))) == 1)
        features[f"down {int(10 * min(0.99, max(0, line.polygon[0][1] / height)))}"] = 1.0
        features["high"] = float(np.clip(_height(line) / median_height - 1, -1, 2))
        for step in (-2, -1, 1, 2, 3):
            near = number + step
            if 0 <= near < len(found):
                features |= {f"{step:+d} {name}": 1.0 for name in labels[near]}
                features[f"{step:+d} same"] = float(values[near] == one.amount.cents)
        same = set().union(*(labels[i] for i in range(len(found)) if values[i] == one.amount.cents))
        features |= {f"elsewhere {name}": 1.0 for name in same}
        features["cash less change"] = float(_is_paid_difference(one.amount.cents, values, labels))
        described.append(features)
    return found, described


def keywords(label: str) -> set[str]:
    """Names of the kinds of words in a label."""
    return {name for name, pattern in _PATTERNS.items() if pattern.search(label)}


def _is_paid_difference(cents: int, values: list[int], labels: list[set[str]]) -> bool:
    paid = [value for value, label in zip(values, labels, strict=True) if "cash" in label]
    change = [value for value, label in zip(values, labels, strict=True) if "change" in label]
    return any(abs(given) - abs(back) == cents for given in paid for back in change)


def _height(line: Line) -> float:
    ordinates = [y for _, y in line.polygon]
    return max(ordinates) - min(ordinates)
