"""Where two readings of one page differ."""

from typing import Literal, NamedTuple

import numpy as np

from ocr.formats.page import Page
from ocr.metrics.detection import pair_up

Kind = Literal["same", "text", "only a", "only b"]


class Pairing(NamedTuple):
    """A line of reading ``a``, of ``b`` or of both, by index, and what they have in common."""

    a: int | None
    b: int | None
    kind: Kind


def disagreement(a: Page, b: Page) -> list[Pairing]:
    """Lines of both readings, paired one to one by IoU over 0.5: those of ``a`` in its order, then what only ``b`` has.

    Lines are invalid as polygons only where a reader was; they then pair with nothing.
    """
    polygons = [[np.array(line.polygon, np.float32) for line in page.lines] for page in (a, b)]
    other = dict(pair_up(polygons[0], polygons[1], [False] * len(polygons[1])).pairs)
    pairings = []
    for index, line in enumerate(a.lines):
        if index not in other:
            pairings.append(Pairing(index, None, "only a"))
        else:
            same = line.text == b.lines[other[index]].text
            pairings.append(Pairing(index, other[index], "same" if same else "text"))
    taken = set(other.values())
    return pairings + [Pairing(None, index, "only b") for index in range(len(b.lines)) if index not in taken]
