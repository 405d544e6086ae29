"""What goes to standard output: text for people, or one JSON document."""

import json
import sys
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def emit(kind: str, data: dict[str, Any], text: str, *, as_json: bool) -> None:
    """Print `text`, or `data` as JSON with its schema version and kind."""
    if as_json:
        print(json.dumps({"schema_version": 1, "kind": kind, **data}, ensure_ascii=False, indent=2))
    else:
        print(text.rstrip("\n"))


def notice(text: str) -> None:
    """Say on standard error what the user should know although all went well."""
    print(f"notice: {text}", file=sys.stderr)
