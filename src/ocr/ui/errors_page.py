"""Errors: an evaluation opened, worst pages first, with slices, confusions and the maps of a crop."""

from dataclasses import asdict
from pathlib import Path

import streamlit as st

from findings.counted import counted
from ocr.errors import ConfigError, ImageError, InputError
from ocr.evaluation.report import Report
from ocr.images.load import load_image
from ocr.schema import Mismatch, from_json
from ocr.ui.maps import show_maps
from ocr.ui.one_line import one_line
from ocr.ui.overlay import Item, overlay

LARGEST_REPORT = 200_000_000


@one_line
def show() -> None:
    """Show the page."""
    st.title("Errors")
    left, right = st.columns(2)
    uploaded = left.file_uploader("A report of `ocr eval --save report.json`", type="json", key="report")
    path = right.text_input(
        "Or its path on this machine", placeholder="report.json", key="report-path", persist_state="session"
    )
    if uploaded is not None:
        report = parse(uploaded.getvalue(), uploaded.name)
    elif path:
        report = parse(_read(Path(path)), path)
    else:
        st.info(
            "`ocr eval --data DATA --save report.json` writes a report; open it here to see what went wrong.",
            icon=":material/info:",
        )
        return
    models = ", ".join(model.name for model in report.models)
    task = "detection and recognition" if report.task == "endtoend" else report.task
    st.caption(f"{task.capitalize()} by {models} on {report.data}: {counted(report.images, 'image')}")
    for note in report.notes:
        st.caption(note)
    pages, figures, slices, confusions = st.tabs(["Worst pages", "Figures", "Slices", "Confusions"])
    with pages:
        _worst_pages(report)
    with figures:
        st.dataframe([asdict(record) for record in report.metrics], hide_index=True)
    with slices:
        _slices(report)
    with confusions:
        rows = [{"truth": _visible(c.truth), "read": _visible(c.read), "count": c.count} for c in report.confusions]
        st.dataframe(rows, hide_index=True)


def _visible(character: str) -> str:
    return {"": "(nothing)", " ": "(space)"}.get(character, character)


def parse(data: bytes, name: str) -> Report:
    """The report in a file; ConfigError when it is none."""
    try:
        return from_json(Report, data)
    except Mismatch as error:
        raise ConfigError(f"{name}: {error}; give what `ocr eval --save` wrote") from error


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_REPORT:
            raise InputError(path, "is too large for a report", "give what `ocr eval --save` wrote")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(path, f"cannot be read ({error})", "check the path") from error


def _slices(report: Report) -> None:
    properties = list(dict.fromkeys(one.by for one in report.slices))
    chosen = st.segmented_control("By", properties, default=properties[0] if properties else None, key="slice")
    rows = [one for one in report.slices if one.by == chosen]
    if not rows:
        return
    left, right = st.columns(2)
    left.dataframe([one.model_dump(exclude={"by"}) for one in rows], hide_index=True)
    shares = [
        {"range": one.range, "share": share, "what": what}
        for one in rows
        for what, share in (("found", one.found), ("read", one.read))
        if share is not None
    ]
    right.bar_chart(shares, x="range", y="share", color="what", stack=False, height=280, sort=False)


def _worst_pages(report: Report) -> None:
    if not report.pages:
        st.success("No page has an error, or the report is from before pages were kept.", icon=":material/check:")
        return
    kinds = sorted({error.kind for page in report.pages for error in page.errors})
    columns = st.columns([2, 3])
    chosen = columns[0].selectbox(
        "Page, the worst first",
        report.pages,
        format_func=lambda page: f"{page.name}: {page.score:.0%} right, {counted(len(page.errors), 'error')}",
        key="error-page",
    )
    wanted = columns[1].pills("Errors", kinds, selection_mode="multi", default=kinds, key="kinds")
    try:
        image = load_image(Path(chosen.image))
    except ImageError as error:
        st.error(str(error), icon=":material/error:")
        return
    errors = [error for error in chosen.errors if error.kind in wanted]
    items = [Item(error.polygon, _text(error.truth, error.read), error.kind, error.kind) for error in errors]
    overlay(image, items, key="error-overlay", height=560)
    if errors:
        show_maps(errors, image)


def _text(truth: str | None, read: str | None) -> str:
    return "\n".join(f"{name}: {text}" for name, text in (("true", truth), ("read", read)) if text is not None)
