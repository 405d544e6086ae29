"""`compass plan`: check, order, draw, run and take back a plan."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compass.errors import CompassError
from compass.output import Json, emit

if TYPE_CHECKING:
    from compass.plan.model import Plan, Step
    from compass.plan.validations import Result

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Executable plans in YAML or Markdown.")
File = Annotated[Path, typer.Argument(help="The plan, .yaml or .md.")]


@app.command()
def validate(file: File, as_json: Json = False) -> None:
    """Find cycles, missing dependencies and contradictions. Exit 1 when there are findings."""
    from compass.home import find_home
    from compass.plan import check, model
    from findings.counted import counted
    from findings.engine import summarize
    from findings.report import line

    plan = model.read(file)
    try:
        root = find_home(file.resolve().parent).root
    except CompassError:
        root = file.resolve().parent
    found = check.check(plan, root, str(file))
    data = {"plan": _plan(plan), "findings": [finding.as_json() for finding in found], "summary": summarize(found)}
    lines = [*map(line, found), f"{plan.title}: {counted(len(plan.steps), 'step')}, {counted(len(found), 'finding')}"]
    emit("plan-validate", data, "\n".join(lines), as_json=as_json)
    if any(finding.severity != "info" for finding in found):
        raise typer.Exit(1)


@app.command()
def graph(file: File, as_json: Json = False) -> None:
    """Draw the steps and their dependencies as a Mermaid flow chart."""
    from compass.plan import graph as graphs
    from compass.plan import model

    plan = model.read(file)
    edges = [[other, step.step_id] for step in plan.steps for other in step.depends_on]
    text = graphs.mermaid(plan)
    emit(
        "plan-graph", {"steps": [s.step_id for s in plan.steps], "edges": edges, "mermaid": text}, text, as_json=as_json
    )


@app.command()
def order(file: File, as_json: Json = False) -> None:
    """Print the steps in order; those on one line may run in parallel."""
    from compass.plan import graph as graphs
    from compass.plan import model, run

    plan = model.read(file)
    run.ordered(plan, ())
    groups = graphs.batches(plan)
    lines = [f"{number}. {', '.join(step.step_id for step in group)}" for number, group in enumerate(groups, start=1)]
    emit("plan-order", {"groups": [[s.step_id for s in group] for group in groups]}, "\n".join(lines), as_json=as_json)


@app.command("run")
def run_(
    file: File,
    step: Annotated[list[str] | None, typer.Option("--step", help="Only this step; repeat for more.")] = None,
    commit: Annotated[bool, typer.Option("--commit", help="One commit for each step that passes.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also the steps whose commits are in force.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be run.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds for each command.")] = 600.0,
    as_json: Json = False,
) -> None:
    """Run the commands and validations of the steps, in order; stop at the first failure (exit 1).

    A later run leaves out the steps that have passed and whose commits are in force.
    """
    from compass.plan import model, run
    from findings.counted import counted

    plan = model.read(file)
    steps = run.ordered(plan, step or ())
    place = run.place_of(plan)
    due = run.due(plan, place, steps, again=again)
    if dry_run:
        planned = {one.step_id: [*one.run, *(item.name for item in one.validations)] for one in due.steps}
        lines = [f"{step_id}: {name}" for step_id, names in planned.items() for name in names] + _earlier(due.earlier)
        data = {"dry_run": True, "steps": planned, "earlier": due.earlier}
        emit("plan-run", data, "\n".join(lines), as_json=as_json)
        return
    with _progress(sum(len(one.run) + len(one.validations) for one in due.steps), quiet=as_json) as report:
        ran = run.run(plan, place, steps, commit=commit, again=again, report=report, timeout=timeout)
    data = {
        "dry_run": False,
        "base": ran.base,
        "earlier": ran.earlier,
        "failed": ran.failed,
        "commits": ran.commits,
        "steps": {step_id: [asdict(result) for result in results] for step_id, results in ran.results.items()},
    }
    listed = [result for results in ran.results.values() for result in results]
    counts = ", ".join(f"{sum(r.status == s for r in listed)} {s}" for s in ("passed", "failed", "skipped", "manual"))
    end = f"stopped at {ran.failed}" if ran.failed else f"{counted(len(ran.results), 'step')} done"
    lines = [f"{end}: {counts}", *(f"{step_id} is commit {sha[:10]}" for step_id, sha in ran.commits.items())]
    lines += _earlier(ran.earlier)
    emit("plan-run", data, "\n".join(lines), as_json=as_json)
    if ran.failed:
        raise typer.Exit(1)


@app.command()
def rollback(
    file: File,
    step: Annotated[str | None, typer.Option("--step", help="Only the commits of this step.")] = None,
    path: Annotated[str | None, typer.Option("--file", help="Only this file, to the first run's commit.")] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Reset to the first run's commit; a branch keeps the rest.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take back a step, a file or the whole plan, then validate again. Refused on a dirty tree."""
    from compass.plan import model, rollback, run

    if (step is not None) + (path is not None) + reset > 1:
        raise CompassError("plan rollback: --step, --file and --reset exclude each other")
    plan = model.read(file)
    place = run.place_of(plan)
    if step is not None:
        done = rollback.one_step(plan, place, step)
    elif path is not None:
        done = rollback.one_file(plan, place, path)
    else:
        done = rollback.whole(plan, place, reset=reset)
    lines = [f"rolled back: {step or path or plan.title}"]
    lines += [f"{'new commit' if path else 'reverted'} {commit[:10]}" for commit in done.commits]
    lines += [f"backup branch {done.backup}"] if done.backup else []
    lines += [_line(step_id, result) for step_id, results in done.results.items() for result in results]
    emit("plan-rollback", {**asdict(done), "sound": done.sound}, "\n".join(lines), as_json=as_json)
    if not done.sound:
        raise typer.Exit(1)


