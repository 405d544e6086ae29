"""`aqms create`, `aqms fix` and `aqms index`."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aqms.commands.output import AsJson, Every, Files, add_files, fail, open_project, tell_pages
from findings.counted import counted

if TYPE_CHECKING:
    from aqms.fix.plan import Repair


def create(
    kind: Annotated[str, typer.Option("--type", help="A type of the registry; `aqms types` lists them.")],
    name: Annotated[str, typer.Option(help="Words joined by hyphens, for the file name.")],
    title: Annotated[str, typer.Option(help="The document's title.")],
    as_json: AsJson = False,
) -> None:
    """Write a new document that validates.

    Example:

      aqms create --type audit --name import-audit --title "Imports after the move"
    """
    from aqms import create as new

    project = open_project()
    now = datetime.now().astimezone()
    path = new.create(project.root, project.registry, kind=kind, name=name, title=title, now=now)
    shown = path.relative_to(project.root).as_posix()
    print(json.dumps({"path": shown}, ensure_ascii=False) if as_json else shown)


def fix(
    files: Files = None,
    every: Every = False,
    kind: Annotated[str | None, typer.Option("--type", help="Type of documents that do not say theirs.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Mend garbled text, front matter, names and links; exit code 1 when findings remain.

    Only what a document says itself is used: title from its heading, date from its name or text, type from its folder.
    Files are renamed by git where git tracks them.

    Examples:

      aqms fix --all --dry-run

      aqms fix docs/artifacts/tracking/hydra-refactor-tracker.md

      aqms fix old/notes.md --type research
    """
    from aqms.fix import plan

    if not (files or every):
        fail("nothing to mend; give files or --all")
    project = open_project(cached=every)
    if kind is not None and kind not in project.registry.types:
        fail(f"type {kind!r} is not in the registry; types are {', '.join(project.registry.types)}")
    add_files(project, _finished(project.root, files or [], dry_run), every=every)
    repairs = plan.plan(project, kind)
    if not dry_run:
        plan.apply(project.root, repairs)
    moved = {repair.path: repair.target for repair in repairs}
    after = open_project(cached=False)
    if not dry_run:
        paths = [*(d.path for d in project.texts), *(path for path, _ in project.unreadable)]
        for path in paths:
            after.add_file(after.root / moved.get(path, path))
    from aqms.rules.table import RULES
    from findings import engine, report

    tell_pages(after)
    outcome = engine.run(RULES, after, tool="aqms", read=after.read)
    if as_json:
        rows = [{"path": r.path, "target": r.target, "done": r.notes, "diff": r.change.diff()} for r in repairs]
        found = None if dry_run else report.document(outcome)
        print(json.dumps({"schema_version": 1, "repairs": rows, "remaining": found}, indent=2, ensure_ascii=False))
    else:
        print("".join(map(_told, repairs)), end="")
        print("".join(r.change.diff() for r in repairs) if dry_run else report.text(outcome), end="")
    raise typer.Exit(0 if dry_run else outcome.exit_code)


def _finished(root: Path, files: list[Path], dry_run: bool) -> list[Path]:
    """The files under the names that they have once a killed fix is finished, which is done first."""
    from aqms.fix import journal

    if dry_run and journal.pending(root):
        fail("a fix was killed before its end; run `aqms fix` without --dry-run, which finishes it, and look then")
    moved = {root / old: root / new for old, new in journal.finish(root).items()}
    for old, new in moved.items():
        names = f"{old.relative_to(root).as_posix()} -> {new.relative_to(root).as_posix()}"
        print(f"aqms: finished the fix that was killed: {names}", file=sys.stderr)
    return [moved.get(file.resolve(), file) for file in files]


def _told(repair: "Repair") -> str:
    head = repair.path if repair.target == repair.path else f"{repair.path} -> {repair.target}"
    return f"{head}\n" + "".join(f"  {note}\n" for note in repair.notes)


def index(
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether the page is current; exit code 1 if not.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the page that lists every document, by type, newest first.

    Example:

      aqms index --check
    """
    from aqms import index as page

    project = open_project()
    add_files(project, [], every=True)
    project.cache.save()
    current = page.is_current(project)
    if not check and not current:
        page.write(project)
    path = project.registry.index
    state = "current" if current else "out of date; run `aqms index`" if check else "written"
    if as_json:
        print(json.dumps({"path": path, "current": current or not check, "documents": len(project.documents)}))
    else:
        print(f"{path}: {state}, {counted(len(project.documents), 'document')}")
    raise typer.Exit(1 if check and not current else 0)
