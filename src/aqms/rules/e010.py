"""A required section is missing.

## What it does
Each type names the headings its documents must have. A heading counts when its text begins with the name, whatever its
level, numbering and emphasis; the registry may list several names that will do for one section.

## Why it is bad
A plan without its verification is not a plan; readers look for the part and do not find it.

## Example
An implementation plan without `## Verification Plan`.

## Fix safety
There is no fix: an empty section would only hide what is missing.
"""

import re
from collections.abc import Iterator

from aqms.document import Place
from aqms.project import Project
from aqms.rules.report import found
from findings.finding import Finding

_ORNAMENT = re.compile(r"^[\W\d_]+")


def check(project: Project) -> Iterator[Finding]:
    """One finding for each missing section."""
    for document in project.documents:
        kind = project.registry.types.get(str(document.fields.get("type")))
        if kind is None or document.problem is not None:
            continue
        present = [_ORNAMENT.sub("", heading.text).casefold() for heading in document.headings]
        for names in kind.sections:
            if not any(text.startswith(name.casefold()) for text in present for name in names):
                hint = f"add a heading ## {names[0]}" + "".join(f", or {name}" for name in names[1:])
                place = Place(document.body_line, 1)
                yield found("E010", document, place, f"section {names[0]!r} is missing", hint=hint, symbol=names[0])
