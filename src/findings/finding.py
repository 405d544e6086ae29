"""One result of a check, and the edits that would cure it."""

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")  # most severe first


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the text between two positions of a file; lines and columns start at 1, the end is exclusive."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that belong together: all of them are made, or none. A safe fix keeps the meaning of the program."""

    title: str
    edits: tuple[Edit, ...]
    safe: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule was broken at one place.

    `symbol` is what was asked for (a dotted name, a target, a key): with code and path it identifies the finding when
    lines move. `cause` is the same text for all findings that one repair would cure. `folded` marks a consequence: it
    goes away with its cause and needs no work of its own. `expected` and `hint` are the parts of the message that say
    what should be there and what to do, for tools that show them apart.
    """

    code: str
    severity: Severity
    path: str
    line: int
    column: int
    message: str
    symbol: str = ""
    cause: str = ""
    fix: Fix | None = None
    folded: bool = False
    expected: str = ""
    hint: str = ""

    @property
    def sort_key(self) -> tuple[str, int, int, str, str, str]:
        """Order of every report: file, line, column, code, message."""
        return (self.path, self.line, self.column, self.code, self.message, self.symbol)

    @property
    def identity(self) -> tuple[str, str, str]:
        """What stays the same when lines move: code, path and symbol (the message where there is no symbol)."""
        return (self.code, self.path, self.symbol or self.message)

    def as_json(self) -> dict[str, Any]:
        """The documented JSON form."""
        data = {
            "code": self.code,
            "severity": self.severity,
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "message": self.message,
            "symbol": self.symbol,
            "cause": self.cause,
            "fix": None if self.fix is None else fix_json(self.fix),
        }
        parts = {"expected": self.expected, "hint": self.hint}
        return data | {key: text for key, text in parts.items() if text}


def fix_json(fix: Fix) -> dict[str, Any]:
    """The JSON form of a fix."""
    edits = [
        {
            "path": edit.path,
            "line": edit.line,
            "column": edit.column,
            "end_line": edit.end_line,
            "end_column": edit.end_column,
            "text": edit.text,
        }
        for edit in fix.edits
    ]
    return {"title": fix.title, "safe": fix.safe, "edits": edits}


def at_least(severity: Severity, floor: Severity) -> bool:
    """Whether `severity` is as severe as `floor`, or more."""
    return SEVERITIES.index(severity) <= SEVERITIES.index(floor)
