"""Two documents have the same id.

## What it does
Compares the `id` in the front matter of all documents that are read, and the number in the file names of types that are
numbered (`{number}` in the registry) with every file of the folder. `--all` and `--staged` read every document.

## Why it is bad
A reference to the id means two things, and one of them is wrong.

## Example
`0007-caching.md` and `0007-layers.md`; two bug reports with `id: bug_001`.

## Fix safety
There is no fix: which of the two is referred to cannot be known.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from aqms.document import Document, Place
from aqms.project import Project
from aqms.rules.report import found
from findings.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    """One finding for each document whose id another one has."""
    by_id: dict[str, list[Document]] = defaultdict(list)
    for document in project.documents:
        if document.fields.get("id") not in (None, ""):
            by_id[str(document.fields["id"])].append(document)
    for value, documents in by_id.items():
        for document in documents:
            others = [other.path for other in documents if other is not document]
            if others:
                message = f"id {value} is that of {', '.join(others)} too"
                yield found("E012", document, document.at("id"), message, hint="give one a new id", symbol=value)
    yield from _numbers(project)


def _numbers(project: Project) -> Iterator[Finding]:
    numbers: dict[str, dict[str, list[str]]] = {}
    for document in project.documents:
        folder = project.type_of_folder(document)
        kind = project.registry.types[folder] if folder else None
        place, _, name = document.path.rpartition("/")
        if kind is None or "{number" not in kind.filename or not (match := kind.pattern.match(name)):
            continue
        if place not in numbers:
            numbers[place] = _listed(project.root / place, kind.pattern.match)
        others = [other for other in numbers[place].get(match["number"], []) if other != name]
        if others:
            message = f"number {match['number']} is that of {', '.join(others)} too"
            yield found("E012", document, Place(1, 1), message, hint="give one the next number", symbol=match["number"])


def _listed(folder: Path, matches: Callable[[str], re.Match[str] | None]) -> dict[str, list[str]]:
    """The file names of a folder by their number."""
    names: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.glob("*.md")):
        if match := matches(path.name):
            names[match["number"]].append(path.name)
    return names
