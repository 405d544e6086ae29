"""What a JPEG says of itself, read without a decoder (ITU-T T.81, Exif 2.32), and what one can hold."""

import struct
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_SIDE = 65_500  # libjpeg's limit; the format's own is 65,535
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_FRAME_STARTS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ORIENTATION_TAG = 0x0112


class JpegHeader(NamedTuple):
    """Stored size in pixels, mode RGB or L, EXIF orientation 1 to 8, and whether the end of the last scan is there."""

    width: int
    height: int
    mode: str
    orientation: int
    complete: bool


def read_jpeg_header(data: bytes) -> JpegHeader | None:
    """Return the header of an 8-bit grey or YCbCr JPEG; None for every rarer kind, which a full decoder must judge."""
    position, frame, orientation = 2, None, 1
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            return None
        marker = data[position + 1]
        if marker == 0xFF or marker in _STANDALONE:
            position += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        segment = data[position + 4 : position + 2 + length]
        if marker in _FRAME_STARTS:
            frame = _frame(segment)
            if frame is None:
                return None
        elif marker == 0xE1 and segment.startswith(b"Exif\0\0"):
            orientation = exif_orientation(segment[6:])
        elif marker == 0xDA:
            if frame is None:
                return None
            # A scan's bytes never hold FF D9: one after the first scan is the file's own end, not a thumbnail's.
            return JpegHeader(*frame, orientation, complete=data.rfind(b"\xff\xd9", position) >= 0)
        position += 2 + max(length, 2)
    return None


def _frame(segment: bytes) -> tuple[int, int, str] | None:
    if len(segment) < 6:
        return None
    bits, height, width, components = struct.unpack_from(">BHHB", segment)
    mode = {1: "L", 3: "RGB"}.get(components)
    return (width, height, mode) if mode and bits == 8 and width and height else None


def exif_orientation(tiff: bytes) -> int:
    """Return orientation 1 to 8 from an Exif block that starts at its byte-order mark; 1 when absent or damaged."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return 1
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    if start + 2 > len(tiff):
        return 1
    (count,) = struct.unpack_from(order + "H", tiff, start)
    for entry in range(start + 2, min(start + 2 + 12 * count, len(tiff) - 11), 12):
        tag, _kind, _number, value = struct.unpack_from(order + "HHIH", tiff, entry)
        if tag == _ORIENTATION_TAG:
            return value if 1 <= value <= 8 else 1
    return 1


def fit_jpeg(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image (H,W,3), scaled down where a side of it is longer than a JPEG can have."""
    height, width = image.shape[:2]
    share = MAX_SIDE / max(height, width)
    if share >= 1:
        return image
    size = max(1, int(width * share)), max(1, int(height * share))
    smaller: NDArray[np.uint8] = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return smaller
