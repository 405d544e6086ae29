"""``ocr batch``: many pages to JSON lines or Parquet, resumable."""

import json as json_module
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from findings.counted import counted
from ocr.cli.finite import finite

if TYPE_CHECKING:
    from ocr.batch.plan import Done, Plan

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


class Engine(StrEnum):
    """Who runs the workers."""

    local = "local"
    ray = "ray"


class Format(StrEnum):
    """What results are written as."""

    parquet = "parquet"
    jsonl = "jsonl"


@app.command()
def batch(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Images, PDFs, folders, patterns, .tar shards, .parquet files; paths, or URLs such as s3://scans/.",
        ),
    ],
    out: Annotated[str, typer.Option(help="Folder for results, by path or URL; the same one goes on with a batch.")],
    engine: Annotated[Engine, typer.Option(help="Processes of this machine, or actors of Ray.")] = Engine.local,
    workers: Annotated[int | None, typer.Option(min=1, help="Default: one for each core it may use.")] = None,
    format: Annotated[Format, typer.Option(help="Form of the results.")] = Format.parquet,
    shard: Annotated[int, typer.Option(min=1, help="Items of one result file; what a killed worker does again.")] = 25,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Read the pages that failed again.")] = False,
    retries: Annotated[int, typer.Option(min=0, max=10, help="How often to try again to load an item.")] = 2,
    page_seconds: Annotated[
        float, typer.Option(callback=finite, min=1, help="Longest time for one page; then its worker ends.")
    ] = 300,
    column: Annotated[str | None, typer.Option(help="Column of .parquet files that holds the images.")] = None,
    dpi: Annotated[int, typer.Option(min=20, max=1200, help="Resolution at which PDF pages are rendered.")] = 200,
    detector: Annotated[str, typer.Option(help="Detection bundle: a shipped one's name, or a folder.")] = "detector",
    recognizer: Annotated[str, typer.Option(help="Recognition bundle, likewise.")] = "recognizer",
    address: Annotated[str | None, typer.Option(help="Ray cluster to join; default: start Ray here.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Read many pages and write them in shards; run the same command again to go on after any interruption.

    Exit code 0: every page was read. 1: some failed, listed in OUT/failed.jsonl. 2: none could be, or wrong use.

    Examples:

      ocr batch scans/ --out read

      ocr batch 'scans/*.pdf' shards/*.tar --out read --format jsonl --workers 2

      ocr batch scans/ --out read --retry-failed

      ocr batch s3://bucket/scans --out s3://bucket/read --engine ray --address auto --workers 64 --shard 1000
    """
    from ocr.batch.plan import BatchSettings
    from ocr.batch.run import FAILED, HowToRun, model_ids, run_batch
    from ocr.inference.threads import available_cores

    settings = BatchSettings(
        inputs=inputs,
        format=format.value,
        detector=_place(detector),
        recognizer=_place(recognizer),
        models=model_ids(detector, recognizer),
        dpi=dpi,
        column=column,
        shard_items=shard,
    )
    how = HowToRun(
        engine=engine.value,
        workers=workers or available_cores(),
        retries=retries,
        page_seconds=page_seconds,
        retry_failed=retry_failed,
        address=address,
    )
    with ExitStack() as shown:
        summary = run_batch(out, settings, how, lambda plan: _progress(plan, shown))
    if json:
        print(json_module.dumps({**summary._asdict(), "out": out}))
    else:
        print(
            f"{counted(summary.pages, 'page')} of {counted(summary.items, 'item')} in {out}, "
            f"{summary.failed} failed; {summary.pages_now} now"
        )
    if summary.unplanned:
        print(
            f"ocr batch: {counted(summary.unplanned, 'file')} came after this batch was planned and will not be read; "
            "give another --out to read all, or these by themselves",
            file=sys.stderr,
        )
    if summary.failed:
        print(f"ocr batch: {counted(summary.failed, 'page')} failed; {out}/{FAILED} lists them", file=sys.stderr)
    raise typer.Exit(0 if not summary.failed else 1 if summary.failed < summary.pages else 2)


def _place(bundle: str) -> str:
    """A bundle as workers find it wherever they are started: a shipped one's name, or an absolute path."""
    return os.path.abspath(bundle) if Path(bundle).is_dir() else bundle


def _progress(plan: "Plan", shown: ExitStack) -> Callable[["int | Done"], None]:
    """A bar of shards with a count of pages on stderr when somebody watches, else nothing."""
    if not sys.stderr.isatty():
        return lambda _: None
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bar = shown.enter_context(
        Progress(
            TextColumn("reading"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} shards, {task.fields[pages]} pages"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
    )
    task = bar.add_task("reading", total=plan.shards, completed=len(plan.folder.names("done")), pages=0)
    pages = 0

    def report(event: "int | Done") -> None:
        nonlocal pages
        if isinstance(event, int):
            pages += 1
            bar.update(task, pages=pages)
        else:
            bar.advance(task)

    return report
