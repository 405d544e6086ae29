"""Pages that lie on their side or upside down: told by their lines."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ocr.geometry.quad import quad_size
from ocr.specs.decode import Decoded

# A page lies on its side when lines that run down make up this share of the length of all, and there are a few.
_SIDEWAYS_SHARE = 0.6
_FEW_LINES = 3
# Pages read the right way up have a mean confidence above .9, upside down below .85 (receipts, measured).
DOUBTFUL = 0.9
SAMPLE = 6
_CLEARLY_BETTER = 0.05


def lies_sideways(quads: Sequence[NDArray[np.float32]]) -> bool:
    """Whether most of the text, by length, runs up or down the page rather than across."""
    sizes = np.array([quad_size(quad) for quad in quads])
    if len(sizes) < _FEW_LINES:
        return False
    length, down = sizes.max(axis=1), sizes[:, 1] > 1.5 * sizes[:, 0]
    return float(length[down].sum()) > _SIDEWAYS_SHARE * float(length.sum())


def is_doubtful(texts: Sequence[Decoded]) -> bool:
    """Whether so little confidence, over a few lines at least, asks for a look from the other side."""
    return len(texts) >= _FEW_LINES and mean_confidence(texts) < DOUBTFUL


def is_upright(texts: Sequence[Decoded]) -> bool:
    """Whether the lines read so far tell that the page is the right way up."""
    return len(texts) >= SAMPLE and mean_confidence(texts) >= DOUBTFUL


def longest(quads: Sequence[NDArray[np.float32]]) -> list[int]:
    """Indices of the few widest lines: enough to tell the way up."""
    widths = [quad_size(quad)[0] for quad in quads]
    return sorted(range(len(quads)), key=lambda index: -widths[index])[:SAMPLE]


def reads_better(turned: Sequence[Decoded], as_it_is: Sequence[Decoded]) -> bool:
    """Whether the same lines are read with clearly more confidence when turned."""
    return mean_confidence(turned) > mean_confidence(as_it_is) + _CLEARLY_BETTER


def mean_confidence(texts: Sequence[Decoded]) -> float:
    """Mean confidence in [0,1] of texts, 0 without any."""
    return sum(text.confidence for text in texts) / len(texts) if texts else 0.0
