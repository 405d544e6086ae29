"""``ocr runs``: list, show, compare and annotate training runs."""

import json as json_format
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from findings.counted import counted
from ocr.cli.listing import (
    OUTPUTS,
    Format,
    How,
    Json,
    Limit,
    Roots,
    Sort,
    Where,
    print_rows,
    relative,
    report,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ocr.records.run import RunRecord

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A run folder, an id or its beginning, or `latest`.")]
All = Annotated[bool, typer.Option("--all", help="Archived runs too.")]

COLUMNS = {
    "id": "id",
    "status": "status",
    "name": "name",
    "task": "task",
    "epoch": "epoch",
    "step": "step",
    "metric": "metric",
    "tags": "tags",
    "folder": "folder",
}


@app.callback()
def runs() -> None:
    """List, show, compare and annotate training runs. The files of a run are the truth; the index is a cache."""


@app.command(name="list")
def list_(
    root: Roots = OUTPUTS,
    where: Where = None,
    sort: Sort = None,
    limit: Limit = None,
    every: All = False,
    how: How = Format.text,
    json: Json = False,
) -> None:
    """List runs, the newest first. Exits 1 when the record of one cannot be read.

    Examples:

      ocr runs list --where "status=completed tags=paper hmean>0.9"

      ocr runs list --where "started>2026-01-31 notes~longer" --sort -hmean --limit 10
    """
    from ocr.records.catalog import Catalog, arrange

    catalog = Catalog(root)
    rows = [row for row in catalog.runs() if every or not row.get("archived")]
    _print(arrange(rows, where, sort or "-started", limit), as_json=json or how is Format.json)
    report(catalog.problems)


@app.command()
def show(
    name: Name,
    root: Roots = OUTPUTS,
    repro: Annotated[bool, typer.Option("--repro", help="Print the command that repeats the run.")] = False,
    how: How = Format.text,
    json: Json = False,
) -> None:
    """Print the record of a run.

    Examples:

      ocr runs show 20260131-120000-3fa2c1

      ocr runs show outputs/2026-01-31/12-00-00 --repro
    """
    from ocr.records.compare import repeat_command
    from ocr.records.find import run_folder
    from ocr.records.liveness import true_status
    from ocr.records.run import read_record

    folder = run_folder(name, root)
    record = read_record(folder)
    if repro:
        if record.git_dirty:
            print("files of the repository were changed when it ran; they are not in that revision", file=sys.stderr)
        print(repeat_command(record))
        return
    content = {"folder": str(folder), **record.model_dump(mode="json")}
    content["status"] = true_status(folder, content)
    if json or how is Format.json:
        print(json_format.dumps(content, ensure_ascii=False, indent=1))
        return
    for key, value in content.items():
        if isinstance(value, dict):
            print(f"{key}:" + "".join(f"\n  {name}: {shown(child)}" for name, child in value.items()))
        else:
            print(f"{key}: {shown(value)}")


@app.command()
def diff(a: Name, b: Name, root: Roots = OUTPUTS, how: How = Format.text, json: Json = False) -> None:
    """Print what differs between two runs: config, data, code, packages, metrics. Exits 1 when something does.

    Examples:

      ocr runs diff 20260131-120000-3fa2c1 20260201-090000-77ab01
    """
    from ocr.records.compare import difference
    from ocr.records.find import run_folder
    from ocr.records.run import read_record

    folders = [run_folder(name, root) for name in (a, b)]
    found = difference(*((folder, read_record(folder)) for folder in folders))
    if json or how is Format.json:
        print(json_format.dumps(found, ensure_ascii=False, indent=1))
    for part, changes in {} if json or how is Format.json else found.items():
        print(part)
        for key, (left, right) in changes.items():
            print(f"  {key}: {shown(left)} -> {shown(right)}")
    if found:
        raise typer.Exit(1)


@app.command()
def tag(
    name: Name,
    tags: Annotated[list[str], typer.Argument(help="Words to find the run by.")],
    root: Roots = OUTPUTS,
    remove: Annotated[bool, typer.Option("--remove", help="Take them away.")] = False,
) -> None:
    """Add tags to a run, or take them away.

    Examples:

      ocr runs tag 20260131-120000-3fa2c1 paper table-2
    """

    def change(record: "RunRecord") -> None:
        kept = [tag for tag in record.tags if tag not in tags]
        record.tags = kept if remove else [*kept, *dict.fromkeys(tags)]

    _edit(name, root, change)


@app.command()
def note(name: Name, text: Annotated[str, typer.Argument(help="What to remember.")], root: Roots = OUTPUTS) -> None:
    """Add a note to a run.

    Examples:

      ocr runs note 20260131-120000-3fa2c1 "the longer schedule was worth it"
    """
    _edit(name, root, lambda record: record.notes.append(text))


@app.command()
def archive(
    name: Name,
    root: Roots = OUTPUTS,
    undo: Annotated[bool, typer.Option("--undo", help="List it again.")] = False,
) -> None:
    """Leave a run out of listings; its files stay where they are.

    Examples:

      ocr runs archive 20260131-120000-3fa2c1
    """
    _edit(name, root, lambda record: setattr(record, "archived", not undo))


@app.command()
def watch(
    root: Roots = OUTPUTS,
    where: Where = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="Time between looks.")] = 5.0,
    looks: Annotated[int | None, typer.Option(min=1, help="Stop after so many; default: Ctrl-C.")] = None,
) -> None:
    """List the runs that are running, again and again.

    Examples:

      ocr runs watch --where task=detection
    """
    from ocr.records.catalog import Catalog

    done = 0
    while looks is None or done < looks:
        if done:
            time.sleep(seconds)
        rows = [row for row in Catalog(root).find_runs(where) if row.get("status") in ("created", "running")]
        if sys.stdout.isatty():
            print("\033[2J\033[H", end="")
        print(time.strftime("%H:%M:%S"), f"{len(rows)} running")
        _print(rows, as_json=False)
        done += 1


