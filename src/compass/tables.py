"""Markdown tables: written with aligned columns, read with the line that each row stands on."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

_DELIMITER = re.compile(r"\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")
_BAR = re.compile(r"(?<!\\)\|")


def width(text: str) -> int:
    """Columns that `text` takes on a terminal: Hangul and most symbols take two, joining marks none."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 or char == "\ufe0f" for char in text)


def render(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table with aligned columns; bars and line ends inside cells are escaped. Ends with a newline."""
    cells = [[escaped(text) for text in row] for row in (header, *rows)]
    widths = [max(3, *(width(row[column]) for row in cells)) for column in range(len(header))]
    lines = [
        "| " + " | ".join(text + " " * (size - width(text)) for text, size in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    lines.insert(1, "| " + " | ".join("-" * size for size in widths) + " |")
    return "\n".join(lines) + "\n"


def split_row(line: str) -> list[str] | None:
    """The cells of one table line, without their blanks; None when the line has no cells."""
    text = line.strip()
    if "|" not in text:
        return None
    return [cell.strip().replace("\\|", "|") for cell in _BAR.split(text.removeprefix("|").removesuffix("|"))]


def is_delimiter(line: str) -> bool:
    """Whether the line is the `|---|---|` under a table's header."""
    return "-" in line and _DELIMITER.fullmatch(line.strip()) is not None


def escaped(text: str) -> str:
    """`text` as it stands in one cell."""
    return text.replace("|", "\\|").replace("\r", "").replace("\n", " ")
