"""Reading results drawn over their image."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from durable.replace import write_bytes
from ocr.formats.free_names import FreeNames
from ocr.formats.page import Page
from ocr.images.jpeg import fit_jpeg

# RGB by how sure the recognizer is: sure, so-so, doubtful.
_COLOURS = ((0.9, (0, 140, 60)), (0.7, (220, 140, 0)), (0.0, (210, 30, 30)))


def render(image: NDArray[np.uint8], page: Page) -> NDArray[np.uint8]:
    """Return a copy of RGB ``image`` (H,W,3) with the polygon of each line, coloured by confidence, and its number."""
    drawn = image.copy()
    thickness = max(1, round(max(image.shape[:2]) / 800))
    for number, line in enumerate(page.lines, start=1):
        polygon = np.array(line.polygon)
        colour = next(colour for least, colour in _COLOURS if line.confidence >= least)
        cv2.polylines(drawn, [polygon.round().astype(np.int32)], True, colour, thickness, cv2.LINE_AA)
        corner = (int(polygon[0, 0]), max(int(polygon[0, 1]) - thickness, 0))
        cv2.putText(drawn, str(number), corner, cv2.FONT_HERSHEY_SIMPLEX, 0.35 * thickness, colour, 1, cv2.LINE_AA)
    return drawn


def save(folder: Path, image: NDArray[np.uint8], page: Page, names: FreeNames) -> None:
    """Draw the page into ``folder`` as a JPEG named after its source, under a name that is free."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = Path(page.image.source).stem + (f"-page{page.image.page}" if page.image.page > 1 else "")
    pixels = cv2.cvtColor(fit_jpeg(render(image, page)), cv2.COLOR_RGB2BGR)
    data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    write_bytes(names.take(folder, stem, ".jpg"), data)
