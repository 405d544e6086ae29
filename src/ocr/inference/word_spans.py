"""Where the words of a line stand: between the characters that a recognizer places, cut where the crop is blank."""

import re
from collections.abc import Sequence
from itertools import pairwise

import cv2

from ocr.images.load import Rgb

# A column is blank when its brightness varies by less than this share of what the crop's does.
_FLAT = 0.35
# Share of the height, above and below, that is not looked at: neighbouring lines reach into it.
_RIM = 0.1
# Blank columns beside the text, in heights, from which on a mark there belongs to something else.
_APART = 0.25


def word_spans(text: str, places: Sequence[float], crop: Rgb) -> list[tuple[float, float]]:
    """Where each word between spaces begins and ends, in shares [0,1] of the crop's width.

    ``crop`` RGB uint8 (H,W,3) is what ``text`` was read from and ``places`` what `Decoded.places` tells; without them,
    or without a word, the result is empty.
    """
    if len(places) != len(text) or not text.strip():
        return []
    width = crop.shape[1]
    blank = _blank_columns(crop)
    at = [min(int(place * width), width - 1) for place in places]
    bounds = [(word.start(), word.end() - 1) for word in re.finditer(r"\S+", text)]  # first and last character
    apart = b"\1" * max(2, round(_APART * crop.shape[0]))
    first, last = at[bounds[0][0]], at[bounds[-1][1]]
    left = blank.rfind(apart, 0, first)
    begins = [left + len(apart) if left >= 0 else first - len(blank[:first].lstrip(b"\1"))]
    right = blank.find(apart, last + 1)
    end = right if right >= 0 else last + 1 + len(blank[last + 1 :].rstrip(b"\1"))
    ends = []
    for (_, before), (after, _) in pairwise(bounds):
        low, high = _widest_gap(blank, at[before] + 1, at[after])
        ends.append(low)
        begins.append(high)
    return [(_share(begin, width), _share(stop, width)) for begin, stop in zip(begins, [*ends, end], strict=True)]


def _share(column: int, width: int) -> float:
    """Less than a pixel of most lines is not kept: it would only make documents longer."""
    return round(column / width, 4)


def _blank_columns(crop: Rgb) -> bytes:
    """For each column 1 where it has no ink, otherwise 0."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    height = grey.shape[0]
    rim = int(_RIM * height)
    core = grey[rim : height - rim]
    varies = core.max(axis=0) - core.min(axis=0)
    return bytes((varies < _FLAT * (int(grey.max()) - int(grey.min()))).tobytes())


def _widest_gap(blank: bytes, low: int, high: int) -> tuple[int, int]:
    """First column of the widest blank run from ``low`` on and before ``high``, and the first one after it.

    Without any, twice the middle.
    """
    between = blank[low:high]
    length = max(map(len, between.split(b"\0")))
    if length == 0:
        middle = (low + high) // 2
        return middle, middle
    start = low + between.find(b"\1" * length)
    return start, start + length
