"""The pages of the app, and the way from one to another. A page is imported when it is opened."""

from collections.abc import Callable
from importlib import import_module

import streamlit as st

from ocr.bundles.card import Task

# Pages by name, `ocr.ui.NAME_page`, and their icons.
PAGES = {
    "read": "document_scanner",
    "compare": "compare",
    "checkpoints": "inventory_2",
    "runs": "show_chart",
    "errors": "troubleshoot",
    "audit": "fact_check",
}


def page(name: str) -> st.Page:
    """The page of that name; the first one is opened where the address names none."""
    icon = f":material/{PAGES[name]}:"
    return st.Page(_shown(name), title=name.capitalize(), icon=icon, url_path=name, default=name == next(iter(PAGES)))


def _shown(name: str) -> Callable[[], None]:
    def show() -> None:
        import_module(f"ocr.ui.{name}_page").show()

    return show


def open_with(name: str, list_key: str, task: Task, model: str) -> None:
    """Go to a page, where `wanted` gives the model to its list."""
    st.session_state[f"open-{list_key}-{task}"] = model
    st.switch_page(page(name))


def wanted(list_key: str, task: Task) -> str | None:
    """The model that another page opened this one with, once."""
    model: str | None = st.session_state.pop(f"open-{list_key}-{task}", None)
    return model
