"""Reading results as files: `render(pages, format)` gives the bytes of one document.

    from ocr.formats.render import FORMATS, render

    render(pages, "hocr")                  # pages: a sequence of Page and FailedPage, in order
    render(pages, "pdf", images=images)    # images: RGB uint8 (H,W,3), one for each Page, in the same order

`FORMATS` is the table: for each name its suffix, media type and what it holds. ``pdf`` alone needs the images; ``page``
alone holds one page a file. JSON, CSV, Markdown and text have a place for pages that failed; the others leave them out.
"""

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from ocr.errors import ConfigError
from ocr.formats.page import Document, FailedPage, Page
from ocr.schema import to_json

if TYPE_CHECKING:
    from ocr.formats.searchable_pdf import Scan


class FileFormat(NamedTuple):
    """A format: the writer as "module:function", what its files are called, and what they are."""

    writer: str
    suffix: str
    media_type: str
    describes_failures: bool
    about: str


FORMATS: dict[str, FileFormat] = {
    "json": FileFormat("render:write_json", ".json", "application/json", True, "everything that is known"),
    "text": FileFormat("tables:write_text", ".txt", "text/plain; charset=utf-8", True, "a line of text a line"),
    "csv": FileFormat("tables:write_csv", ".csv", "text/csv; charset=utf-8", True, "a row a line of text"),
    "markdown": FileFormat("tables:write_markdown", ".md", "text/markdown; charset=utf-8", True, "a heading a page"),
    "hocr": FileFormat("hocr:write", ".hocr", "text/html; charset=utf-8", False, "hOCR 1.2"),
    "alto": FileFormat("alto:write", ".xml", "application/xml", False, "ALTO 4"),
    "page": FileFormat("pagexml:write", ".xml", "application/xml", False, "PAGE-XML 2019, one page a file"),
    "pdf": FileFormat("searchable_pdf:write", ".pdf", "application/pdf", False, "the images with their text to search"),
}
"""A new format is one module with a writer, and one line here."""


def render(
    pages: Sequence[Page | FailedPage],
    format: str,
    *,
    images: Iterable["Scan"] = (),
    dpi: float = 200,
) -> bytes:
    """Return the pages as one document.

    Args:
        pages: in order.
        format: a key of `FORMATS`.
        images: for ``pdf``, those of the pages that were read: RGB uint8 (H,W,3), or JPEGs that
            `ocr.formats.searchable_pdf.encode` made of them, which take less memory.
        dpi: for ``pdf``, image pixels per inch of paper.

    Raises:
        ConfigError: no such format; ``page`` for other than one page; ``pdf`` without an image for every page.
        MissingExtraError: ``pdf`` without the package that writes it.
    """
    if format not in FORMATS:
        raise ConfigError(f"there is no format {format!r}; choose {', '.join(FORMATS)}")
    chosen = FORMATS[format]
    module, _, function = chosen.writer.partition(":")
    write = getattr(import_module(f"ocr.formats.{module}"), function)
    if chosen.describes_failures:
        return bytes(write(pages))
    read = [page for page in pages if isinstance(page, Page)]
    if format == "pdf":
        return bytes(write(_with_images(read, images), dpi=dpi))
    return bytes(write(read))


def write_json(pages: Sequence[Page | FailedPage]) -> bytes:
    """The document as `ocr read --json` prints it."""
    return (to_json(Document(pages=list(pages)), indent=1) + "\n").encode()


def _with_images(pages: Sequence[Page], images: Iterable["Scan"]) -> Iterator[tuple[Page, "Scan"]]:
    given = iter(images)
    for page in pages:
        image = next(given, None)
        size = (page.image.height, page.image.width)
        if image is None or (not isinstance(image, bytes) and image.shape[:2] != size):
            raise ConfigError(f"{page.image.source}: a searchable PDF needs the image of every page, in the same order")
        yield page, image
