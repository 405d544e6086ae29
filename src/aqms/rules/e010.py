"""A required section is missing.

## What it does
Each type names the headings its documents must have. A heading counts when its text begins with the name, whatever its
level, numbering and emphasis.

## Why it is bad
A plan without its verification is not a plan; readers look for the part and do not find it.

## Example
An implementation plan without `## Verification Plan`.

## Fix safety
There is no fix: an empty section would only hide what is missing.
"""

import re
from collections.abc import Iterator

from aqms.project import Project
from findings.finding import Finding

_ORNAMENT = re.compile(r"^[\W\d_]+")


def check(project: Project) -> Iterator[Finding]:
    """One finding for each missing section."""
    for document in project.documents:
        kind = project.registry.types.get(str(document.fields.get("type")))
        if kind is None or document.problem is not None:
            continue
        present = [_ORNAMENT.sub("", text).casefold() for _, _, text in document.headings()]
        for section in kind.sections:
            if not any(text.startswith(section.casefold()) for text in present):
                message = f"section {section!r} is missing; add a heading ## {section}"
                yield Finding("E010", "error", document.path, document.body_line, 1, message, symbol=section)
