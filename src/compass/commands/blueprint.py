"""`compass blueprint`: a Markdown tracker that stays true."""

from pathlib import Path
from typing import Annotated, Any

import typer

from compass.errors import CompassError
from compass.output import Json, emit

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Living blueprints: the Markdown file is the truth, edited in place.",
)
File = Annotated[Path, typer.Argument(help="The blueprint.")]
TaskId = Annotated[str, typer.Argument(help="Such as 3.1, or 3.1.2 for a sub-task.")]


@app.command()
def init(
    file: File,
    title: Annotated[str, typer.Option("--title")],
    phase: Annotated[list[str], typer.Option("--phase", help="'Name: task; task > sub-task > sub-task'; repeat.")],
    objective: Annotated[str, typer.Option("--objective", help="What it is for.")] = "",
    criterion: Annotated[list[str] | None, typer.Option("--criterion", help="Success criterion; repeat.")] = None,
    risk: Annotated[list[str] | None, typer.Option("--risk", help="A known risk; repeat.")] = None,
    as_json: Json = False,
) -> None:
    """Write a new blueprint.

    Example: compass blueprint init plan.md --title "Paths" --phase "Config: edit it; test it"
    """
    from compass.blueprint import template
    from durable.replace import write_text

    if file.exists():
        raise CompassError(f"{file} exists; a blueprint is never overwritten")
    text = template.text(title, phase, objective=objective, criteria=criterion or (), risks=risk or ())
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, text)
    emit("blueprint-init", {"path": str(file)}, f"made {file}", as_json=as_json)


@app.command()
def status(file: File, as_json: Json = False) -> None:
    """Show progress and every contradiction. Exit 1 when the tracker contradicts itself."""
    from compass.blueprint import check, model
    from compass.markdown import Document
    from findings.report import line

    blueprint = model.parse(Document.read(file), name=str(file))
    found = check.check(blueprint, str(file))
    data = {**_data(blueprint), **_findings(found)}
    text = _text(data) + "".join(f"{line(finding)}\n" for finding in found)
    emit("blueprint-status", data, text, as_json=as_json)
    if any(finding.severity != "info" for finding in found):
        raise typer.Exit(1)


@app.command("next")
def next_(
    file: File,
    objective: Annotated[str, typer.Option("--objective", help="What the task is to reach.")] = "",
    approach: Annotated[list[str] | None, typer.Option("--approach", help="A step; repeat.")] = None,
    criterion: Annotated[list[str] | None, typer.Option("--criterion", help="When it is done; repeat.")] = None,
    as_json: Json = False,
) -> None:
    """Show the next task, and write it into the progress lines and the Immediate Next Action section."""
    from compass.blueprint import edit
    from compass.editing import editing

    with editing(file) as document:
        task = edit.next_action(
            document, str(file), edit.Action(objective.strip(), tuple(approach or ()), tuple(criterion or ()))
        )
    text = "every task is done or blocked" if task is None else task.name
    emit("blueprint-next", {"task": None if task is None else _task(task)}, text, as_json=as_json)


@app.command()
def done(
    file: File,
    task: Annotated[str | None, typer.Argument(help="Default: the next task.")] = None,
    as_json: Json = False,
) -> None:
    """Tick a task with its sub-tasks (or one sub-task).

    Example: compass blueprint done plan.md 3.1
    """
    from compass.blueprint import edit
    from compass.editing import editing
    from findings.counted import counted

    with editing(file) as document:
        finished, boxes = edit.done(document, task, str(file))
    text = f"done: {finished.name} ({counted(boxes, 'box')} ticked)"
    emit("blueprint-done", {"task": _task(finished), "boxes": boxes, **_after(file)}, text, as_json=as_json)


@app.command()
def block(
    file: File,
    task: TaskId,
    reason: Annotated[str, typer.Option("--reason", help="What it waits for.")],
    as_json: Json = False,
) -> None:
    """Mark a task as blocked.

    Example: compass blueprint block plan.md 3.1 --reason "waits for the registry"
    """
    from compass.blueprint import edit
    from compass.editing import editing

    with editing(file) as document:
        found = edit.block(document, task, reason, str(file))
    data = {"task": _task(found), "reason": reason, **_after(file)}
    emit("blueprint-block", data, f"blocked: {found.name}", as_json=as_json)


@app.command()
def reopen(file: File, task: TaskId, as_json: Json = False) -> None:
    """Untick a task, or lift its block."""
    from compass.blueprint import edit
    from compass.editing import editing

    with editing(file) as document:
        found = edit.reopen(document, task, str(file))
    emit("blueprint-reopen", {"task": _task(found), **_after(file)}, f"open again: {found.name}", as_json=as_json)


