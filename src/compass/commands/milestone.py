"""`compass milestone`: add, list, show, done."""

from typing import Annotated, Any

import typer

from compass import milestones
from compass.home import Home, find_home
from compass.milestones import Milestone
from compass.output import Json, emit

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Milestones in project_compass/vault/milestones/.")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Such as ocr-domain-refactor.")],
    title: Annotated[str | None, typer.Option("--title", help="Default: made from the id.")] = None,
    phase: Annotated[list[str] | None, typer.Option("--phase", help="'Name' or 'Name: task; task'.")] = None,
    as_json: Json = False,
) -> None:
    """Make a milestone.

    Example: compass milestone add ocr-refactor --phase 'Imports: find them; fix them'
    """
    home = find_home()
    made = milestones.add(home, name, title=title, phases=phase or ())
    emit("milestone-add", {"milestone": _data(home, made)}, f"made {home.shown(made.path)}", as_json=as_json)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the milestones with their status and ticked boxes."""
    home = find_home()
    known = milestones.list_all(home)
    lines = [f"{m.status or '-':<10} {_count(m):<7} {m.milestone_id}  {m.title}" for m in known]
    data = {"milestones": [_data(home, milestone) for milestone in known]}
    emit("milestone-list", data, "\n".join(lines) or "no milestones yet", as_json=as_json)


@app.command()
def show(name: str, as_json: Json = False) -> None:
    """Show one milestone with its phases and tasks."""
    home = find_home()
    milestone = milestones.find(home, name)
    lines = [f"{milestone.milestone_id}: {milestone.title} ({milestone.status or 'no status'}, {_count(milestone)})"]
    for phase in milestone.phases:
        lines.append(phase.name)
        lines += [f"  [{'x' if ticked else ' '}] {text}" for ticked, text in phase.tasks]
    emit("milestone-show", {"milestone": _data(home, milestone)}, "\n".join(lines), as_json=as_json)


@app.command()
def done(
    name: str,
    force: Annotated[bool, typer.Option("--force", "-f", help="Although boxes are open.")] = False,
    as_json: Json = False,
) -> None:
    """Mark a milestone as complete; refused while boxes are open."""
    home = find_home()
    milestone = milestones.done(home, name, force=force)
    data = {"milestone": _data(home, milestone)}
    emit("milestone-done", data, f"milestone {name} is complete", as_json=as_json)


def _count(milestone: Milestone) -> str:
    ticked, total = milestone.counts
    return f"{ticked}/{total}"


def _data(home: Home, milestone: Milestone) -> dict[str, Any]:
    ticked, total = milestone.counts
    phases = [
        {"name": phase.name, "tasks": [{"ticked": done, "text": text} for done, text in phase.tasks]}
        for phase in milestone.phases
    ]
    return {
        "milestone_id": milestone.milestone_id,
        "title": milestone.title,
        "status": milestone.status,
        "path": home.shown(milestone.path),
        "ticked": ticked,
        "total": total,
        "phases": phases,
    }
