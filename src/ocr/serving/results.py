"""The formats a result can be had in: one table for reading and for jobs."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from ocr.formats.page import Document, Page


class Output(NamedTuple):
    """A format: its media type, and a document's bytes in it."""

    media_type: str
    write: Callable[[Document], bytes]


def _json(document: Document) -> bytes:
    return document.model_dump_json().encode()


def _text(document: Document) -> bytes:
    """Pages apart by a form feed, as `pdftotext` has them; a page that failed is empty."""
    return "\f".join(page.text + "\n" if isinstance(page, Page) else "" for page in document.pages).encode()


OUTPUTS: dict[str, Output] = {
    "json": Output("application/json", _json),
    "text": Output("text/plain; charset=utf-8", _text),
}
Format = StrEnum("Format", {name: name for name in OUTPUTS})  # type: ignore[misc]
