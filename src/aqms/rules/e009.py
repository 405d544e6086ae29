"""The category is not one the registry allows.

## What it does
Compares `category` with the registry's list.

## Why it is bad
Lists that filter by category leave the document out.

## Example
`category: wip`.

## Fix safety
There is no fix: the right value cannot be known.
"""

from collections.abc import Iterator
from difflib import get_close_matches

from aqms.project import Project
from findings.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    """One finding for each category that is not allowed."""
    for document in project.documents:
        value, place = document.fields.get("category"), document.at("category")
        if value in (None, ""):
            continue
        allowed = project.registry.categories
        if value not in allowed:
            near = get_close_matches(str(value), allowed, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            message = f"category {value!r} is not one of {', '.join(allowed)}{hint}"
            yield Finding("E009", "error", document.path, place.line, place.column, message, symbol="category")
