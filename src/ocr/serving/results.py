"""The formats a result can be had in: those of ``ocr.formats.render``, for reading and for jobs."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from ocr.errors import ConfigError
from ocr.formats.page import Document, FailedPage
from ocr.formats.pdf_apart import PAGE_SECONDS
from ocr.formats.render import FORMATS, render
from ocr.formats.searchable_pdf import encode
from ocr.formats.sources import page_images
from ocr.schema import to_json
from ocr.serving.documents import Upload
from ocr.serving.problems import Problem

Format = StrEnum("Format", {name: name for name in FORMATS})  # type: ignore[misc]
MEDIA_TYPES = {name: item.media_type for name, item in FORMATS.items()}


def write(document: Document, format: str, upload: Upload, *, page_pixels: int) -> bytes:
    """A document in a format; Problem when it cannot be had in this one.

    A searchable PDF shows the pages: they are decoded once more, one at a time, rather than all kept while reading.
    """
    if format == "json":  # without the indentation that is for people
        return to_json(document).encode()
    failed = [page for page in document.pages if isinstance(page, FailedPage)]
    if len(failed) == len(document.pages) and not FORMATS[format].describes_failures:
        raise nothing_read(failed)
    images = _images(document.pages, upload, page_pixels) if format == "pdf" else ()
    try:
        return render(document.pages, format, images=images, dpi=upload.dpi)
    except ConfigError as error:
        raise Problem("invalid", f"format: {error}") from error


def nothing_read(failed: Sequence[FailedPage]) -> Problem:
    """What to say when no page of a document could be read: why the first could not."""
    first = failed[0].error
    return Problem("unreadable", f"{first.reason}; {first.remedy}")


def _images(pages: Sequence[object], upload: Upload, page_pixels: int) -> Iterator[bytes]:
    """JPEGs of the pages that were read."""
    decoded = page_images(
        upload.data, name=upload.name, dpi=upload.dpi, max_pixels=page_pixels, page_seconds=PAGE_SECONDS
    )
    for page, result in zip(decoded, pages, strict=True):
        if not isinstance(page, FailedPage) and not isinstance(result, FailedPage):
            yield encode(page.image)
