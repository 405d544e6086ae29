"""Pages that the plain bundles of `tests/ocr/conftest.py` read: every line they find says "d"."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ocr.geometry.offset import shrink

TEXTURE, KERNEL = 192, 90  # too light to be found; dark enough, and light enough for the whole to be read as "d"


def quad(x0, y0, x1, y1):
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float32)


def draw(lines, size=(320, 320)):
    """White RGB page with a line of text at each quad."""
    page = np.full((size[1], size[0], 3), 255, np.uint8)
    for polygon in lines:
        cv2.fillPoly(page, [polygon.astype(np.int32)], (TEXTURE,) * 3)
        cv2.fillPoly(page, [np.round(shrink(polygon, 0.4)).astype(np.int32)], (KERNEL,) * 3)
    return page


def write_page(folder: Path, name: str, drawn, annotated):
    """One page of SROIE's layout: what is drawn, and (quad, text) as its annotation."""
    for part in ("img", "box"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / "img" / f"{name}.png"), draw(drawn))
    rows = [",".join([*(f"{value:g}" for value in polygon.ravel()), text]) for polygon, text in annotated]
    (folder / "box" / f"{name}.txt").write_text("\n".join(rows), encoding="utf-8")


@pytest.fixture
def pages(tmp_path):
    """Two pages: three of four true lines are found, two of them read right; one line is found that is none."""
    first, second, third = quad(20, 20, 220, 60), quad(20, 100, 120, 140), quad(20, 200, 200, 240)
    write_page(tmp_path / "set", "1", [first, second], [(first, "D"), (second, "ab")])
    write_page(tmp_path / "set", "2", [first, third], [(first, "d"), (quad(150, 260, 300, 300), "cé")])
    return tmp_path / "set"
