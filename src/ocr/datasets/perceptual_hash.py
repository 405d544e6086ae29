"""Images that look alike: a hash that survives scaling, recompression and small changes of light."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Hash = npt.NDArray[np.uint64]
"""uint64 (4,): the signs of 255 low frequencies."""

SIDE = 64
LOW = 16
NEAR = 16
"""Hashes that differ in at most so many of 255 bits are of the same picture: scaled, recompressed or lit differently.

Unrelated images differ in about 128 bits, two receipts of one shop in as few as 20.
"""


def image_hash(image: npt.NDArray[np.uint8]) -> Hash:
    """Return the hash of an RGB image (H,W,3)."""
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    low = cv2.dct(grey.astype(np.float32))[:LOW, :LOW].ravel()
    bits = low > np.median(low[1:])
    bits[0] = False  # the mean brightness says nothing about what is seen
    return np.packbits(bits).view(np.uint64)


def near_pairs(first: Sequence[Hash], second: Sequence[Hash], limit: int = NEAR) -> list[tuple[int, int, int]]:
    """Return (index in first, index in second, bits that differ) of all pairs within the limit."""
    if not first or not second:
        return []
    others = np.stack(second)
    pairs: list[tuple[int, int, int]] = []
    for index, own in enumerate(first):
        distances = np.bitwise_count(others ^ own).sum(axis=1)
        pairs += [(index, int(other), int(distances[other])) for other in np.flatnonzero(distances <= limit)]
    return pairs
