"""A required front-matter field is missing or empty.

## What it does
Reports each field of the registry's `required` list that is not there, or has no value.

## Why it is bad
Lists, indexes and the other rules go by these fields.

## Example
A document without `status`.

## Fix safety
`aqms fix` adds what the document says elsewhere: title from its heading, date from its name or text, type from its
folder; category and status are those that the type begins with.
"""

from collections.abc import Iterator

from aqms.project import Project
from aqms.rules.report import found
from findings.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    """One finding for each missing field."""
    for document in project.documents:
        if document.problem is not None:
            continue
        for name in project.registry.required:
            if document.fields.get(name) in (None, ""):
                hint = "add it to the front matter"
                yield found("E006", document, document.at(name), f"{name} is missing", hint=hint, symbol=name)
