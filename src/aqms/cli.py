"""The ``aqms`` command."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Validate and create the Markdown documents a team lives by.",
)
Format = Annotated[str, typer.Option("--format", help="text, json, sarif or github.")]
AsJson = Annotated[bool, typer.Option("--json", help="Short for --format json.")]


@app.command()
def validate(
    files: Annotated[list[Path] | None, typer.Argument(help="Documents to check.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every document in the registry's folders.")] = False,
    staged: Annotated[bool, typer.Option("--staged", help="The documents staged for the next commit.")] = False,
    form: Format = "text",
    as_json: AsJson = False,
) -> None:
    """Check documents against the registry; exit code 0 clean, 1 findings, 2 wrong use.

    Examples:

      aqms validate --all

      aqms validate docs/artifacts/audits/2026-01-29_0330_audit_imports.md --json
    """
    from aqms import registry
    from aqms.project import Project, find_root
    from aqms.rules.table import RULES
    from findings import engine, report

    form = "json" if as_json else form
    if form not in ("text", "json", "sarif", "github"):
        _fail(f"format {form!r} is unknown; choose text, json, sarif or github")
    root = find_root(Path.cwd())
    project = Project(root, registry.load(root))
    listed = list(files or [])
    if not (listed or every or staged):
        _fail("nothing to check; give files, --all or --staged")
    gone = [str(file) for file in listed if not file.is_file()]
    if gone:
        _fail(f"{', '.join(gone)}: no such file; check the path")
    if staged:
        chosen = set(project.all_files())
        listed += [path for path in _staged(root) if path in chosen]
    if every:
        listed += project.all_files()
    project.add(dict.fromkeys(path.resolve() for path in listed))
    outcome = engine.run(RULES, project, tool="aqms", read=project.read)
    print(report.render(outcome, form), end="")  # type: ignore[arg-type]
    raise typer.Exit(outcome.exit_code)


@app.command()
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
    from aqms import registry
    from aqms.create import create as write
    from aqms.project import find_root

    root = find_root(Path.cwd())
    path = write(root, registry.load(root), kind=kind, name=name, title=title, now=datetime.now().astimezone())
    shown = path.relative_to(root).as_posix()
    print(json.dumps({"path": shown}) if as_json else shown)


@app.command()
def types(as_json: AsJson = False) -> None:
    """List the document types: folder, file name, sections."""
    from aqms import registry
    from aqms.project import find_root

    known = registry.load(find_root(Path.cwd()))
    rows = {
        name: {
            "folder": known.folder(name).as_posix(),
            "filename": kind.filename,
            "category": kind.category,
            "statuses": list(known.statuses_of(name)),
            "sections": list(kind.sections),
        }
        for name, kind in known.types.items()
    }
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for name, row in rows.items():
        print(f"{name:20} {row['folder']}/{row['filename']}  ({', '.join(row['sections'])})")


@app.command("list")
def list_documents(as_json: AsJson = False) -> None:
    """List the documents with type, status and title."""
    from aqms import registry
    from aqms.project import Project, find_root

    root = find_root(Path.cwd())
    project = Project(root, registry.load(root))
    project.add(project.all_files())
    rows = [
        {"path": d.path, **{key: str(d.fields.get(key, "")) for key in ("type", "status", "date", "title")}}
        for d in project.documents
    ]
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row in rows:
        print(f"{row['type']:20} {row['status']:10} {row['path']}  {row['title']}")


@app.command()
def explain(code: Annotated[str, typer.Argument(help="A code such as E005.")]) -> None:
    """Print the page of a rule."""
    from aqms.rules.table import RULES
    from findings import rule

    found = rule.find(RULES, code)
    if found is None:
        _fail(f"there is no rule {code}; codes are {', '.join(r.code for r in RULES)}")
    print(rule.page(found), end="")


def _staged(root: Path) -> list[Path]:
    command = ["git", "-C", str(root), "diff", "--cached", "--name-only", "--diff-filter=ACMR", "-z"]
    try:
        done = subprocess.run(command, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        _fail(f"{root}: git cannot tell what is staged; run it in a git repository")
    return [root / name for name in done.stdout.decode().split("\0") if name]


def _fail(message: str) -> NoReturn:
    print(f"aqms: {message}", file=sys.stderr)
    raise typer.Exit(2)


def main() -> int:
    """Run the command line and return its exit code: 2 for wrong use, with one line that says what to do."""
    from aqms.create import CreateError
    from aqms.project import OutsideError
    from aqms.registry import RegistryError

    try:
        return int(app(standalone_mode=True) or 0)
    except (CreateError, OutsideError, RegistryError) as error:
        print(f"aqms: {error}", file=sys.stderr)
        return 2
