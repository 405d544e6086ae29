"""The script that Streamlit runs: one entry a page. A page is imported when it is opened."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import streamlit as st

# Pages by name, `ocr.ui.NAME_page`, and their icons.
PAGES = {
    "read": "document_scanner",
    "compare": "compare",
    "checkpoints": "inventory_2",
    "runs": "show_chart",
    "errors": "troubleshoot",
    "audit": "fact_check",
}


def main() -> None:
    """Show the page that the address names."""
    st.set_page_config(page_title="receipt-ocr", page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide")
    pages = [
        st.Page(_shown(name), title=name.capitalize(), icon=f":material/{icon}:", url_path=name, default=name == "read")
        for name, icon in PAGES.items()
    ]
    st.navigation(pages).run()


def _shown(name: str) -> Callable[[], None]:
    def show() -> None:
        import_module(f"ocr.ui.{name}_page").show()

    return show


if __name__ == "__main__":
    main()
