"""Checkpoints: the catalog, and all that is known of one before it is opened."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import streamlit as st

from findings.counted import counted
from ocr.errors import CardError
from ocr.records.catalog import Catalog, Row, arrange
from ocr.records.checkpoint import read_card
from ocr.records.compare import flatten
from ocr.records.compatibility import can_read, checks
from ocr.schema import to_plain
from ocr.ui.navigation import PAGES, open_with
from ocr.ui.one_line import one_line
from ocr.ui.settings import nothing_yet, roots

COLUMNS = (
    *("name", "task", "score", "aliases", "monitor", "state"),
    *("encoder", "decoder", "head", "epoch", "created", "run_id"),
)


@one_line
def show() -> None:
    """Show the page."""
    st.title("Checkpoints")
    there = roots()
    if not there:
        st.info("No folder with runs. Start `ocr ui --root FOLDER`.", icon=":material/info:")
        return
    catalog = Catalog(there)
    rows = catalog.checkpoints()
    chosen = _filtered(rows)
    problems = [problem for problem in catalog.problems if problem.path not in {row["path"] for row in rows}]
    st.caption(
        f"{len(chosen)} of {counted(len(rows), 'checkpoint')}"
        + f" · {counted(len(problems), 'problem')}" * bool(problems)
    )
    for problem in problems[:5]:
        st.warning(f"{problem.path}: {problem.reason}", icon=":material/warning:")
    if not chosen:
        st.info("None fits." if rows else nothing_yet("checkpoints", there), icon=":material/info:")
        return
    table = [{"layout": _layout(row)} | {column: row.get(column) for column in COLUMNS} for row in chosen]
    event = st.dataframe(
        table,
        hide_index=True,
        height=min(38 + 35 * len(table), 360),
        on_select="rerun",
        selection_mode="single-row",
        key="checkpoint-table",
        column_config={"score": st.column_config.NumberColumn(format="%.4f")},
    )
    marked = event.selection.rows
    if not marked:
        st.caption("Mark a row to look at its checkpoint.")
    _details(chosen[marked[0] if marked and marked[0] < len(chosen) else 0])


def _layout(row: Row) -> str:
    return "old" if row.get("old") else "current"


def _filtered(rows: list[Row]) -> list[Row]:
    text, task, where, sort = st.columns([3, 1.4, 3, 1.6])
    words = (
        text.text_input("Search", placeholder="any words of name, path, parts", key="search", persist_state="session")
        .lower()
        .split()
    )
    tasks = ["any", *sorted({str(row["task"]) for row in rows if row.get("task")})]
    wanted = task.selectbox("Task", tasks, key="task", persist_state="session")
    condition = where.text_input(
        "Conditions", placeholder="hmean>0.9 encoder~resnet", key="where", persist_state="session"
    )
    orders = {"newest": "-created", "best score": "-score", "name": "name"}
    order = sort.selectbox("Order", list(orders), key="order", persist_state="session")
    found = [row for row in rows if wanted in ("any", row.get("task")) and all(word in _words(row) for word in words)]
    return arrange(found, condition or None, orders[order], None)


def _words(row: Row) -> str:
    return " ".join(str(value) for value in row.values() if isinstance(value, str)).lower()


def _details(row: Row) -> None:
    st.subheader(Path(row["path"]).name)
    st.code(row["path"], language=None, wrap_lines=True)
    left, right = st.columns([2, 3])
    with left:
        st.markdown("**Can it be opened here?**")
        for check in checks(row):
            icon = ":green[:material/check_circle:]" if check.ok else ":red[:material/cancel:]"
            st.markdown(f"{icon} {check.name}: {_plain(check.detail)}")
        _ways_on(row)
    with right:
        st.markdown("**Performance**")
        _performance(row)
    try:
        card = to_plain(read_card(Path(row["path"])))
    except CardError:
        facts = {key: value for key, value in row.items() if value not in (None, {}, [])}
        _pairs("What is known", facts)
        return
    _pairs("Config", flatten(card.pop("config", {}) or {}))
    charset = card.pop("charset", None)
    if charset:
        with st.expander(f"Charset: {len(charset)} characters"):
            st.code("".join(charset), language=None, wrap_lines=True)
    card.pop("metrics", None)
    _pairs("Metadata", flatten(card))


def _ways_on(row: Row) -> None:
    """Buttons to the pages that read with a checkpoint."""
    ready = can_read(row)
    with st.container(horizontal=True):
        if st.button("Read with it", icon=f":material/{PAGES['read']}:", disabled=not ready, key="open"):
            open_with("read", "read", row["task"], row["path"])
        if st.button(
            "Compare with it",
            icon=f":material/{PAGES['compare']}:",
            disabled=not ready,
            key="open-compare",
            help="The Compare page opens with this checkpoint as B, and the shipped models as A",
        ):
            open_with("compare", "b", row["task"], row["path"])


def _performance(row: Row) -> None:
    try:
        metrics = [asdict(one) for one in read_card(Path(row["path"])).metrics]
    except CardError:
        metrics = [{"name": name, "value": value} for name, value in (row.get("metrics") or {}).items()]
    if metrics:
        known = {key for one in metrics for key, value in one.items() if value is not None}
        st.dataframe([{key: one[key] for key in one if key in known} for one in metrics], hide_index=True)
    else:
        st.caption("No figures: it was saved before any validation.")


def _pairs(title: str, facts: dict[str, Any]) -> None:
    with st.expander(f"{title}: {counted(len(facts), 'entry')}", expanded=title == "Metadata"):
        st.dataframe([{"key": key, "value": str(value)} for key, value in facts.items()], hide_index=True)


def _plain(text: str) -> str:
    """Text that Markdown leaves as it is, commands in backticks aside."""
    return text.replace("[", "\\[").replace("*", "\\*").replace("_", "\\_").replace("$", "\\$")
