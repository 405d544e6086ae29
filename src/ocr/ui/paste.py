"""An image from the clipboard."""

import base64
import binascii
from pathlib import Path

import streamlit as st

from ocr.errors import ImageError
from ocr.ui.launch import UPLOAD_MEGABYTES

_component = st.components.v2.component(
    "receipt_ocr_paste",
    html='<div class="paste" tabindex="0">Press Ctrl+V to paste an image</div>',
    css=(
        ".paste { border: 1px dashed var(--st-border-color, #9aa); border-radius: 6px; padding: 1.4rem; "
        "text-align: center; font-family: var(--st-font); color: var(--st-text-color); cursor: pointer; } "
        ".paste:focus { outline: 2px solid var(--st-primary-color); }"
    ),
    js=Path(__file__).with_name("paste.js").read_text(encoding="utf-8"),
)


def pasted_image() -> bytes | None:
    """The image file that was pasted last, if any; ImageError when it is too large or no data at all."""
    result = _component(key="paste", on_pasted_change=lambda: None)
    text = getattr(result, "pasted", None)
    if text:
        st.session_state["pasted"] = decode(text)
    data: bytes | None = st.session_state.get("pasted")
    return data


def decode(text: object) -> bytes:
    """The bytes of a data URL, as a browser hands over a file."""
    head, _, body = str(text).partition(";base64,")
    if len(body) > UPLOAD_MEGABYTES * 1_400_000:
        raise ImageError("clipboard", f"is above {UPLOAD_MEGABYTES} MB", "save it to a file and scale it down")
    try:
        return base64.b64decode(body if head.startswith("data:") else "", validate=True)
    except binascii.Error as error:
        raise ImageError("clipboard", "is no image", "copy a picture, not a link or text") from error
