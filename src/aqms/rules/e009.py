"""The category is not one the registry allows.

## What it does
Compares `category` with the registry's list, or that of the document's type when it has its own.

## Why it is bad
Lists that filter by category leave the document out.

## Example
`category: wip`.

## Fix safety
`aqms fix` writes a value that differs only in case or by a letter or two; otherwise what is meant cannot be known.
"""

from collections.abc import Iterator
from difflib import get_close_matches

from aqms.project import Project
from aqms.rules.report import found, one_of
from findings.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    """One finding for each category that is not allowed."""
    for document in project.documents:
        value = document.fields.get("category")
        if value in (None, ""):
            continue
        kind = project.registry.types.get(str(document.fields.get("type")))
        allowed = (kind or project.registry).categories
        if value not in allowed:
            near = get_close_matches(str(value), allowed, 1)
            hint = f"did you mean {near[0]}?" if near else ""
            message = f"category {value!r} is not allowed"
            expected = one_of(allowed)
            yield found(
                "E009", document, document.at("category"), message, expected=expected, hint=hint, symbol="category"
            )
