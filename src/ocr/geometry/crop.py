"""Cut text out of an image, its perspective corrected."""

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ocr.geometry.quad import quad_size

TALL = 1.5
MARGIN = 4  # pixels of context that bicubic interpolation may look at outside the quad


def crop_quad(image: npt.NDArray[np.uint8], quad: npt.NDArray[Any], *, turn_tall: bool = True) -> npt.NDArray[np.uint8]:
    """Cut a quad TL TR BR BL out of an RGB image (H,W,3) as an upright crop of the quad's mean width and height.

    Outside the image the border is repeated. With `turn_tall` a crop more than 1.5 times as high as wide is turned
    a quarter counter-clockwise: text that ran down then runs to the right.
    """
    width, height = (max(1, round(side)) for side in quad_size(quad))
    # Only the part around the quad: OpenCV cannot warp from images of more than 32767 pixels a side.
    rows, columns = image.shape[:2]
    x0, y0 = (max(0, math.floor(float(low)) - MARGIN) for low in quad.min(axis=0))
    x1, y1 = (math.ceil(float(high)) + MARGIN for high in quad.max(axis=0))
    x0, y0 = min(x0, columns - 1), min(y0, rows - 1)
    window = image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float32)
    source = np.asarray(quad, dtype=np.float32) - np.array([x0, y0], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(source, corners)
    crop = cv2.warpPerspective(window, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    if turn_tall and height > TALL * width:
        crop = np.ascontiguousarray(np.rot90(crop))
    return np.asarray(crop, dtype=np.uint8)
