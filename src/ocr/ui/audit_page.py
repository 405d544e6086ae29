"""Audit: what `preflight` finds in a repository."""

from pathlib import Path
from typing import Any

import streamlit as st

from findings.counted import counted
from ocr.ui.audit import audit
from ocr.ui.one_line import one_line


@one_line
def show() -> None:
    """Show the page."""
    st.title("Audit")
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    root = left.text_input("Repository", value=str(Path.cwd()), key="audit-root", persist_state="session")
    if right.button("Audit", type="primary", icon=":material/fact_check:", width="stretch", key="audit"):
        with st.spinner("Auditing"):
            st.session_state["audit-report"] = None
            st.session_state["audit-report"] = (root, audit(Path(root)))
    kept = st.session_state.get("audit-report")
    if kept is None:
        st.info("`preflight` reads the repository and runs none of its code.", icon=":material/info:")
        return
    _show_report(*kept)


def _show_report(root: str, report: dict[str, Any]) -> None:
    findings: list[dict[str, Any]] = report["findings"]
    severities = report["summary"]["by_severity"]
    columns = st.columns(4)
    columns[0].metric("Findings", report["summary"]["count"], border=True)
    for column, severity in zip(columns[1:], ("error", "warning", "info"), strict=True):
        column.metric(severity.capitalize(), severities.get(severity, 0), border=True)
    if not findings:
        st.success(f"{root}: nothing found.", icon=":material/check:")
        return
    codes = st.pills(
        "Codes", sorted(report["summary"]["by_code"]), selection_mode="multi", key="codes", persist_state="session"
    )
    words = st.text_input("Search", placeholder="path or message", key="audit-search", persist_state="session").lower()
    shown = [
        one
        for one in findings
        if (not codes or one["code"] in codes) and words in f"{one['path']} {one['message']}".lower()
    ]
    st.caption(f"{len(shown)} of {counted(len(findings), 'finding')}; choose one to see all of its message")
    rows = [
        {
            "severity": one["severity"],
            "code": one["code"],
            "place": f"{one['path']}:{one['line']}",
            "message": one["message"],
        }
        for one in shown
    ]
    event = st.dataframe(
        rows,
        hide_index=True,
        height=min(38 + 35 * max(len(rows), 1), 560),
        column_config={name: st.column_config.TextColumn(width="small") for name in ("severity", "code")},
        on_select="rerun",
        selection_mode="single-row",
        key="findings",
    )
    for number in event.selection.rows:
        if number < len(shown):  # of a longer list, before a filter was set
            one = shown[number]
            st.code(f"{one['path']}:{one['line']}: {one['code']} {one['message']}", language=None, wrap_lines=True)
