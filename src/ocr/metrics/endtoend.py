"""Reading a whole page: words as a multiset, and characters in reading order.

The protocol of SROIE's task 2 (Huang et al. 2019) with case put aside: where a line was found does not matter to the
word scores, and both sides are put into reading order by one rule before characters are compared.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ocr.geometry.polygon import bounding_box
from ocr.metrics.recognition import TextCounts, comparable, count_text

# A line belongs to a row when its centre is nearer to the row's than this share of the smaller height.
ROW_SHARE = 0.5


@dataclass(frozen=True)
class WordCounts:
    """Words of one page, or several added up."""

    matched: int = 0
    predicted: int = 0
    truth: int = 0

    def __add__(self, other: "WordCounts") -> "WordCounts":
        return WordCounts(self.matched + other.matched, self.predicted + other.predicted, self.truth + other.truth)


@dataclass(frozen=True)
class WordScores:
    """Precision, recall and F1 over words, each in [0, 1]."""

    precision: float
    recall: float
    f1: float


def count_words(truth: Sequence[str], predicted: Sequence[str], *, case_sensitive: bool = False) -> WordCounts:
    """Count the words, split at white space, that occur in the lines of both sides of one page, with multiplicity."""
    a, b = (
        Counter(word for text in texts for word in comparable(text, case_sensitive=case_sensitive).split())
        for texts in (truth, predicted)
    )
    return WordCounts((a & b).total(), b.total(), a.total())


def word_scores(counts: WordCounts) -> WordScores:
    """Precision, recall and F1 of counts; pages summed beforehand are micro-averaged."""
    precision = counts.matched / counts.predicted if counts.predicted else 0.0
    recall = counts.matched / counts.truth if counts.truth else 0.0
    both = counts.predicted + counts.truth
    return WordScores(precision, recall, 2 * counts.matched / both if both else 0.0)


def count_page_text(
    truth: Sequence[tuple[npt.NDArray[Any], str]], predicted: Sequence[tuple[npt.NDArray[Any], str]]
) -> TextCounts:
    """Character errors of one page given as (polygon, text) lines, case and spaces ignored."""
    return count_text(page_text(truth), page_text(predicted), case_sensitive=False, ignore_spaces=True)


def page_text(lines: Sequence[tuple[npt.NDArray[Any], str]]) -> str:
    """Texts of a page joined in reading order: rows from the top, within a row from the left."""
    rows: list[list[tuple[float, float, float, str]]] = []
    boxes = [(bounding_box(polygon), text) for polygon, text in lines]
    for box, text in sorted(boxes, key=lambda item: item[0][1] + item[0][3]):
        item = ((box[1] + box[3]) / 2, box[3] - box[1], box[0], text)
        if rows:
            centre, height = np.mean([line[:2] for line in rows[-1]], axis=0)
            if item[0] - centre < ROW_SHARE * min(height, item[1]):
                rows[-1].append(item)
                continue
        rows.append([item])
    return " ".join(line[3] for row in rows for line in sorted(row, key=lambda line: line[2]))
