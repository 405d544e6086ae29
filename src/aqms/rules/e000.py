"""A document cannot be read.

## What it does
Reports files that are not UTF-8, hold zero bytes, lead out of the repository or may not be opened, and front matter
of documents that is missing, unclosed, not YAML, not a mapping, refers to itself by an alias, or has a key twice.

## Why it is bad
Nothing else about such a document can be known; a tool that skips it reports success.

## Example
```
---
title: Plan: the second colon needs quotes
---
```

## Fix safety
`aqms fix` writes front matter where there is none, and quotes values that need it; what else was meant cannot be known.
"""

from collections.abc import Iterator

from aqms.project import Project
from aqms.rules.report import found
from findings.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    """One finding for each document that cannot be read."""
    for path, reason in project.unreadable:
        hint = "mend the file or take it away"
        yield Finding("E000", "error", path, 1, 1, f"cannot be read ({reason}); {hint}", hint=hint)
    for document in project.documents:
        if document.problem is not None:
            place, message = document.problem
            problem, _, hint = message.rpartition("; ")
            yield found("E000", document, place, problem, hint=hint)
