"""Quarter turns of a page: which way its text runs, and its polygons on the page turned."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from ocr.geometry.polygon import Polygon


def turn_back(polygon: npt.NDArray[Any], quarters: int, size: tuple[int, int]) -> Polygon:
    """Map a polygon of ``np.rot90(image, quarters)`` to the pixels of the image of ``size`` (width, height)."""
    width, height = size
    x, y = polygon[:, 0], polygon[:, 1]
    turned = {
        0: (x, y),
        1: (width - y, x),
        2: (width - x, height - y),
        3: (y, height - x),
    }[quarters % 4]
    return np.stack(turned, axis=1).astype(np.float32)


def quarters_to_upright(quads: Iterable[npt.NDArray[Any]]) -> int:
    """Return the k for which ``np.rot90(image, k)`` has most of these quads (4,2), TL TR BR BL, run to the right."""
    ways = Counter(round(float(np.arctan2(*(quad[1] - quad[0])[::-1])) / (np.pi / 2)) % 4 for quad in quads)
    return max(ways, key=lambda way: (ways[way], -way), default=0)
