"""A required front-matter field is missing or empty.

## What it does
Reports each field of the registry's `required` list that is not there, or has no value.

## Why it is bad
Lists, indexes and the other rules go by these fields.

## Example
A document without `status`.

## Fix safety
There is no fix: the value cannot be known.
"""

from collections.abc import Iterator

from aqms.project import Project
from findings.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    """One finding for each missing field."""
    for document in project.documents:
        if document.problem is not None:
            continue
        for name in project.registry.required:
            if document.fields.get(name) in (None, ""):
                place = document.at(name)
                message = f"{name} is missing; add it to the front matter"
                yield Finding("E006", "error", document.path, place.line, place.column, message, symbol=name)
