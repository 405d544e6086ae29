"""The rules for pulse and milestone ids and for paths that a user or a state file may name."""

import re
from pathlib import PurePosixPath

from compass.errors import CompassError

_PULSE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
_MILESTONE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_EMPTY_WORDS = frozenset({"new", "session", "test", "tmp", "untitled", "default", "pulse", "work"})
LONGEST = 100


def pulse_id(text: str) -> str:
    """`text` when it is a pulse id: at least two lower-case words or numbers joined by hyphens, one of them telling."""
    if not _PULSE.fullmatch(text) or len(text) > LONGEST:
        raise CompassError(
            f"pulse id {text!r}: use two or more lower-case words or numbers joined by hyphens, at most {LONGEST} "
            "characters, such as import-audit-2026-01-29"
        )
    if all(word in _EMPTY_WORDS or word.isdigit() for word in text.split("-")):
        raise CompassError(f"pulse id {text!r} says nothing about the work: name its subject, such as import-audit")
    return text


def milestone_id(text: str) -> str:
    """`text` when it is a milestone id: lower-case words or numbers joined by hyphens."""
    if not _MILESTONE.fullmatch(text) or len(text) > LONGEST:
        raise CompassError(
            f"milestone id {text!r}: use lower-case words or numbers joined by hyphens, at most {LONGEST} characters, "
            "such as ocr-domain-refactor"
        )
    return text


def artifact_path(text: str) -> str:
    """`text` as a clean relative path of a file; absolute paths, `..`, hidden and unprintable names are refused."""
    path = PurePosixPath(text)
    if not text.strip() or path.is_absolute() or ".." in path.parts or not path.parts:
        raise CompassError(f"artifact path {text!r}: give a path inside pulse_staging/artifacts/, such as notes.md")
    if any(part.startswith(".") for part in path.parts):
        raise CompassError(f"artifact path {text!r}: hidden files cannot be registered; rename the file")
    if not text.isprintable():
        raise CompassError(f"artifact path {text!r}: its name is not printable text; rename the file")
    if path.as_posix() == "pulse_manifest.json":
        raise CompassError("artifact path 'pulse_manifest.json': the export writes a file of this name; rename yours")
    return path.as_posix()
