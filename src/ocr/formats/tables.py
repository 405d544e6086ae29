"""CSV with a row per line of text, Markdown with a paragraph per row of the page, and plain text."""

import csv
import io
import re
from collections.abc import Sequence

from ocr.formats.page import FailedPage, Page
from ocr.formats.words import line_quad, rows, upright

CORNERS = [f"{axis}{corner}" for corner in range(1, 5) for axis in "xy"]
COLUMNS = ["source", "page", "line", "text", "confidence", "detection_score", *CORNERS]
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~&])")
_BLOCK = re.compile(r"^(\d*)([-+#=.)])")  # what would start a list, a heading or a rule


def write_csv(pages: Sequence[Page | FailedPage]) -> bytes:
    """UTF-8 with a heading; corners are top left, top right, bottom right, bottom left. A failed page has no rows."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for page in pages:
        if isinstance(page, FailedPage):
            continue
        for number, line in enumerate(page.lines, start=1):
            corners = [f"{value:.1f}" for value in line_quad(line).ravel()]
            scores = [f"{line.confidence:.4f}", f"{line.detection_score:.4f}"]
            table.writerow([page.image.source, page.image.page, number, line.text, *scores, *corners])
    return out.getvalue().encode()


def write_markdown(pages: Sequence[Page | FailedPage]) -> bytes:
    """A heading a page and a line for every row of it, what stands side by side two spaces apart."""
    parts: list[str] = []
    for page in pages:
        number = f", page {page.image.page}" if (page.image.page or 1) > 1 else ""
        parts.append(f"## {_escaped(page.image.source)}{number}")
        if isinstance(page, FailedPage):
            parts.append(f"> Could not be read: {_escaped(page.error.reason)}; {_escaped(page.error.remedy)}")
        elif page.lines:
            written = ("\N{EM SPACE}".join(_escaped(line.text) for line in row) for row in rows(upright(page).lines))
            parts.append("\\\n".join(_BLOCK.sub(r"\1\\\2", row) for row in written))
    return ("\n\n".join(parts) + "\n").encode()


def write_text(pages: Sequence[Page | FailedPage]) -> bytes:
    """The lines of all pages, a form feed between pages; a failed page is empty."""
    return ("\f".join("" if isinstance(page, FailedPage) else page.text + "\n" for page in pages)).encode()


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
