"""What one page or crop contributes to the figures, given its truth and what was predicted for it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy.typing as npt

from ocr.evaluation.measures import PageCounts
from ocr.metrics import cleval
from ocr.metrics.detection import Matching, pair_up
from ocr.metrics.endtoend import count_page_text, count_words
from ocr.metrics.recognition import TextCounts, comparable, count_text
from ocr.text.normalize import nfc

Polygons = Sequence[npt.NDArray[Any]]


class Truth(NamedTuple):
    """True polygons of a page, their texts (None where not known) and which of them to ignore."""

    polygons: Polygons
    texts: Sequence[str | None]
    ignore: Sequence[bool]


def judge_detection(truth: Truth, polygons: Polygons) -> tuple[PageCounts, Matching]:
    """Counts of one page's polygons, and which prediction found what.

    CLEval spreads a true text over its polygon by its length; one that is not known counts as one character.
    """
    matching = pair_up(polygons, truth.polygons, truth.ignore)
    texts = ["?" if text is None else text for text in truth.texts]
    characters = cleval.count_page(polygons, None, truth.polygons, texts, truth.ignore)
    return {"detection": matching.counts, "cleval_detection": characters.detection}, matching


def judge_reading(truth: Truth, polygons: Polygons, texts: Sequence[str]) -> tuple[PageCounts, Matching]:
    """Counts of one page's polygons and texts, and which line found what.

    True regions without a text are ignored, and so is what was read in ignored regions.
    """
    known, texts = [nfc(text or "") for text in truth.texts], [nfc(text) for text in texts]
    ignore = [skip or not text for text, skip in zip(known, truth.ignore, strict=True)]
    matching = pair_up(polygons, truth.polygons, ignore)
    characters = cleval.count_page(polygons, texts, truth.polygons, known, ignore, case_sensitive=False)
    true_lines = [line for line, skip in zip(zip(truth.polygons, known, strict=True), ignore, strict=True) if not skip]
    dropped = set(matching.dropped)
    lines = [line for i, line in enumerate(zip(polygons, texts, strict=True)) if i not in dropped]
    true_texts, found_texts = [text for _, text in true_lines], [text for _, text in lines]
    counts = {
        "detection": matching.counts,
        "cleval_detection": characters.detection,
        "cleval": characters.end_to_end,
        "words": count_words(true_texts, found_texts),
        "words_cased": count_words(true_texts, found_texts, case_sensitive=True),
        "page_text": count_page_text(true_lines, lines),
    }
    return counts, matching


def is_right(truth: str, read: str) -> bool:
    """Whether a text is what its certainty vouches for: the same characters, case and spaces put aside."""
    one, other = (comparable(text, case_sensitive=False, ignore_spaces=True) for text in (truth, read))
    return one == other


def judge_texts(pairs: Sequence[tuple[str, str]]) -> PageCounts:
    """Counts of the (truth, predicted) texts of one page's crops, or of one crop."""
    rules: dict[str, dict[str, bool]] = {
        "text": {},
        "text_any_case": {"case_sensitive": False},
        "text_any_case_no_spaces": {"case_sensitive": False, "ignore_spaces": True},
    }
    return {
        key: sum((count_text(truth, predicted, **rule) for truth, predicted in pairs), TextCounts())
        for key, rule in rules.items()
    }
