"""What `ocr runs` and `ocr checkpoints` have in common: options, tables, problems, exit codes."""

import gc
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ocr.records.scan import Problem

Row = Mapping[str, Any]


class Format(StrEnum):
    """How to print."""

    text = "text"
    json = "json"


Roots = Annotated[list[Path], typer.Option("--root", help="Folder that holds runs; may be given several times.")]
Where = Annotated[
    str | None, typer.Option(help="Conditions, all of which must hold: KEY=VALUE, or != > >= < <= ~ in place of =.")
]
Sort = Annotated[str | None, typer.Option(help="Field or metric to sort by; -KEY from high to low. [default: newest]")]
Limit = Annotated[int | None, typer.Option(min=1, help="Print the first rows only.")]
How = Annotated[Format, typer.Option("--format", help="A table, or JSON.")]
Json = Annotated[bool, typer.Option("--json", help="Short for --format json.")]

OUTPUTS = [Path("outputs")]


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no cycles in memory while the block runs: among tens of thousands of new rows that takes a while."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def print_rows(rows: Sequence[Row], columns: Mapping[str, str], *, as_json: bool) -> None:
    """Print rows as JSON, or as a table of `columns` (heading: field)."""
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        print_table({heading: [row.get(field) for row in rows] for heading, field in columns.items()})


def print_table(columns: Mapping[str, Sequence[Any]]) -> None:
    """Print values, equally many below each heading."""
    table = [[heading, *_cells(values)] for heading, values in columns.items()]
    if len(table[0]) == 1:
        print("nothing found", file=sys.stderr)
        return
    line = "  ".join(f"{{:{max(map(len, column))}}}" for column in table)
    print("\n".join([line.format(*cells).rstrip() for cells in zip(*table, strict=True)]))


def _cells(values: Sequence[Any]) -> Iterable[str]:
    """Values as they are shown. One that comes again, as most do in a long table, is made once."""
    try:
        made = {value: shown(value) for value in set(values)}
    except TypeError:  # of lists
        return map(shown, values)
    return map(made.__getitem__, values)


def shown(value: Any) -> str:
    """A value as a table shows it, on one line."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        value = ",".join(map(str, value))
    text = str(value)
    if not text.isprintable():  # nor may a name steer the terminal
        text = "".join(character if character.isprintable() else "\ufffd" for character in " ".join(text.split()))
    return text or "-"


def relative(path: str, here: str | None = None) -> str:
    """A path as seen from the working directory, or from `here`, when it lies below."""
    return path.removeprefix((here or os.getcwd()) + os.sep)


def report(problems: Iterable["Problem"]) -> None:
    """Print what could not be listed; exit with 1 when there is any."""
    listed = list(problems)
    for path, reason in listed:
        print(f"{shown(relative(path))}: {shown(reason)}", file=sys.stderr)
    if listed:
        raise typer.Exit(1)
