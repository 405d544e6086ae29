"""``ocr ablation``: a grid of trainings, and what each factor was worth."""

import json as json_format
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from findings.counted import counted
from ocr.cli.progress import steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from ocr.records.ablation.grid import Grid
    from ocr.records.ablation.run import JobState

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)

HOME = Path("outputs") / "ablation"
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the ablation: ROOT/NAME.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Out = Annotated[Path | None, typer.Option(help="File to write in place of stdout.")]


class Table(StrEnum):
    """How a table is written."""

    markdown = "markdown"
    csv = "csv"
    latex = "latex"


@app.callback()
def ablation() -> None:
    """Run a declared grid of trainings and tell what each factor was worth."""


@app.command()
def run(
    grid: Annotated[Path, typer.Argument(metavar="GRID.yaml", help="The declared ablation.")],
    root: Annotated[Path, typer.Option(help="Folder for ablations; the runs go to ROOT/NAME/JOB/1.")] = HOME,
    jobs: Annotated[int, typer.Option(min=1, help="Trainings at a time.")] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the commands, run nothing.")] = False,
    json: Json = False,
) -> None:
    """Train every job of a grid, each in a process and a run folder of its own.

    Called again it goes on: what is completed stays, what was interrupted resumes, what failed is tried anew. A job
    that fails stops no other. Exits 1 when not all are completed, or the metric is missing.

    A grid:

      {name: rate, base: [experiment=det_receipt, data.root=data/receipts], metric: val/hmean,
       factors: {train.optimizer.lr: [0.0001, 0.0003]}, seeds: [1, 2, 3]}

    Examples:

      ocr ablation run rate.yaml --jobs 2

      ocr ablation table outputs/ablation/rate
    """
    from ocr.records.ablation.grid import read_grid
    from ocr.records.ablation.run import TRAIN, run_all

    declared = read_grid(grid)
    home = root / declared.name
    if dry_run:
        for job in declared.jobs():
            print(" ".join(["ocr", TRAIN[-1], *declared.overrides(job), f"hydra.run.dir={home / job.name / '1'}"]))
        return
    with steps(declared.name, len(declared.jobs())) as step:
        states = run_all(declared, home, jobs=jobs, tell=lambda state: _tell(state, step))
    if json:
        _print_rows(declared, states)
    done = sum(state.state == "completed" for state in states)
    print(f"{home}: {done} of {counted(len(states), 'job')} completed", file=sys.stderr)
    _say_unlogged(declared, states)
    if done < len(states):
        raise typer.Exit(1)


@app.command()
def collect(folder: Folder, out: Out = None, json: Json = False) -> None:
    """Gather every job of an ablation into one table: factors, seed, state, metrics. CSV, or JSON.

    Example:

      ocr ablation collect outputs/ablation/rate --out rate.csv
    """
    import csv
    import io

    from durable.replace import write_text
    from ocr.records.ablation.effects import rows

    grid, states = _open(folder)
    if json:
        _print_rows(grid, states)
        return
    found = rows(grid, states)
    text = io.StringIO()
    columns = list(dict.fromkeys(key for row in found for key in row))
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    if out is None:
        print(text.getvalue(), end="")
    else:
        write_text(out, text.getvalue())


@app.command()
def table(
    folder: Folder,
    format: Annotated[Table, typer.Option(help="Markdown, CSV or LaTeX.")] = Table.markdown,
    out: Out = None,
    json: Json = False,
) -> None:
    """Tell what each value of each factor gives: mean, spread over seeds, difference from the baseline.

    Examples:

      ocr ablation table outputs/ablation/rate

      ocr ablation table outputs/ablation/rate --format latex --out rate.tex
    """
    from dataclasses import asdict

    from durable.replace import write_text
    from ocr.records.ablation.effects import effects
    from ocr.records.ablation.tables import FORMATS

    grid, states = _open(folder)
    found = effects(grid, states)
    text = json_format.dumps([asdict(one) for one in found], indent=1) + "\n" if json else FORMATS[format](found)
    if out is None:
        print(text, end="")
    else:
        write_text(out, text)
    _say_unlogged(grid, states)


@app.command()
def plot(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="Picture to write; its suffix says PNG, SVG or PDF.")] = Path(
        "ablation.png"
    ),
) -> None:
    """Draw what `table` tells.

    Example:

      ocr ablation plot outputs/ablation/rate --out rate.svg
    """
    from ocr.errors import ConfigError
    from ocr.records.ablation.effects import effects
    from ocr.records.ablation.tables import save_plot

    if out.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise ConfigError(f"--out {out}: pictures are .png, .svg or .pdf")
    grid, states = _open(folder)
    save_plot(effects(grid, states), grid.metric, out)
    print(out)
    _say_unlogged(grid, states)


def _open(folder: Path) -> "tuple[Grid, list[JobState]]":
    from ocr.records.ablation.grid import read_grid
    from ocr.records.ablation.run import job_state

    grid = read_grid(folder)
    return grid, [job_state(folder, job) for job in grid.jobs()]


def _print_rows(grid: "Grid", states: "list[JobState]") -> None:
    from ocr.records.ablation.effects import rows

    print(json_format.dumps(rows(grid, states), ensure_ascii=False, indent=1))


def _say_unlogged(grid: "Grid", states: "list[JobState]") -> None:
    """Say which jobs are in no table, as they did not log the metric, and exit with 1."""
    from ocr.records.ablation.effects import unlogged

    if (line := unlogged(grid, states)) is not None:
        print(line, file=sys.stderr)
        raise typer.Exit(1)


def _tell(state: "JobState", step: "Callable[[], None]") -> None:
    """Say how a job stands, why when it did not end well, and count it once it has ended."""
    reason = "" if state.reason is None else f": {state.reason}"
    print(f"{state.job.name}: {state.state}{reason}", file=sys.stderr, flush=True)
    if state.state != "running":
        step()
