"""Whether a checkpoint can be opened here, told from its row in the catalog before anything of it is loaded."""

import importlib.util
from collections.abc import Mapping
from typing import Any, NamedTuple

from ocr.records.layout import NO_CARD, WHOLE

EXPORTERS = ("torch", "lightning", "onnx")

# What is said of states of a catalog row that say too little.
_CARDS = {
    WHOLE: "the size is what the card says",
    NO_CARD: "no card: run `ocr checkpoints doctor`",
}


class Check(NamedTuple):
    """One condition: whether it holds, and what was seen or what to do."""

    name: str
    ok: bool
    detail: str


def checks(row: Mapping[str, Any]) -> list[Check]:
    """What has to hold before the checkpoint of a catalog row can read pages."""
    state, old = str(row.get("state")), bool(row.get("old"))
    missing = [package for package in EXPORTERS if importlib.util.find_spec(package) is None]
    found = [
        Check("file and card", state == WHOLE, _CARDS.get(state, state)),
        Check("layout", not old, "current" if not old else "of an old layout: run `ocr migrate outputs` first"),
        Check("task", row.get("task") in ("detection", "recognition"), str(row.get("task") or "not known")),
        Check(
            "export",
            not missing,
            "`ocr export` runs once, its bundle is kept"
            if not missing
            else f"{', '.join(missing)} not installed: uv pip install 'receipt-ocr[train]'",
        ),
    ]
    if row.get("task") == "recognition":
        size = row.get("charset_size")
        found.insert(3, Check("charset", bool(size), f"{size} characters" if size else "the card names none"))
    return found


def can_read(row: Mapping[str, Any]) -> bool:
    """Whether every check of a catalog row holds."""
    return all(check.ok for check in checks(row))
