"""A document lies in a folder that is no type's.

## What it does
Reports documents below the registry's roots that are in no type's folder.

## Why it is bad
A document in the wrong place is not listed and not checked.

## Example
`docs/artifacts/notes/2026-01-29_0330_audit_imports.md`: there is no type with the folder `notes`.

## Fix safety
There is no fix yet: links to the old place would break.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath

from aqms.project import Project
from findings.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    """One finding for each document outside the folders of the types."""
    registry = project.registry
    for document in project.documents:
        if registry.type_of_folder(PurePosixPath(document.path)) is None:
            wanted = document.fields.get("type")
            where = f"{registry.folder(wanted)}/" if wanted in registry.types else "the folder of its type"
            yield Finding("E004", "error", document.path, 1, 1, f"lies in no type's folder; move it to {where}")