@app.command()
def reindex(root: Roots = OUTPUTS) -> None:
    """Forget the index and read every record and card again.

    Examples:

      ocr runs reindex --root outputs --root /shared/outputs
    """
    from ocr.records.catalog import Catalog, open_store

    for folder in root:
        if folder.is_dir():
            with open_store(folder) as store:
                store.clear()
    catalog = Catalog(root)
    found = len(catalog.runs())
    problems = catalog.problems
    print(f"{counted(found, 'run')}, {counted(len(catalog.checkpoints()), 'checkpoint')}")
    report(dict.fromkeys([*problems, *catalog.problems]))


class Target(StrEnum):
    """Whose form to export to."""

    mlflow = "mlflow"
    tensorboard = "tensorboard"


@app.command()
def export(
    address: Annotated[str, typer.Argument(help="Tracking URI of MLflow, or a folder for TensorBoard.")],
    to: Annotated[Target, typer.Option("--to", help="Who is to read them.")],
    root: Roots = OUTPUTS,
    where: Where = None,
    every: All = False,
    experiment: Annotated[str, typer.Option(help="MLflow's experiment to put them in.")] = "receipt-ocr",
) -> None:
    """Copy runs to MLflow or TensorBoard: parameters, every logged number, tags, cards. Exits 1 when one cannot be.

    A run that is there already is passed over. Checkpoints stay where they are.

    Examples:

      ocr runs export --to mlflow sqlite:///mlflow.sqlite --where status=completed

      ocr runs export --to tensorboard events
    """
    from ocr.errors import RecordError
    from ocr.records.catalog import Catalog
    from ocr.records.exports import MlflowExport, TensorBoardExport, read_content
    from ocr.records.layout import WHOLE
    from ocr.records.scan import Problem

    catalog = Catalog(root)
    rows = [row for row in catalog.find_runs(where, sort="started") if every or not row.get("archived")]
    target = MlflowExport(address, experiment) if to is Target.mlflow else TensorBoardExport(Path(address))
    problems = list(catalog.problems)
    added = 0
    for row in _with_bar([row for row in rows if row["state"] == WHOLE]):
        try:
            content = read_content(Path(row["folder"]))
        except RecordError as error:
            problems.append(Problem(row["folder"], str(error)))
            continue
        added += target.add(content)
    print(f"{added} of {counted(len(rows), 'run')} added to {address}")
    report(problems)


def _with_bar(rows: list[Any]) -> "Iterator[Any]":
    """The rows one by one, with a progress bar on a terminal's stderr."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(rows, "exporting", console=console, disable=not console.is_terminal)


def _edit(name: str, root: list[Path], change: "Callable[[RunRecord], None]") -> None:
    from ocr.records.find import run_folder
    from ocr.records.run import edit_record

    record = edit_record(run_folder(name, root), change)
    archived = " (archived)" if record.archived else ""
    print(f"{record.id}{archived} tags: {shown(record.tags)} notes: {len(record.notes)}")


def _print(rows: Any, *, as_json: bool) -> None:
    if not as_json:
        rows = [{**row, "folder": relative(row["folder"]), "metric": _headline(row)} for row in rows]
    print_rows(rows, COLUMNS, as_json=as_json)


def _headline(row: Any) -> str | None:
    """The metric that tells most of a run."""
    metrics = row.get("metrics") or {}
    name = next((name for name in ("val/hmean", "val/accuracy", *sorted(metrics)) if name in metrics), None)
    return None if name is None else f"{name.rpartition('/')[2]}={metrics[name]:.4f}"
