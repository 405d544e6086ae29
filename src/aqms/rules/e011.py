"""A relative link points to nothing.

## What it does
Follows every inline link to a file of the repository, from the document's own folder.

## Why it is bad
The reader is sent to a page that is gone.

## Example
`[the plan](../implementation_plans/gone.md)`.

## Fix safety
There is no fix: where the file went cannot be known.
"""

from collections.abc import Iterator
from urllib.parse import unquote

from aqms.project import Project
from findings.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    """One finding for each link that leads nowhere."""
    for document in project.documents:
        for place, target in document.links():
            path = unquote(target.partition("#")[0])
            if not path or ":" in path.split("/")[0]:
                continue
            base = project.root if path.startswith("/") else (project.root / document.path).parent
            if not (base / path.lstrip("/")).exists():
                message = f"link to {path} leads nowhere; mend or remove it"
                yield Finding("E011", "error", document.path, place.line, place.column, message, symbol=path)
