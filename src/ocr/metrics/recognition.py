"""Recognition scored on crops whose text is known: exact accuracy, 1-NED, character error rate."""

from collections.abc import Sequence
from dataclasses import dataclass

from ocr.metrics.edit_distance import edit_distance
from ocr.text.normalize import case_free, nfc


@dataclass(frozen=True)
class RecognitionScores:
    """Scores over ``n`` texts.

    ``accuracy`` is the share read without any error; ``one_minus_ned`` the mean over texts of one minus distance by
    the longer length; ``cer`` all distances by all true characters (it can exceed 1).
    """

    accuracy: float
    one_minus_ned: float
    cer: float
    n: int


@dataclass(frozen=True)
class TextCounts:
    """What one crop, page or set contributes; counts add up and are kept for intervals."""

    texts: int = 0
    exact: int = 0
    similarity: float = 0.0
    errors: int = 0
    characters: int = 0

    def __add__(self, other: "TextCounts") -> "TextCounts":
        return TextCounts(
            self.texts + other.texts,
            self.exact + other.exact,
            self.similarity + other.similarity,
            self.errors + other.errors,
            self.characters + other.characters,
        )


def score_texts(
    pairs: Sequence[tuple[str, str]], *, case_sensitive: bool = True, ignore_spaces: bool = False
) -> RecognitionScores:
    """Score (truth, predicted) pairs, both in NFC with runs of white space as one space and none at the ends."""
    total = TextCounts()
    for truth, predicted in pairs:
        total += count_text(truth, predicted, case_sensitive=case_sensitive, ignore_spaces=ignore_spaces)
    return scores(total)


def count_text(truth: str, predicted: str, *, case_sensitive: bool = True, ignore_spaces: bool = False) -> TextCounts:
    """Counts of one text."""
    a = comparable(truth, case_sensitive=case_sensitive, ignore_spaces=ignore_spaces)
    b = comparable(predicted, case_sensitive=case_sensitive, ignore_spaces=ignore_spaces)
    errors = edit_distance(a, b)
    return TextCounts(1, int(not errors), 1 - errors / max(len(a), len(b), 1), errors, len(a))


def scores(counts: TextCounts) -> RecognitionScores:
    """Scores of counts; no text at all scores 0, and its CER 0."""
    n = max(counts.texts, 1)
    return RecognitionScores(
        counts.exact / n, counts.similarity / n, counts.errors / max(counts.characters, 1), counts.texts
    )


def comparable(text: str, *, case_sensitive: bool = True, ignore_spaces: bool = False) -> str:
    """The form of a text in which it is compared: NFC, white space as single spaces or gone, capitals on request."""
    words = (nfc(text) if case_sensitive else case_free(text)).split()
    return ("" if ignore_spaces else " ").join(words)
