"""What the verbs share: where they run, options, wrong use."""

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from aqms import registry
from aqms.progress import shown
from aqms.project import Project, find_root

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Files = Annotated[list[Path] | None, typer.Argument(help="Documents.", show_default=False)]
Every = Annotated[bool, typer.Option("--all", help="Every document in the registry's folders.")]


def fail(message: str) -> NoReturn:
    """End with one line that says what is wrong and what to do; exit code 2."""
    print(f"aqms: {message}", file=sys.stderr)
    raise typer.Exit(2)


def open_project(*, cached: bool = True) -> Project:
    """The documents of the repository that the command is run in, none read yet."""
    root = find_root(Path.cwd())
    return Project(root, registry.load(root), cached=cached)


def add_files(project: Project, files: list[Path], *, every: bool) -> None:
    """Read the named documents, and with ``every`` all others too; wrong use when one is not there."""
    gone = [str(file) for file in files if not file.is_file()]
    if gone:
        fail(f"{', '.join(gone)}: no such file; check the path")
    named = {path.resolve(): path for path in files}
    project.add(named.values())
    if every:
        add_paths(project, [path for path in project.all_files() if path not in named])


def tell_pages(project: Project) -> None:
    """Say on standard error which of the named files are no documents, and what that means."""
    roots = " and ".join(sorted(root.as_posix() for root in project.registry.roots()))
    for page in project.pages:
        if page.path == project.registry.index:
            print(f"aqms: {page.path}: the index; only its links and text were checked", file=sys.stderr)
            continue
        remedy = f"`aqms fix {shlex.quote(page.path)} --type T` makes it a document"
        print(f"aqms: {page.path}: outside {roots}; only its links and text were checked; {remedy}", file=sys.stderr)


def add_paths(project: Project, paths: Iterable[Path]) -> None:
    """Read documents with a progress bar."""
    for path in shown(list(paths), "reading"):
        project.add_file(path)