@app.command()
def render(file: File, as_json: Json = False) -> None:
    """Make progress lines, phase states and the next action agree with the boxes."""
    from compass.blueprint import edit
    from compass.editing import editing

    with editing(file) as document:
        changes = edit.keep_true(document, str(file))
    emit("blueprint-render", {"changes": changes}, "\n".join(changes) or "nothing to change", as_json=as_json)


@app.command()
def note(
    file: File,
    discovery: Annotated[str | None, typer.Option("--discovery", help="Something learnt.")] = None,
    risk: Annotated[str | None, typer.Option("--risk", help="Something that may go wrong.")] = None,
    gate_failed: Annotated[str | None, typer.Option("--gate-failed", help="A quality gate that failed.")] = None,
    risk_level: Annotated[str | None, typer.Option("--risk-level", help="The new current risk level.")] = None,
    as_json: Json = False,
) -> None:
    """Add a dated note.

    Example: compass blueprint note plan.md --discovery "the cache is shared"
    """
    from compass.blueprint import edit
    from compass.editing import editing

    given = {edit.DISCOVERIES: discovery, edit.RISKS: risk, edit.GATES: gate_failed}
    notes = {section: text for section, text in given.items() if text is not None}
    if not notes and risk_level is None:
        raise CompassError("blueprint note: give --discovery, --risk, --gate-failed or --risk-level")
    with editing(file) as document:
        for section, text in notes.items():
            edit.note(document, section, text, str(file))
        if risk_level is not None:
            edit.set_risk_level(document, risk_level)
    lines = [f"noted under {section}: {text}" for section, text in notes.items()]
    lines += [] if risk_level is None else [f"risk level: {risk_level.upper()}"]
    emit("blueprint-note", {"notes": notes, "risk_level": risk_level}, "\n".join(lines), as_json=as_json)


def _after(file: Path) -> dict[str, Any]:
    from compass.blueprint import model
    from compass.markdown import Document

    following = model.parse(Document.read(file), name=str(file)).next_task()
    return {"next": None if following is None else _task(following)}


def _task(task: Any) -> dict[str, Any]:
    return {"id": task.task_id, "title": task.title, "ticked": task.ticked, "blocked": task.blocked}


def _findings(found: Any) -> dict[str, Any]:
    from findings.engine import summarize

    return {"findings": [finding.as_json() for finding in found], "summary": summarize(found)}


def _data(blueprint: Any) -> dict[str, Any]:
    from findings.mojibake import repair

    phases = [
        {
            "number": phase.number,
            "title": repair(phase.title),
            "status": None if phase.status is None else repair(phase.status.value),
            "tasks": [{**_task(task), "subtasks": [_task(sub) for sub in task.subtasks]} for task in phase.tasks],
        }
        for phase in blueprint.phases
    ]
    tasks = list(blueprint.tasks())
    following = blueprint.next_task()
    lists = [
        {
            "heading": repair(listed.heading),
            "criteria": listed.is_criteria,
            "ticked": sum(box.ticked for box in listed.boxes),
            "total": len(listed.boxes),
        }
        for listed in blueprint.checklists
    ]
    return {
        "title": repair(blueprint.title),
        "progress": {name: repair(label.value) for name, label in blueprint.labels.items()},
        "ticked": sum(task.ticked for task in tasks),
        "total": len(tasks),
        "next": None if following is None else _task(following),
        "blocked": [_task(task) for task in blueprint.everything() if task.blocked is not None],
        "phases": phases,
        "checklists": lists,
        "risk_level": blueprint.risk_level,
        "risks": [repair(text) for text in blueprint.risks],
    }


def _text(data: dict[str, Any]) -> str:
    from findings.counted import counted

    lines = [data["title"], f"{data['ticked']} of {counted(data['total'], 'task')} done"]
    lines += [f"{name}: {value}" for name, value in data["progress"].items()]
    for phase in data["phases"]:
        tasks = phase["tasks"]
        state = f" ({phase['status']})" if phase["status"] else ""
        count = f"{sum(task['ticked'] for task in tasks)}/{len(tasks)}"
        lines.append(f"  {count:>5}  Phase {phase['number']}: {phase['title']}{state}")
    for listed in data["checklists"]:
        count = f"{listed['ticked']}/{listed['total']}"
        lines.append(f"  {count:>5}  {listed['heading'] or 'checklist'}")
    if data["risk_level"]:
        lines.append(f"risk level: {data['risk_level']}")
    lines += [f"blocked: Task {task['id']}: {task['title']} ({task['blocked']})" for task in data["blocked"]]
    following = data["next"]
    lines.append(f"next: Task {following['id']}: {following['title']}" if following else "next: none")
    return "\n".join(lines) + "\n"
