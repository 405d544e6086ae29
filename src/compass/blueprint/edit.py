"""Change a tracker in place: tick, block, reopen, note, and keep its progress lines true. All else stays as it is."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compass import clock
from compass.blueprint.check import derived_phase_status, derived_status, says
from compass.blueprint.model import Blueprint, Label, Task, parse
from compass.blueprint.words import meant
from compass.errors import CompassError
from compass.markdown import Document, Heading, numbered

_BOX = re.compile(r"\[[ xX]\]")
_BLOCKED = re.compile(r"\s*\*\*BLOCKED:\*\*.*$")
_LISTED = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s")
DISCOVERIES, GATES, RISKS = "Discoveries", "Quality Gate Failures", "Noted Risks"


@dataclass(frozen=True)
class Action:
    """What the Immediate Next Action section says of a task; empty parts are taken from its open sub-tasks."""

    objective: str = ""
    approach: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()

    @property
    def given(self) -> bool:
        """Whether anything was said."""
        return bool(self.objective or self.approach or self.criteria)


def done(document: Document, given: str | None, name: str) -> tuple[Task, int]:
    """Tick a task (by default the next one) with its sub-tasks, or one sub-task; returns it and how many boxes changed.

    The task above is ticked when its last sub-task is. What is done is blocked no longer.
    """
    blueprint = parse(document, name=name)
    task = _next(blueprint, name) if given is None else blueprint.find(given)
    changed = [item for item in (task, *task.subtasks) if not item.ticked]
    above = [
        parent
        for parent in blueprint.tasks()
        if task in parent.subtasks and all(sub.ticked or sub is task for sub in parent.subtasks)
    ]
    for item in (task, *task.subtasks, *above):
        _set_box(document, item, ticked=True)
        document.put(item.line, _BLOCKED.sub("", document.text(item.line)))
    keep_true(document, name, completed=task)
    return task, len(changed)


def reopen(document: Document, given: str, name: str) -> Task:
    """Untick a task or sub-task and lift its block; a task above a reopened sub-task is open again as well."""
    blueprint = parse(document, name=name)
    task = blueprint.find(given)
    _set_box(document, task, ticked=False)
    if task.subtasks and all(sub.ticked for sub in task.subtasks):
        for sub in task.subtasks:
            _set_box(document, sub, ticked=False)
    for parent in blueprint.tasks():
        if task in parent.subtasks:
            _set_box(document, parent, ticked=False)
    document.put(task.line, _BLOCKED.sub("", document.text(task.line)))
    keep_true(document, name)
    return task


def block(document: Document, given: str, reason: str, name: str) -> Task:
    """Mark an open task as blocked, with the reason on its line."""
    task = parse(document, name=name).find(given)
    if task.ticked:
        raise CompassError(
            f"task {task.task_id} is ticked; reopen it first: compass blueprint reopen {name} {task.task_id}"
        )
    line = _BLOCKED.sub("", document.text(task.line)).rstrip()
    document.put(task.line, f"{line} **BLOCKED:** {_one_line(reason, 'the reason')}")
    keep_true(document, name)
    return task


def note(document: Document, section: str, text: str, name: str) -> None:
    """Add a dated item to one of the sections DISCOVERIES, GATES, RISKS, which is made when missing."""
    blueprint = parse(document, name=name)
    item = f"- {clock.today()}: {_one_line(text, 'the note')}"
    heading = next((heading for heading in document.headings() if heading.text == section), None)
    if heading is not None:
        document.insert(_end(document, heading), [item])
        return
    risk = next((heading for heading in document.headings() if "risk" in heading.text.lower()), None)
    if section == RISKS and risk is not None:
        document.insert(_end(document, risk), ["", f"{'#' * min(6, risk.level + 1)} {section}", "", item])
        return
    before = blueprint.action or next((h for h in document.headings() if "protocol" in h.text.lower()), None)
    if before is None:
        document.insert(len(document.lines), ["", f"## {section}", "", item])
    else:
        ruled = any(document.text(n).strip() == "---" for n in range(max(0, before.line - 2), before.line))
        document.insert(before.line, [f"## {section}", "", item, "", *(["---", ""] if ruled else [])])


def set_risk_level(document: Document, level: str) -> None:
    """Change the `Current Risk Level` line; CompassError when there is none."""
    for number, text in document.prose():
        found = re.search(r"(Risk Level\W*?[:*]+\s*)([A-Za-z][A-Za-z ]*)", text, re.IGNORECASE)
        if found:
            document.put(number, text[: found.start(2)] + level.upper() + text[found.end(2) :])
            return
    raise CompassError("the blueprint has no `Current Risk Level: ...` line; add one to its risk section")


def next_action(document: Document, name: str, action: Action) -> Task | None:
    """Write the Immediate Next Action of the next task; the section is made when missing. None when all is done."""
    task = parse(document, name=name).next_task()
    if parse(document, name=name).action is None:
        document.insert(len(document.lines), ["", "## Immediate Next Action"])
    keep_true(document, name, action=action)
    return task


def keep_true(
    document: Document, name: str, *, completed: Task | None = None, action: Action | None = None
) -> list[str]:
    """Make the progress lines agree with the boxes; returns what was changed. Lines that are true already stay."""
    blueprint = parse(document, name=name)
    changes: list[str] = []
    for label, value in _progress_values(blueprint, completed):
        if label.value != value:
            document.put(label.line, label.prefix + value)
            changes.append(f"line {label.line + 1}: {value}")
    if blueprint.action is not None:
        changes += _keep_action(document, blueprint, action or Action())
    return changes


def _progress_values(blueprint: Blueprint, completed: Task | None) -> Iterator[tuple[Label, str]]:
    """The labels that must change, with their new values."""
    following = blueprint.next_task()
    right = derived_status(blueprint)
    if (status := blueprint.labels.get("STATUS")) and not says(status.value, right):
        yield status, right
    elif status and right == "Blocked":
        yield status, "Blocked"
    for phase in blueprint.phases:
        state = derived_phase_status(phase)
        if phase.status is not None and phase.tasks and not says(phase.status.value, state):
            yield phase.status, state
    if current := blueprint.labels.get("CURRENT STEP"):
        number = blueprint.phase_of(following).number if following else ""
        step = f"Phase {number}, Task {following.task_id} - {following.title}" if following else "None"
        yield current, _unless(blueprint, current, following, step)
    if upcoming := blueprint.labels.get("NEXT TASK"):
        yield upcoming, _unless(blueprint, upcoming, following, following.name if following else "None")
    if last := blueprint.labels.get("LAST COMPLETED TASK"):
        if completed is not None:
            yield last, completed.name
        elif (named := meant(blueprint, last.value)) is not None and not named.ticked:
            ticked = [task for task in blueprint.tasks() if task.ticked]
            yield last, ticked[-1].name if ticked else "None"


def _unless(blueprint: Blueprint, label: Label, following: Task | None, value: str) -> str:
    """The value there is, when it already means the right task; else `value`."""
    return label.value if following is not None and meant(blueprint, label.value) is following else value


def _keep_action(document: Document, blueprint: Blueprint, action: Action) -> list[str]:
    """Rewrite the parts of the next action when it names another task than the next, or when parts are given."""
    task = blueprint.next_task()
    label = blueprint.action_labels.get("TASK")
    if label is not None and task is not None and meant(blueprint, label.value) is task and not action.given:
        return []
    if label is not None and task is None and label.value.startswith("None"):
        return []
    if task is None:
        parts: dict[str, list[str]] = {"TASK": ["None: every task is done or blocked"], "OBJECTIVE": ["None"]}
        parts |= {"APPROACH": [""], "SUCCESS CRITERIA": [""]}
    else:
        left = [sub.title for sub in task.subtasks if not sub.ticked] or [task.title]
        parts = {
            "TASK": [task.name],
            "OBJECTIVE": [action.objective or f"Complete task {task.task_id}: {task.title}"],
            "APPROACH": ["", *numbered(list(action.approach) or left)],
            "SUCCESS CRITERIA": ["", *(f"- [ ] {text}" for text in action.criteria or left)],
        }
    for part, lines in parts.items():
        _put_part(document, part, lines)
    return [f"next action: {parts['TASK'][0]}"]


def _put_part(document: Document, part: str, lines: Sequence[str]) -> None:
    """Replace `**PART:** value` and the list right below it in the next action; added at its end when missing."""
    blueprint = parse(document, name="")
    assert blueprint.action is not None
    label = blueprint.action_labels.get(part)
    if label is None:
        at = _end(document, blueprint.action)
        document.insert(at, ["", f"**{part}:** {lines[0]}".rstrip(), *lines[1:]])
        return
    document.put(label.line, (label.prefix.rstrip() + " " + lines[0]).rstrip())
    stop = label.line + 1
    section = document.section(blueprint.action)
    while stop in section and _LISTED.match(document.text(stop)):
        stop += 1
    document.remove(label.line + 1, stop)
    document.insert(label.line + 1, list(lines[1:]))


def _end(document: Document, heading: Heading) -> int:
    """The line after the last one with text in a section, before a rule that closes it."""
    section = document.section(heading)
    stop = section.stop
    while stop > section.start and document.text(stop - 1).strip() in ("", "---"):
        stop -= 1
    return stop


def _set_box(document: Document, task: Task, *, ticked: bool) -> None:
    document.put(task.line, _BOX.sub("[x]" if ticked else "[ ]", document.text(task.line), count=1))


def _next(blueprint: Blueprint, name: str) -> Task:
    task = blueprint.next_task()
    if task is None:
        raise CompassError(f"{name}: every task is done or blocked; name the task")
    return task


def _one_line(text: str, what: str) -> str:
    line = " ".join(text.split())
    if not line:
        raise CompassError(f"{what} is empty: say it in a few words")
    return line
