"""`aqms types`, `aqms list` and `aqms explain`."""

import json
from typing import Annotated

import typer

from aqms.commands.output import AsJson, add_files, fail, open_project


def types(as_json: AsJson = False) -> None:
    """List the document types: folder, file name, sections.

    Example:

      aqms types --json
    """
    rows = {
        name: {
            "folder": kind.folder.as_posix(),
            "filename": kind.filename,
            "description": kind.description,
            "category": kind.category,
            "categories": list(kind.categories),
            "statuses": list(kind.statuses),
            "sections": [list(names) for names in kind.sections],
        }
        for name, kind in open_project().registry.types.items()
    }
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for name, row in rows.items():
        sections = ", ".join(names[0] for names in row["sections"])
        print(f"{name:20} {row['folder']}/{row['filename']}  ({sections})")


def list_documents(
    kind: Annotated[str | None, typer.Option("--type", help="Only documents of this type.")] = None,
    status: Annotated[str | None, typer.Option(help="Only documents with this status.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the documents with type, status and title.

    Example:

      aqms list --type decision --status active
    """
    project = open_project()
    add_files(project, [], every=True)
    project.cache.save()
    rows = [
        {"path": d.path, **{key: str(d.fields.get(key, "")) for key in ("type", "status", "date", "title")}}
        for d in project.documents
    ]
    rows = [row for row in rows if kind in (None, row["type"]) and status in (None, row["status"])]
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row in rows:
        print(f"{row['type']:20} {row['status']:10} {row['path']}  {row['title']}")


def explain(code: Annotated[str, typer.Argument(help="A code such as E005.")]) -> None:
    """Print the page of a rule.

    Example:

      aqms explain E011
    """
    from aqms.rules.table import RULES
    from findings import rule

    found = rule.find(RULES, code)
    if found is None:
        fail(f"there is no rule {code}; codes are {', '.join(r.code for r in RULES)}")
    print(rule.page(found), end="")
