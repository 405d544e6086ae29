"""Compare: two pairs of models on the same pages, with what differs marked."""

from collections import Counter

import streamlit as st

from ocr.evaluation.disagreement import Pairing, disagreement
from ocr.formats.page import Page
from ocr.ui.one_line import one_line
from ocr.ui.overlay import Item, overlay
from ocr.ui.reading import LEFT_OUT, asked_for_all, choose_models, choose_page, read_all, read_one
from ocr.ui.sources import Source, choose_source

# What two readings of a line have in common, and its name on the page.
KINDS = {"same": "Same", "text": "Other text", "only a": "Only A", "only b": "Only B"}

ABOUT = {
    "same": "Lines that both read alike",
    "text": "Lines that both found and read differently",
    "only a": "Lines that A alone found",
    "only b": "Lines that B alone found",
}


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
        doubtful = st.toggle(
            "B also keeps what is usually left out", key="compare-doubtful", help=LEFT_OUT, persist_state="session"
        )
    if source is None:
        st.info("Choose a file, paste an image, or take a sample.", icon=":material/info:")
        return
    if not source.pages:
        return  # why is said of each file
    number = _choose_page(source, first, second, doubtful)
    pair = read_one(source, number, *first), read_one(source, number, *second, doubtful=doubtful)
    found = disagreement(*pair)
    for column, (kind, name) in zip(st.columns(4), KINDS.items(), strict=True):
        column.metric(name, _count(found)[kind], border=True, help=ABOUT[kind])
    only = st.toggle("Only what differs", value=True, key="only-differences", persist_state="session")
    items = [item(pairing, *pair) for pairing in found if not only or pairing.kind != "same"]
    if items or not only:
        overlay(source.pages[number].image, items, key="compare-overlay")
    elif first == second and not doubtful:
        st.info("A and B are the same models; choose others for one of them.", icon=":material/info:")
    else:
        st.success("Both read this page the same.", icon=":material/check:")


def _choose_page(source: Source, first: tuple[str, str], second: tuple[str, str], doubtful: bool) -> int:
    """The page to look at: one that the user names, or, once all were compared, a row of their table."""
    count = len(source.pages)
    about = "Both read every page; a table shows where they differ most"
    wanted = (source.key, first, second, doubtful)
    if count == 1 or not asked_for_all("compare", f"Compare all {count} pages", about, wanted):
        return choose_page(source, "compare")
    pages = zip(
        read_all(source, *first, said="A reads"),
        read_all(source, *second, doubtful=doubtful, said="B reads"),
        strict=True,
    )
    counts = [_count(disagreement(*pair)) for pair in pages]
    order = sorted(range(count), key=lambda number: counts[number]["same"] - counts[number].total())
    event = st.dataframe(
        [
            {"Page": source.name_of(number)} | {name: counts[number][kind] for kind, name in KINDS.items()}
            for number in order
        ],
        hide_index=True,
        height=min(38 + 35 * count, 360),
        on_select="rerun",
        selection_mode="single-row",
        key="compared-pages",
    )
    marked = event.selection.rows
    number = order[marked[0] if marked and marked[0] < count else 0]
    st.caption(f"Mark a row to look at its page. In view: {source.name_of(number)}")
    return number


def _count(found: list[Pairing]) -> Counter[str]:
    return Counter(pairing.kind for pairing in found)


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
