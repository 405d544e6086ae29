"""A document lies in a folder that is no type's.

## What it does
Reports documents below the registry's roots that are in no type's folder.

## Why it is bad
A document in the wrong place is not listed and not checked.

## Example
`docs/artifacts/notes/2026-01-29_0330_audit_imports.md`: there is no type with the folder `notes`.

## Fix safety
`aqms fix` moves the file when its type is known, by git when git tracks it, and mends the links to and in it.
"""

from collections.abc import Iterator

from aqms.document import Place
from aqms.project import Project
from aqms.rules.report import found
from findings.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    """One finding for each document outside the folders of the types."""
    for document in project.documents:
        if project.type_of_folder(document) is None:
            kind = project.registry.types.get(str(document.fields.get("type")))
            expected = f"{kind.folder}/" if kind else "the folder of its type"
            hint = "move it, or run `aqms fix`"
            yield found("E004", document, Place(1, 1), "lies in no type's folder", expected=expected, hint=hint)
