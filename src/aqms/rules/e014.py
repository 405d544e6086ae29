"""The front matter breaks the schema of the registry or of the document's type.

## What it does
Checks the front matter against the JSON Schemas that the registry has under `front_matter`, for all documents and for
each type.

## Why it is bad
Programs that read the field get something else than they were promised.

## Example
`priority: high` where the schema asks for a whole number from 1 to 5.

## Fix safety
There is no fix: what was meant cannot be known.
"""

from collections.abc import Iterator

from aqms import front_schema
from aqms.project import Project
from aqms.rules.report import found
from findings.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    """One finding for each field that a schema refuses."""
    registry = project.registry
    for document in project.documents:
        if document.schema is None:
            kind = registry.types.get(str(document.fields.get("type")))
            schemas = [registry.front_matter, *([kind.front_matter] if kind else [])]
            document.schema = front_schema.problems(schemas, document.fields)
            project.cache.changed = True
        for name, message in document.schema:
            hint = "mend the value"
            yield found("E014", document, document.at(name), message, hint=hint, symbol=name or "front matter")