@app.command()
def status(file: File, as_json: Json = False) -> None:
    """Show what the recorded runs have come to."""
    from compass.plan import model, run

    plan = model.read(file)
    progress = run.place_of(plan).records.progress()
    rows = [
        {
            "id": one.step_id,
            "status": progress.status.get(one.step_id, "not run"),
            "commits": progress.commits_of(one.step_id),
        }
        for one in plan.steps
    ]
    lines = [f"{row['id']}: {row['status']} {' '.join(sha[:10] for sha in row['commits'])}".rstrip() for row in rows]
    emit("plan-status", {"base": progress.base, "steps": rows}, "\n".join(lines), as_json=as_json)


@contextmanager
def _progress(total: int, *, quiet: bool) -> "Iterator[Callable[[Step, Result], None]]":
    """Yield what is called with each result: a line on standard output, and a bar on a terminal."""
    import sys

    if not sys.stderr.isatty():
        yield lambda step, result: None if quiet else print(_line(step.step_id, result), flush=True)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty()) as bar:
        task = bar.add_task("plan", total=total)

        def report(step: "Step", result: "Result") -> None:
            bar.update(task, advance=1, description=step.step_id)
            if not quiet:
                print(_line(step.step_id, result))

        yield report


def _line(step_id: str, result: "Result") -> str:
    shown = result.status in ("failed", "skipped") and result.detail
    detail = "\n    " + result.detail.replace("\n", "\n    ") if shown else ""
    return f"{result.status:<7} {step_id} {result.name} ({result.seconds:.1f} s){detail}"


def _earlier(commits: dict[str, str]) -> list[str]:
    return [
        f"{step_id} is left out: it passed earlier, as commit {sha[:10]} (--again runs it once more)"
        for step_id, sha in commits.items()
    ]


def _plan(plan: "Plan") -> dict[str, Any]:
    data = asdict(plan)
    data["path"] = str(plan.path)
    return data
