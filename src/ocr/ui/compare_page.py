"""Compare: two pairs of models on the same pages, with what differs marked."""

from collections import Counter

import streamlit as st

from ocr.evaluation.disagreement import Pairing, disagreement
from ocr.formats.page import Page
from ocr.ui.one_line import one_line
from ocr.ui.overlay import Item, overlay
from ocr.ui.reading import choose_models, read_all
from ocr.ui.sources import choose_source


@one_line
def show() -> None:
    """Show the page."""
    st.title("Compare")
    source = choose_source("compare")
    left, right = st.columns(2)
    with left:
        st.subheader("A")
        first = choose_models("a")
    with right:
        st.subheader("B")
        second = choose_models("b")
    if source is None:
        st.info("Choose a file, paste an image, or take a sample.", icon=":material/info:")
        return
    if not source.pages:
        return  # why is said of each file
    doubtful = st.toggle("B also keeps what is usually left out", key="compare-doubtful")
    pages = list(zip(read_all(source, *first), read_all(source, *second, doubtful=doubtful), strict=True))
    found = [disagreement(*pair) for pair in pages]
    _figures(found)
    number = 0
    if len(pages) > 1:
        order = sorted(range(len(pages)), key=lambda index: -_differences(found[index]))
        number = st.selectbox(
            "Page, the most different first",
            order,
            format_func=lambda n: (
                f"{pages[n][0].image.source}, page {pages[n][0].image.page}: {_differences(found[n])} differences"
            ),
        )
    only = st.toggle("Only what differs", value=True, key="only-differences")
    items = [item(pairing, *pages[number]) for pairing in found[number] if not only or pairing.kind != "same"]
    if only and not items:
        st.success("Both read this page the same.", icon=":material/check:")
    overlay(source.pages[number].image, items, key="compare-overlay")


def _figures(found: list[list[Pairing]]) -> None:
    counts: Counter[str] = Counter(pairing.kind for page in found for pairing in page)
    names = {"same": "Same", "text": "Other text", "only a": "Only A", "only b": "Only B"}
    for column, (kind, name) in zip(st.columns(4), names.items(), strict=True):
        column.metric(name, counts[kind], border=True)


def _differences(pairings: list[Pairing]) -> int:
    return sum(pairing.kind != "same" for pairing in pairings)


def item(pairing: Pairing, a: Page, b: Page) -> Item:
    """One line of either reading, or of both, with the two texts where they differ."""
    one = None if pairing.a is None else a.lines[pairing.a]
    other = None if pairing.b is None else b.lines[pairing.b]
    line = one or other
    assert line is not None
    if pairing.kind == "same":
        return Item(line.polygon, line.text, "same", "same")
    if one is not None and other is not None:
        return Item(one.polygon, f"A: {one.text}\nB: {other.text}", "text-differs", "other text")
    return Item(line.polygon, line.text, "only", pairing.kind.replace("only a", "only A").replace("only b", "only B"))
