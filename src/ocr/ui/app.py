"""The script that Streamlit runs: one entry a page. Pages import what they need when they are opened."""

from pathlib import Path

import streamlit as st

from ocr.ui import audit_page, checkpoints_page, compare_page, errors_page, read_page, runs_page


def main() -> None:
    """Show the page that the address names."""
    st.set_page_config(page_title="receipt-ocr", page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide")
    pages = [
        st.Page(read_page.show, title="Read", icon=":material/document_scanner:", url_path="read", default=True),
        st.Page(compare_page.show, title="Compare", icon=":material/compare:", url_path="compare"),
        st.Page(checkpoints_page.show, title="Checkpoints", icon=":material/inventory_2:", url_path="checkpoints"),
        st.Page(runs_page.show, title="Runs", icon=":material/show_chart:", url_path="runs"),
        st.Page(errors_page.show, title="Errors", icon=":material/troubleshoot:", url_path="errors"),
        st.Page(audit_page.show, title="Audit", icon=":material/fact_check:", url_path="audit"),
    ]
    st.navigation(pages).run()


if __name__ == "__main__":
    main()
