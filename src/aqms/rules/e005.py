"""The type in the front matter is unknown, or not that of the folder.

## What it does
Compares `type` with the registry and with the folder the document lies in.

## Why it is bad
Two sources of truth that disagree: one list shows the document as one thing, another as something else.

## Example
`type: design` in `docs/artifacts/design_documents/`; the type is `design_document`.

## Fix safety
`aqms fix` writes the type of the folder where the given one is unknown, or an old name; it moves nothing for this.
"""

from collections.abc import Iterator
from difflib import get_close_matches

from aqms.project import Project
from aqms.rules.report import found, one_of
from findings.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    """One finding for each type that is not right."""
    types = project.registry.types
    for document in project.documents:
        if document.fields.get("type") in (None, ""):
            continue
        kind, folder = str(document.fields["type"]), project.type_of_folder(document)
        if kind not in types:
            near = [name for name, t in types.items() if kind in t.aliases] or get_close_matches(kind, types, 1)
            message, expected = f"type {kind!r} is not in the registry", one_of(list(types))
            hint = f"did you mean {near[0]}?" if near else ""
            expected = "" if near else expected
        elif folder is not None and kind != folder:
            message, expected = (
                f"type {kind} lies in the folder of {folder}",
                f"type: {folder}, or {types[kind].folder}/",
            )
            hint = "make them agree"
        else:
            continue
        yield found("E005", document, document.at("type"), message, expected=expected, hint=hint, symbol="type")
