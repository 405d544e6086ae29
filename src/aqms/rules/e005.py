"""The type in the front matter is unknown, or not that of the folder.

## What it does
Compares `type` with the registry and with the folder the document lies in.

## Why it is bad
Two sources of truth that disagree: one list shows the document as one thing, another as something else.

## Example
`type: design` in `docs/artifacts/design_documents/`; the type is `design_document`.

## Fix safety
There is no fix yet.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import PurePosixPath

from aqms.project import Project
from findings.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    """One finding for each type that is not right."""
    registry = project.registry
    for document in project.documents:
        if "type" not in document.fields:
            continue
        kind, place = str(document.fields["type"]), document.at("type")
        folder = registry.type_of_folder(PurePosixPath(document.path))
        if kind not in registry.types:
            near = get_close_matches(kind, registry.types, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; types are {', '.join(registry.types)}"
            message = f"type {kind!r} is not in the registry{hint}"
        elif folder is not None and kind != folder:
            message = (
                f"type {kind} lies in the folder of {folder}; expected type: {folder}, or {registry.folder(kind)}/"
            )
        else:
            continue
        yield Finding("E005", "error", document.path, place.line, place.column, message, symbol="type")
