"""`aqms validate` and `aqms baseline`."""

from typing import Annotated

import typer

from aqms.commands.output import AsJson, Every, Files, add_files, add_paths, fail, open_project, tell_pages
from aqms.project import Project
from findings.counted import counted
from findings.engine import Outcome

BASELINE = "aqms-baseline.json"
FORMATS = ("text", "json", "sarif", "github")


def validate(
    files: Files = None,
    every: Every = False,
    staged: Annotated[bool, typer.Option("--staged", help="What the next commit adds, changes or renames.")] = False,
    form: Annotated[str, typer.Option("--format", help="text, json, sarif or github.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Read every document anew.")] = False,
    no_baseline: Annotated[bool, typer.Option("--no-baseline", help="Report accepted findings too.")] = False,
) -> None:
    """Check documents against the registry; exit code 0 clean, 1 findings, 2 wrong use.

    Examples:

      aqms validate --all

      aqms validate docs/artifacts/audits/2026-01-29_0330_audit_imports.md --json

      aqms validate --staged --format github
    """
    from findings import baseline, report

    form = "json" if as_json else form
    if form not in FORMATS:
        fail(f"format {form!r} is unknown; choose {', '.join(FORMATS)}")
    if not (files or every or staged):
        fail("nothing to check; give files, --all or --staged")
    if staged and (files or every):
        fail("--staged chooses the documents itself; leave out files and --all")
    project = open_project(cached=(every or staged) and not no_cache)  # One document is read faster than the cache.
    only = _add_staged(project) if staged else None
    if not staged:
        add_files(project, files or [], every=every)
    tell_pages(project)
    accepted = project.root / BASELINE
    known = baseline.load(accepted) if accepted.is_file() and not no_baseline else None
    outcome = _run(project, known, only)
    project.cache.save()
    print(report.render(outcome, form), end="")  # type: ignore[arg-type]
    raise typer.Exit(outcome.exit_code)


def _run(project: Project, known: object, only: set[str] | None) -> Outcome:
    from aqms.rules.table import RULES
    from findings import engine

    chosen = None if only is None else only.__contains__
    return engine.run(RULES, project, tool="aqms", read=project.read, baseline=known, only=chosen)  # type: ignore[arg-type]


def _add_staged(project: Project) -> set[str]:
    """Read every document, staged ones as they are staged; the paths to report.

    Those are the staged documents, and all that link to a file which the commit takes away.
    """
    from aqms import git
    from aqms.links import local_path, target_of

    contents, removed = git.staged(project.root)
    documents = {name: data for name, data in contents.items() if project.is_document(name)}
    skipped = {project.root / name for name in (*documents, *removed)}
    add_paths(project, [path for path in project.all_files() if path not in skipped])
    for name, data in documents.items():
        try:
            project.add_data(name, data)
        except ValueError as error:
            project.unreadable.append((name, str(error)))
    gone = set(removed)
    orphaned = {
        document.path
        for document in project.documents
        for link in document.links
        if (path := local_path(link.target)) and target_of(document.path, path) in gone
    }
    return {*documents, *orphaned}


baseline_app = typer.Typer(help="Accept findings for a while: counts may fall, never rise.", rich_markup_mode=None)


@baseline_app.command("write")
def baseline_write(
    reason: Annotated[str, typer.Option(help="Why they are accepted: deferred, optional, or words.")],
    as_json: AsJson = False,
) -> None:
    """Accept all present findings, in aqms-baseline.json.

    Example:

      aqms baseline write --reason deferred
    """
    import json

    from findings import baseline

    if not reason.strip():
        fail("the reason is empty; give one, deferred or optional")
    project = open_project()
    add_files(project, [], every=True)
    outcome = _run(project, None, None)
    path = project.root / BASELINE
    known = baseline.load(path) if path.is_file() else None
    baseline.save(path, baseline.accept(outcome.findings, reason=reason, known=known), tool="aqms")
    count = len(outcome.findings)
    print(
        json.dumps({"path": BASELINE, "accepted": count})
        if as_json
        else f"{BASELINE}: {counted(count, 'finding')} accepted"
    )


@baseline_app.command("check")
def baseline_check(as_json: AsJson = False) -> None:
    """Report what the baseline does not accept, and let it shrink to what is still there.

    Example:

      aqms baseline check
    """
    from findings import baseline, report

    project = open_project()
    path = project.root / BASELINE
    if not path.is_file():
        fail(f"{BASELINE}: there is no baseline; write one with `aqms baseline write --reason TEXT`")
    known = baseline.load(path)
    add_files(project, [], every=True)
    smaller = known.shrunk(_run(project, None, None).findings)
    if smaller != known:
        baseline.save(path, smaller, tool="aqms")
    outcome = _run(project, smaller, None)
    print(report.render(outcome, "json" if as_json else "text"), end="")
    raise typer.Exit(outcome.exit_code)
