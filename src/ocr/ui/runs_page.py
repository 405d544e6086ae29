"""Runs: what was trained, how it went, and what two runs have not in common."""

from pathlib import Path

import streamlit as st

from ocr.records.catalog import Catalog, Row, arrange
from ocr.records.compare import difference, repeat_command
from ocr.records.curves import Curve, read_curves
from ocr.records.layout import WHOLE
from ocr.records.run import read_record
from ocr.ui.one_line import one_line
from ocr.ui.settings import nothing_yet, roots

COLUMNS = ("id", "name", "status", "task", "epoch", "step", "started", "tags", "folder")
# Points of a curve that a chart this wide can show apart.
MOST_POINTS = 600


@one_line
def show() -> None:
    """Show the page."""
    st.title("Runs")
    there = roots()
    if not there:
        st.info("No folder with runs. Start `ocr ui --root FOLDER`.", icon=":material/info:")
        return
    where = st.text_input(
        "Conditions",
        placeholder="status=completed task=detection tags=paper",
        key="runs-where",
        persist_state="session",
    )
    catalog = Catalog(there)
    whole = [row for row in catalog.runs() if row["state"] == WHOLE]
    rows = arrange(whole, where or None, "-started", None)
    for problem in catalog.problems[:5]:
        st.warning(f"{problem.path}: {problem.reason}", icon=":material/warning:")
    if not rows:
        st.info("No run fits." if whole else nothing_yet("runs", there), icon=":material/info:")
        return
    event = st.dataframe(
        [{column: row.get(column) for column in COLUMNS} | {"started": _to_the_second(row)} for row in rows],
        hide_index=True,
        height=min(38 + 35 * len(rows), 300),
        on_select="rerun",
        selection_mode="multi-row",
        key="run-table",
    )
    marked = [index for index in event.selection.rows if index < len(rows)] or list(range(min(2, len(rows))))
    chosen = [rows[index] for index in marked]
    if not event.selection.rows:
        st.caption("Mark rows to choose runs; two of them are compared.")
    _curves(chosen)
    if len(chosen) == 2:
        _difference(chosen[0], chosen[1])
    for row in chosen[:2]:
        with st.expander(f"Repeat {row['id']}"):
            st.code(repeat_command(read_record(Path(row["folder"]))), language="bash", wrap_lines=True)


def _to_the_second(row: Row) -> str:
    return str(row.get("started") or "")[:19].replace("T", " ")


def _curves(chosen: list[Row]) -> None:
    curves = {str(row["id"]): read_curves(Path(row["folder"])) for row in chosen}
    names = sorted({name for run in curves.values() for name in run})
    if not names:
        st.info("These runs logged no figures.", icon=":material/info:")
        return
    usual = [name for name in names if name.startswith("val/") or name == "train/loss"][:4] or names[:2]
    wanted = st.multiselect("Curves", names, default=usual, key="curves")
    columns = st.columns(2)
    for number, name in enumerate(wanted):
        with columns[number % 2]:
            st.markdown(f"**{name}**")
            points = [
                {"step": step, "value": value, "run": run}
                for run, found in curves.items()
                for step, value in thinned(found.get(name, []))
            ]
            st.line_chart(points, x="step", y="value", color="run", height=240)


def thinned(curve: Curve) -> Curve:
    """Every n-th point, so that `MOST_POINTS` are left, and the last one."""
    apart = -(-len(curve) // MOST_POINTS) or 1
    return curve[::apart] + ([] if not curve or (len(curve) - 1) % apart == 0 else curve[-1:])


def _difference(a: Row, b: Row) -> None:
    st.subheader("What differs")
    found = difference(*((Path(row["folder"]), read_record(Path(row["folder"]))) for row in (a, b)))
    if not found:
        st.success("Nothing: config, data, code, packages and figures are the same.", icon=":material/check:")
    for part, changes in found.items():
        st.markdown(f"**{part}**")
        st.dataframe(
            [
                {"key": key, str(a["id"]): _shown(left), str(b["id"]): _shown(right)}
                for key, (left, right) in changes.items()
            ],
            hide_index=True,
        )


def _shown(value: object) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
