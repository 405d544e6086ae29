"""An image with its lines over it and their texts beside it: hovering one marks the other."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from ocr.formats.page import Line

# Larger pages are sent smaller: a browser shows no more, and the polygons keep their pixels.
SHOWN_SIDE = 1600

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "receipt_ocr_overlay",
    html='<div class="overlay"></div>',
    css=(_HERE / "overlay.css").read_text(encoding="utf-8"),
    js=(_HERE / "overlay.js").read_text(encoding="utf-8"),
)


class Item(NamedTuple):
    """One line to show: polygon, text, a colour by its kind (see overlay.css), and a short note."""

    polygon: Sequence[tuple[float, float]]
    text: str
    kind: str
    note: str


def line_item(line: Line) -> Item:
    """A line that was read, coloured by how sure the recognizer is."""
    kind = "sure" if line.confidence >= 0.9 else "fair" if line.confidence >= 0.7 else "doubtful"
    return Item(line.polygon, line.text, kind, f"{line.confidence:.0%}")


def overlay(image: NDArray[np.uint8], items: Sequence[Item], *, key: str, height: int = 720) -> None:
    """Show an RGB image (H,W,3) with items over it, at most ``height`` pixels high."""
    _component(
        key=key,
        data={
            "image": data_url(image),
            "width": image.shape[1],
            "height": image.shape[0],
            "shown": height,
            "items": [item._asdict() | {"polygon": [list(point) for point in item.polygon]} for item in items],
        },
    )


def data_url(image: NDArray[np.uint8]) -> str:
    """An RGB image as a JPEG that a page can hold."""
    scale = SHOWN_SIDE / max(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 88])
    assert done
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
