"""Front matter made whole: lines added, values rewritten, everything else as it was."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import yaml

from aqms.document import Document, front_lines, lines_of, parse, split
from aqms.fix import guess
from aqms.fix.exempt import Exempt
from aqms.registry import DocumentType, Registry
from aqms.rules.e007 import day_of

_VALUE = re.compile(r"(?P<key>[\w-]+):[ \t]*(?P<value>.*?)(?P<comment>[ \t]+#.*)?$")


@dataclass
class _Front:
    """The lines of the front matter, marks included, the line ends between them, and the rest as it was."""

    lines: list[str]
    ends: list[str]
    rest: str

    def text(self) -> str:
        """The whole document."""
        return "".join(map("".join, zip_longest(self.lines, self.ends, fillvalue=""))) + self.rest

    def put(self, name: str, value: str) -> None:
        """Rewrite the line of a field, or add one at the end."""
        for number, line in enumerate(self.lines[1:-1], 1):
            match = _VALUE.match(line)
            if match and match["key"] == name:
                self.lines[number] = f"{name}: {_scalar(value)}{match['comment'] or ''}"
                return
        self.lines.insert(-1, f"{name}: {_scalar(value)}")
        self.ends.append(self.ends[-1])

    def quote(self) -> list[str]:
        """Put quotes around the values that YAML cannot read without; what was done."""
        notes = []
        for number, line in enumerate(self.lines[1:-1], 1):
            match = _VALUE.match(line)
            if match and match["value"] and not _reads(line):
                self.lines[number] = f"{match['key']}: {_scalar(match['value'].rstrip())}{match['comment'] or ''}"
                notes.append(f"{match['key']} quoted")
        return notes


def _front_of(text: str) -> _Front | None:
    """The front matter of a document, an empty one where there is none; None for one that does not end."""
    pieces = split(text)
    lines, ends = pieces[::2], pieces[1::2]
    if lines[0].rstrip() != "---":
        end = ends[0] if ends else "\n"
        return _Front(["---", "---"], [end], end + (end if lines[0].strip() else "") + text)
    closing = front_lines(lines)
    if closing is None:
        return None
    return _Front(lines[: closing + 1], ends[:closing], "".join(pieces[2 * closing + 1 :]))


def repaired(
    root: Path, registry: Registry, document: Document, kind: DocumentType | None, exempt: Exempt
) -> tuple[str, list[str]]:
    """The text of a document with whole front matter, and what was done; the text as it is where nothing can be."""
    if document.problem and exempt.has("E000", document.problem[0].line):
        return document.text, []
    is_new = lines_of(document.text)[0].rstrip() != "---"
    front = None if is_new and kind is None else _front_of(document.text)
    if front is None:
        return document.text, []
    notes = ["front matter added"] if is_new else front.quote() if document.problem else []
    known = parse(front.text(), document.path) if notes else document
    if known.problem or kind is None:
        return (document.text, []) if known.problem else (front.text(), notes)
    wanted = _wanted(root, registry, known, kind, exempt)
    if not wanted:
        return front.text(), notes
    for name, value in wanted.items():
        front.put(name, value)
        notes.append(f"{name}: {value}")
    after = parse(front.text(), document.path)
    if after.problem or after.fields != {**known.fields, **wanted}:
        # A block of several lines, a flow mapping, indented or quoted keys: rewriting one line says something else.
        return document.text, ["front matter is in a form that cannot be edited; mend it by hand"]
    return after.text, notes


def _reads(line: str) -> bool:
    try:
        return isinstance(yaml.load(line, Loader=yaml.CSafeLoader), dict)
    except (yaml.YAMLError, ValueError):
        return False


def _wanted(root: Path, registry: Registry, document: Document, kind: DocumentType, exempt: Exempt) -> dict[str, str]:
    """The fields to write: those that are missing, and those whose meaning is plain though they are not allowed."""
    fields = document.fields

    def may(code: str, name: str) -> bool:
        return not exempt.has(code, document.at(name).line)

    wanted: dict[str, str] = {}
    guesses: dict[str, Callable[[], str]] = {
        "title": lambda: guess.title(document),
        "date": lambda: guess.date(root, document),
        "type": lambda: kind.name,
        "category": lambda: kind.category,
        "status": lambda: guess.status(document, kind.statuses),
        "version": lambda: "1.0",
    }
    for name in registry.required:
        if fields.get(name) in (None, "") and name in guesses and may("E006", name):
            wanted[name] = guesses[name]()
    said = fields.get("type")
    if said and said not in registry.types and may("E005", "type"):
        wanted["type"] = kind.name
    for name, code, allowed in (("status", "E008", kind.statuses), ("category", "E009", kind.categories)):
        value = fields.get(name)
        if value in (None, "") or value in allowed or not may(code, name):
            continue
        if meant := guess.near(value, allowed):
            wanted[name] = meant
    date = fields.get("date")
    if date not in (None, "") and not day_of(date) and may("E007", "date") and (iso := guess.iso_date(date)):
        wanted["date"] = iso
    return wanted


def _scalar(value: str) -> str:
    dumped: str = yaml.safe_dump(value, allow_unicode=True, width=10**6)
    return dumped.removesuffix("...\n").strip()
