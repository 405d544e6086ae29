"""Pages to work on: uploaded, pasted, or a sample receipt."""

import hashlib
from typing import NamedTuple

import streamlit as st

from ocr.datasets.synthetic import receipt
from ocr.formats.page import FailedPage
from ocr.formats.pdf_apart import PAGE_SECONDS
from ocr.formats.sources import SUFFIXES, PageImage, page_images
from ocr.ui.launch import UPLOAD_MEGABYTES
from ocr.ui.paste import pasted_image

SAMPLES = {"Receipt, Latin": (7, False), "Receipt, Hangul": (11, True), "Receipt, worn": (23, False)}
# More pages than these of one file are work for `ocr batch`.
MOST_PAGES = 20


class Source(NamedTuple):
    """Pages of one choice; ``key`` names their content."""

    key: str
    pages: list[PageImage]
    failed: list[FailedPage]

    def name_of(self, number: int) -> str:
        """What page ``number`` (from 0) is called: its file, and its number where more pages are of that file."""
        page = self.pages[number]
        alone = sum(other.source == page.source for other in self.pages) == 1
        return page.source if alone else f"{page.source}, page {page.page}"


def choose_source(key: str) -> Source | None:
    """Let the user choose; what cannot be read is told in one line each, and the rest goes on."""
    way = st.segmented_control(
        "Pages from",
        ["Upload", "Paste", "Sample"],
        default="Sample",
        key=f"{key}-way",
        label_visibility="collapsed",
        persist_state="session",
    )
    files: list[tuple[str, bytes]] = []
    if way == "Upload":
        files = _uploaded(key)
    elif way == "Paste":
        data = pasted_image()
        files = [] if data is None else [("clipboard", data)]
    else:
        name = st.selectbox(
            "Sample", list(SAMPLES), key=f"{key}-sample", label_visibility="collapsed", persist_state="session"
        )
        return Source(name, [sample(name)], [])
    return _opened(files) if files else None


def _uploaded(key: str) -> list[tuple[str, bytes]]:
    """Names and contents of the files uploaded last; they stay while other pages are looked at."""
    widget, files = f"{key}-files", f"{key}-uploaded"

    def keep() -> None:
        st.session_state[files] = [(file.name, file.getvalue()) for file in st.session_state[widget]]

    shown = st.file_uploader(
        # The browser refuses what is larger, and no script hears of it: the line that explains it stands before.
        f"Images (JPEG, PNG, WebP, TIFF, BMP, GIF) or PDFs, up to {UPLOAD_MEGABYTES} MB each; "
        "one marked red is larger or of another kind, and is not read",
        type=sorted(suffix.removeprefix(".") for suffix in SUFFIXES),
        accept_multiple_files=True,
        key=widget,
        on_change=keep,
    )
    kept: list[tuple[str, bytes]] = st.session_state.get(files, [])
    if kept and not shown:  # the browser's list is empty after another page was looked at
        st.caption("Still open: " + ", ".join(name for name, _ in kept))
    return kept


@st.cache_data(max_entries=8, show_spinner="Drawing a receipt")
def sample(name: str) -> PageImage:
    """A synthetic receipt, the same each time."""
    seed, hangul = SAMPLES[name]
    severity = 1.0 if "worn" in name else 0.3
    return PageImage(name, 1, receipt(seed, hangul=hangul, severity=severity).image, [])


def _opened(files: list[tuple[str, bytes]]) -> Source:
    digest = hashlib.sha256()
    pages: list[PageImage] = []
    failed: list[FailedPage] = []
    for name, data in files:
        digest.update(data)
        for page in open_file(name, data):
            if isinstance(page, FailedPage):
                failed.append(page)
            else:
                pages.append(page)
    for one in failed:
        place = f"{one.image.source} page {one.image.page}" if (one.image.page or 1) > 1 else one.image.source
        st.error(f"{place}: {one.error.reason}; {one.error.remedy}", icon=":material/error:")
    return Source(digest.hexdigest(), pages, failed)


@st.cache_data(max_entries=8, show_spinner="Opening")
def open_file(name: str, data: bytes) -> list[PageImage | FailedPage]:
    """The pages of a file, the first `MOST_PAGES` of them."""
    found: list[PageImage | FailedPage] = []
    for page in page_images(data, name=name, page_seconds=PAGE_SECONDS):
        if len(found) == MOST_PAGES:
            note = f"only the first {MOST_PAGES} pages are shown; `ocr batch` reads all"
            last = found[-1]
            if isinstance(last, PageImage):
                found[-1] = last._replace(notes=[*last.notes, note])
            break
        found.append(page)
    return found
