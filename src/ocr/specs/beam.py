"""CTC prefix beam search: the likeliest text over all its alignments, weighed with a character prior."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from ocr.text.prior import END, Prior, fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# What one step offers: classes, 0 being blank, and their probabilities.
Step = list[tuple[int, float]]
_NOTHING = 1e-300


class Beam(NamedTuple):
    """How wide to search, and how much the prior and the number of characters weigh in nats."""

    width: int
    weight: float
    bonus: float


class _Path(NamedTuple):
    """A text so far: probability that it ends in blank and in a character, prior's score and state, characters' own."""

    blank: float
    character: float
    score: float
    state: str
    chosen: tuple[float, ...]

    def value(self) -> float:
        return math.log(self.blank + self.character + _NOTHING) + self.score


class Found(NamedTuple):
    """The best text, for each of its characters the highest probability a step gave it, and the text's share.

    The share, in [0, 1], is of the weighed probability of all texts that were followed to the end.
    """

    text: str
    chosen: tuple[float, ...]
    share: float


def search(steps: Iterable[Step], characters: Sequence[str], prior: Prior, beam: Beam) -> Found:
    """Find the best text; ``characters`` are those of the classes, the first standing for blank."""
    paths: dict[str, _Path] = {"": _Path(1.0, 0.0, 0.0, prior.start(), ())}
    for step in steps:
        if len(step) == 1 and step[0][0] == 0:
            paths = {
                text: path._replace(blank=path.blank + path.character, character=0.0) for text, path in paths.items()
            }
            continue
        grown: dict[str, _Path] = {}
        for text, path in paths.items():
            for symbol, probability in step:
                _follow(grown, text, path, characters[symbol], probability, prior, beam)
        paths = _best(grown, beam.width)

    values = {text: path.value() + beam.weight * prior.log_probability(path.state, END) for text, path in paths.items()}
    best = max(values, key=values.__getitem__)
    share = 1 / sum(math.exp(value - values[best]) for value in values.values())
    return Found(best, paths[best].chosen, share)


def _follow(
    grown: dict[str, _Path], text: str, path: _Path, character: str, probability: float, prior: Prior, beam: Beam
) -> None:
    """Add to ``grown`` what becomes of a path when a step shows ``character``, "" being blank."""
    if not character:
        _add(grown, text, path._replace(blank=(path.blank + path.character) * probability, character=0.0))
        return
    before = path.blank + path.character
    if text.endswith(character):
        chosen = (*path.chosen[:-1], max(path.chosen[-1], probability))
        _add(grown, text, path._replace(blank=0.0, character=path.character * probability, chosen=chosen))
        before = path.blank  # the same character again needs a blank between
    if before > 0.0:
        folded = fold(character)
        score = path.score + beam.weight * prior.log_probability(path.state, folded) + beam.bonus
        state, chosen = prior.after(path.state, folded), (*path.chosen, probability)
        _add(grown, text + character, _Path(0.0, before * probability, score, state, chosen))


def _add(grown: dict[str, _Path], text: str, path: _Path) -> None:
    """Join a path with what is known of the same text; the likelier one tells the characters' probabilities."""
    other = grown.get(text)
    if other is not None:
        likelier = path if path.blank + path.character > other.blank + other.character else other
        path = likelier._replace(blank=path.blank + other.blank, character=path.character + other.character)
    grown[text] = path


def _best(paths: dict[str, _Path], width: int) -> dict[str, _Path]:
    """The ``width`` best paths, their probabilities scaled to sum to one, so that long texts do not vanish."""
    kept = sorted(paths.items(), key=lambda item: -item[1].value())[:width] if len(paths) > 1 else list(paths.items())
    total = sum(path.blank + path.character for _, path in kept) or 1.0
    return {text: path._replace(blank=path.blank / total, character=path.character / total) for text, path in kept}
