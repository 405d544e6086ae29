"""Front matter made whole: lines added, values rewritten, everything else as it was."""

import re
from collections.abc import Callable
from pathlib import Path

import yaml

from aqms.document import Document, front_lines, lines_of, parse
from aqms.fix import guess
from aqms.fix.exempt import Exempt
from aqms.registry import DocumentType, Registry
from aqms.rules.e007 import day_of

_VALUE = re.compile(r"(?P<key>[\w-]+):[ \t]*(?P<value>.*?)(?P<comment>[ \t]+#.*)?$")


def repaired(
    root: Path, registry: Registry, document: Document, kind: DocumentType | None, exempt: Exempt
) -> tuple[str, list[str]]:
    """The text of a document with whole front matter, and what was done; the text as it is where nothing can be."""
    if document.problem and exempt.has("E000", document.problem[0].line):
        return document.text, []
    notes: list[str] = []
    end = "\r\n" if "\r\n" in document.text else "\n"
    lines = lines_of(document.text)
    closing = front_lines(lines)
    if lines[0].rstrip() != "---" and kind is not None:
        lines = ["---", "---", *([""] if lines[0].strip() else []), *lines]
        notes.append("front matter added")
    elif closing is None:
        return document.text, []
    elif document.problem:
        lines, quoted = _quoted(lines, closing)
        notes += quoted
    known = parse("\n".join(lines), document.path)
    if known.problem or kind is None:
        return (document.text, []) if known.problem else (end.join(lines) if notes else document.text, notes)
    known.path = document.path
    for name, value in _wanted(root, registry, known, kind, exempt).items():
        _put(lines, name, value)
        notes.append(f"{name}: {value}")
    return (end.join(lines) if notes else document.text), notes


def _quoted(lines: list[str], closing: int) -> tuple[list[str], list[str]]:
    """The lines with quotes around the values that YAML cannot read without."""
    made, notes = list(lines), []
    for number in range(1, closing):
        match = _VALUE.match(lines[number])
        if match and match["value"] and not _reads(lines[number]):
            value = lines[number].partition(":")[2].strip()
            made[number] = f"{match['key']}: {_scalar(value)}"
            notes.append(f"{match['key']} quoted")
    return made, notes


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


def _put(lines: list[str], name: str, value: str) -> None:
    """Rewrite the line of a field, or add one at the end of the front matter."""
    closing = front_lines(lines)
    assert closing is not None
    for number in range(1, closing):
        match = _VALUE.match(lines[number])
        if match and match["key"] == name:
            lines[number] = f"{name}: {_scalar(value)}{match['comment'] or ''}"
            return
    lines.insert(closing, f"{name}: {_scalar(value)}")


def _scalar(value: str) -> str:
    dumped: str = yaml.safe_dump(value, allow_unicode=True, width=10**6)
    return dumped.removesuffix("...\n").strip()
