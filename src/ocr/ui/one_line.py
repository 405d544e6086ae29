"""What goes wrong on a page is one line on it."""

from collections.abc import Callable
from functools import wraps

import streamlit as st

from ocr.errors import OcrError


def one_line(page: Callable[[], None]) -> Callable[[], None]:
    """A page that shows an OcrError as one line where it happened, and the rest as far as it came."""

    @wraps(page)
    def show() -> None:
        try:
            page()
        except OcrError as error:
            st.error(str(error), icon=":material/error:")

    return show
