"""A file name is not of the form its type asks for.

## What it does
Compares the name of each document with the pattern of the type whose folder it lies in. Names the part that is wrong:
the time stamp (E001), the type prefix (E002), or the rest (E003).

## Why it is bad
Names sort by date and say what a document is; one that does not is not found again.

## Example
`docs/artifacts/audits/imports.md` should be `docs/artifacts/audits/2026-01-29_0330_audit_imports.md`.

## Fix safety
`aqms fix` renames the file, by git when git tracks it, and mends the links to and in it.
"""

import re
from collections.abc import Iterator

from aqms.document import Place
from aqms.project import Project
from aqms.registry import DocumentType
from aqms.rules.report import found
from findings.finding import Finding

_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}_\d{4}_")


def judge(kind: DocumentType, name: str) -> tuple[str, str] | None:
    """Code and words for what is wrong with a file name; None when it is of the form that its type asks for."""
    if kind.pattern.match(name):
        return None
    if "{date" in kind.filename and not _STAMP.match(name):
        return "E001", "does not begin with a time stamp YYYY-MM-DD_HHMM_"
    if "{type}" in kind.filename and not re.match(rf"(?:{_STAMP.pattern})?{kind.name}_", name):
        return "E002", f"does not have the prefix {kind.name}_ of its folder's type"
    return "E003", "is not of the form its type asks for"


def check(project: Project, code: str) -> Iterator[Finding]:
    """Findings of one of the three codes that judge file names."""
    for document in project.documents:
        name = document.path.rpartition("/")[2]
        folder = project.type_of_folder(document)
        kind = project.registry.types[folder] if folder else None
        wrong = judge(kind, name) if kind else None
        if kind and wrong and wrong[0] == code:
            message, hint = f"file name {wrong[1]}", "rename it, or run `aqms fix`"
            yield found(code, document, Place(1, 1), message, expected=kind.filename, hint=hint, symbol=name)


def check_stamp(project: Project) -> Iterator[Finding]:
    """Time stamps."""
    return check(project, "E001")


def check_prefix(project: Project) -> Iterator[Finding]:
    """Type prefixes."""
    return check(project, "E002")


def check_form(project: Project) -> Iterator[Finding]:
    """Everything else about names."""
    return check(project, "E003")
