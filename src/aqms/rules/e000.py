"""A document cannot be read.

## What it does
Reports files that are not UTF-8 or may not be opened, and front matter that is missing, unclosed, not YAML, not a
mapping, or has a key twice.

## Why it is bad
Nothing else about such a document can be known; a tool that skips it reports success.

## Example
```
---
title: Plan: the second colon needs quotes
---
```

## Fix safety
There is no fix: what was meant cannot be known.
"""

from collections.abc import Iterator

from aqms.project import Project
from findings.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    """One finding for each document that cannot be read."""
    for path, reason in project.unreadable:
        yield Finding("E000", "error", path, 1, 1, f"cannot be read ({reason}); save it as UTF-8")
    for document in project.documents:
        if document.problem is not None:
            place, message = document.problem
            yield Finding("E000", "error", document.path, place.line, place.column, message)
