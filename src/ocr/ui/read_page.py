"""Read: pages in, lines over the image and beside it, thresholds that act at once, downloads."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from findings.counted import counted
from ocr.formats.page import FailedPage, Page
from ocr.formats.render import FORMATS, render
from ocr.ui.one_line import one_line
from ocr.ui.overlay import line_item, overlay
from ocr.ui.reading import (
    LEFT_OUT,
    asked_for_all,
    choose_models,
    choose_page,
    choose_thresholds,
    kept,
    read_all,
    read_one,
)
from ocr.ui.sources import Source, choose_source


@one_line
def show() -> None:
    """Show the page."""
    st.title("Read")
    with st.sidebar:
        detector, recognizer = choose_models("read")
        confidence = _least("Least confidence", "confidence", "How likely the text of a line is right")
        score = _least("Least detection score", "score", "Mean probability of a line's box")
        thresholds = choose_thresholds(detector)
        doubtful = st.toggle("Also what is usually left out", key="doubtful", help=LEFT_OUT, persist_state="session")
    source = choose_source("read")
    if source is None:
        st.info("Choose a file, paste an image, or take a sample.", icon=":material/info:")
        return
    if not source.pages:
        return  # why is said of each file
    number = choose_page(source, "read")
    page = read_one(source, number, detector, recognizer, doubtful=doubtful, thresholds=thresholds)
    _show_page(kept(page, confidence, score), source.pages[number].image)
    # A slider that moves costs the page that is looked at; the others are read when a download wants them.
    wanted = (source.key, detector, recognizer, doubtful, thresholds)
    about = "Downloads hold every page, read with these models and thresholds"
    if len(source.pages) == 1 or asked_for_all("read", f"Read all {len(source.pages)} pages", about, wanted):
        pages = read_all(source, detector, recognizer, doubtful=doubtful, thresholds=thresholds)
        _offer_downloads(source, [kept(page, confidence, score) for page in pages])


def _least(name: str, key: str, about: str) -> float:
    return st.slider(name, 0.0, 1.0, 0.0, 0.01, key=key, help=about, persist_state="session")


def _show_page(page: Page, image: NDArray[np.uint8]) -> None:
    sure = sum(line.confidence >= 0.9 for line in page.lines)
    spent = sum(page.timings_ms.values())
    st.caption(
        f"{page.image.width} × {page.image.height} pixels · {counted(len(page.lines), 'line')}, {sure} of them sure · "
        f"{spent:.0f} ms · :green[sure: from 90 %], :orange[fair: from 70 %], :red[doubtful: below]"
        + "".join(f" · {note}" for note in page.notes)
    )
    overlay(image, [line_item(line) for line in page.lines], key="read-overlay")


def _offer_downloads(source: Source, pages: list[Page]) -> None:
    left, right, _ = st.columns([2, 1, 3], vertical_alignment="bottom")
    offered = [name for name in FORMATS if name != "page" or len(pages) == 1]
    chosen = left.selectbox(
        "Download as",
        offered,
        format_func=lambda name: f"{name}: {FORMATS[name].about}",
        key="read-format",
        persist_state="session",
    )
    found = FORMATS[chosen]
    results: list[Page | FailedPage] = [*pages, *(source.failed if found.describes_failures else [])]
    right.download_button(
        "Download",
        lambda: render(results, chosen, images=[page.image for page in source.pages]),
        file_name=f"pages{found.suffix}",
        mime=found.media_type,
        icon=":material/download:",
        on_click="ignore",
        width="stretch",
    )
