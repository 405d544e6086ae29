"""Who sold, and where: the merchant's name and address among the lines of a receipt."""

import re

import numpy as np
from numpy.typing import NDArray

from ocr.fields.classifier import Classifier
from ocr.fields.line_features import line_features
from ocr.fields.receipt import TextField
from ocr.fields.spelling import Spelling
from ocr.formats.page import Page

MERCHANT, ADDRESS = 1, 2
"""Columns of the classifier of lines."""
_LEAST = 0.15
_JOINED = 0.3
"""A line beside the merchant's that is at least so likely to be one continues it."""
_REGISTRATION = re.compile(
    r"[\s,]*(?:\(\s*(?=(?:[^)\d]*\d){3})[A-Z0-9][A-Z0-9 .:-]{3,}\)?|\([^)]{0,2}"
    r"|(?<![A-Z0-9])\d{5,}[- ]{0,3}[A-Z0-9]{0,2})\s*$",
    re.IGNORECASE,
)
_LABEL = re.compile(r"^(?:H\.?Q\.?\s*)?ADD(?:RESS)?\s*[:.]\s*", re.IGNORECASE)
_CONTACT = re.compile(r"[\s,]*\b(?:TEL|FAX|PHONE|H/?P|GST|HOTLINE)\b.*$", re.IGNORECASE)


def parties(page: Page, model: Classifier, spelling: Spelling) -> tuple[TextField | None, TextField | None]:
    """Return merchant and address; None for what no line looks like."""
    if not page.lines:
        return None, None
    chances = model.probabilities(line_features(page))
    merchant = _merchant(page, chances, spelling)
    return merchant, _address(page, chances, merchant.lines if merchant else [], spelling)


def _merchant(page: Page, chances: NDArray[np.float64], spelling: Spelling) -> TextField | None:
    """The likeliest line, with those next to it that are likely too."""
    chance = chances[:, MERCHANT]
    best = int(chance.argmax())
    if chance[best] < _LEAST:
        return None
    lines = [best]
    for step in (-1, 1):
        near = best + step
        while 0 <= near < len(chance) and chance[near] > _JOINED:
            lines.append(near)
            near += step
    lines.sort()
    text = " ".join(_REGISTRATION.sub("", page.lines[i].text.strip()) for i in lines)
    return _field(page, spelling.corrected(text), lines, float(chance[lines].mean()))


def _address(page: Page, chances: NDArray[np.float64], taken: list[int], spelling: Spelling) -> TextField | None:
    """The stretch of lines with the most evidence, without the lines inside it that are none."""
    chance = chances[:, ADDRESS].copy()
    chance[taken] = 0.0
    evidence = np.clip(np.log(chance + 1e-6) - np.log(1 - chance + 1e-6), -4, 4)
    best, start, total, highest = (0, 0), 0, 0.0, 0.0
    for index, value in enumerate(evidence):
        if total <= 0:
            start, total = index, 0.0
        total += value
        if total > highest:
            best, highest = (start, index + 1), total
    lines = [index for index in range(*best) if chance[index] >= _JOINED]
    if not lines:
        return None
    text = " ".join(_CONTACT.sub("", page.lines[i].text.strip()) for i in lines)
    return _field(page, spelling.corrected(_LABEL.sub("", text)), lines, float(chance[lines].mean()))


def _field(page: Page, text: str, lines: list[int], chance: float) -> TextField | None:
    text = " ".join(text.split()).strip(" -*:;|")
    if not text:
        return None
    read = float(np.mean([page.lines[i].confidence for i in lines]))
    return TextField(text=text, confidence=round(min(1.0, chance * read), 4), lines=lines)
