"""CTC prefix beam search: the likeliest text over all its alignments, weighed with a character prior."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ocr.text.prior import END, Prior, fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# What one step offers: classes, 0 being blank, and their probabilities.
Step = list[tuple[int, float]]
_NOTHING = 1e-300
# Probabilities are scaled once they sum to less.
_SMALL = 1e-30


class Beam(NamedTuple):
    """How wide to search, and how much the prior and the number of characters weigh in nats."""

    width: int
    weight: float
    bonus: float


# A character's highest probability and the step that gave it.
Peak = tuple[float, int]
# A text so far: probability that it ends in blank and in a character, the prior's score and state, and the peaks of
# its characters. A plain tuple: thousands are made for a line.
_Path = tuple[float, float, float, str, tuple[Peak, ...]]


class Found(NamedTuple):
    """The best text, the peak of each of its characters, and the text's share.

    The share, in [0, 1], is of the weighed probability of all texts that were followed to the end.
    """

    text: str
    peaks: tuple[Peak, ...]
    share: float


def search(steps: Iterable[Step], characters: Sequence[str], prior: Prior, beam: Beam) -> Found:
    """Find the best text; ``characters`` are those of the classes, the first standing for blank."""
    paths: dict[str, _Path] = {"": (1.0, 0.0, 0.0, prior.start(), ())}
    folded = _folded(tuple(characters))
    for number, step in enumerate(steps):
        if len(step) == 1 and step[0][0] == 0:
            paths = {text: (path[0] + path[1], 0.0, *path[2:]) for text, path in paths.items()}
            continue
        grown: dict[str, _Path] = {}
        for text, (blank, character, score, state, peaks) in paths.items():
            either, last = blank + character, text[-1:]
            for symbol, probability in step:
                if symbol == 0:
                    _add(grown, text, (either * probability, 0.0, score, state, peaks))
                    continue
                shown, before = characters[symbol], either
                if shown == last:
                    kept = peaks if peaks[-1][0] >= probability else (*peaks[:-1], (probability, number))
                    _add(grown, text, (0.0, character * probability, score, state, kept))
                    before = blank  # the same character again needs a blank between
                if before > 0.0:
                    form = folded[symbol]
                    weighed = score + beam.weight * prior.log_probability(state, form) + beam.bonus
                    after = prior.after(state, form)
                    _add(
                        grown,
                        text + shown,
                        (0.0, before * probability, weighed, after, (*peaks, (probability, number))),
                    )
        paths = _best(grown, beam.width)

    values = {text: _value(path) + beam.weight * prior.log_probability(path[3], END) for text, path in paths.items()}
    best = max(values, key=values.__getitem__)
    share = 1 / sum(math.exp(value - values[best]) for value in values.values())
    return Found(best, paths[best][4], share)


@lru_cache(maxsize=8)
def _folded(characters: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(fold, characters))


def _add(grown: dict[str, _Path], text: str, path: _Path) -> None:
    """Join a path with what is known of the same text; the likelier one tells the characters' peaks."""
    other = grown.get(text)
    if other is not None:
        likelier = path if path[0] + path[1] > other[0] + other[1] else other
        path = (path[0] + other[0], path[1] + other[1], *likelier[2:])
    grown[text] = path


def _value(path: _Path) -> float:
    return math.log(path[0] + path[1] + _NOTHING) + path[2]


def _best(paths: dict[str, _Path], width: int) -> dict[str, _Path]:
    """The ``width`` best paths, their probabilities scaled to sum to one before those of a long text vanish."""
    if len(paths) > width:
        kept = sorted(paths, key=lambda text: _value(paths[text]), reverse=True)[:width]
        paths = {text: paths[text] for text in kept}
    total = sum([path[0] + path[1] for path in paths.values()])
    if total > _SMALL:
        return paths
    return {text: (path[0] / total, path[1] / total, *path[2:]) for text, path in paths.items()}
