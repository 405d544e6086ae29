"""The script that Streamlit runs."""

from pathlib import Path

import streamlit as st

from ocr.ui.navigation import PAGES, page


def main() -> None:
    """Show the page that the address names."""
    st.set_page_config(page_title="receipt-ocr", page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide")
    st.navigation([page(name) for name in PAGES]).run()


if __name__ == "__main__":
    main()
