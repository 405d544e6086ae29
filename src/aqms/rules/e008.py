"""The status is not one the registry allows.

## What it does
Compares `status` with the registry's list for the document's type.

## Why it is bad
Lists that filter by status leave the document out.

## Example
`status: wip`.

## Fix safety
There is no fix: the right value cannot be known.
"""

from collections.abc import Iterator
from difflib import get_close_matches

from aqms.project import Project
from findings.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    """One finding for each status that is not allowed."""
    for document in project.documents:
        value, place = document.fields.get("status"), document.at("status")
        if value in (None, ""):
            continue
        kind = str(document.fields.get("type"))
        allowed = project.registry.statuses_of(kind) if kind in project.registry.types else project.registry.statuses
        if value not in allowed:
            near = get_close_matches(str(value), allowed, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            message = f"status {value!r} is not one of {', '.join(allowed)}{hint}"
            yield Finding("E008", "error", document.path, place.line, place.column, message, symbol="status")
