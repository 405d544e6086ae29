"""Where a tracker contradicts itself: progress lines, phase states and numbers against the boxes."""

import re
from collections.abc import Iterator

from compass import tables
from compass.blueprint.model import Blueprint, Label, Phase
from compass.blueprint.words import meant, related
from findings import mojibake
from findings.counted import counted
from findings.finding import Finding, Severity

CODES = {
    "BP001": "a task and its sub-tasks disagree",
    "BP002": "a phase's Status line disagrees with its boxes",
    "BP003": "STATUS disagrees with the boxes",
    "BP004": "CURRENT STEP names a task that is done",
    "BP005": "LAST COMPLETED TASK names a task that is open",
    "BP006": "NEXT TASK names a task that is done",
    "BP007": "the Immediate Next Action names a task that is done",
    "BP008": "a remaining count disagrees with the metrics table",
    "BP009": "two tasks have the same id",
    "BP010": "a progress line names no task of the checklist",
    "BP011": "garbled text: UTF-8 read in another encoding",
}
_REMAINING = re.compile(r"\*\*Remaining ([\w ]+?):\*\*\s*(\d+)")
_NUMBER = re.compile(r"\d+")


def check(blueprint: Blueprint, path: str) -> list[Finding]:
    """All contradictions, in the order of the lines; `path` is what the findings show."""
    found = [
        Finding(code, severity, path, line + 1, 1, message)
        for line, code, severity, message in (
            *_boxes(blueprint),
            *_phase_states(blueprint),
            *_progress(blueprint),
            *_action(blueprint),
            *_counts(blueprint),
            *_garbled(blueprint),
        )
    ]
    return sorted(found, key=lambda finding: finding.sort_key)


def derived_status(blueprint: Blueprint) -> str:
    """What STATUS must say."""
    tasks = list(blueprint.tasks())
    if all(task.ticked for task in tasks):
        return "Complete"
    if blueprint.next_task() is None:
        return "Blocked"
    started = any(task.ticked for task in blueprint.everything())
    return "In Progress" if started else "Not Started"


def derived_phase_status(phase: Phase) -> str:
    """What the Status line of a phase must say."""
    if all(task.ticked for task in phase.tasks):
        return "Complete"
    started = any(task.ticked or any(sub.ticked for sub in task.subtasks) for task in phase.tasks)
    return "In Progress" if started else "Not Started"


def says(value: str, status: str) -> bool:
    """Whether a hand-written status may stand where `status` is right. Unknown words are left alone.

    Work may be called in progress before its first box is ticked, and blocked at any time before its end.
    """
    words = value.lower()
    claimed = next((state for state, signs in _SIGNS.items() if any(sign in words for sign in signs)), None)
    allowed = {claimed}
    if claimed in ("In Progress", "Blocked"):
        allowed |= {"Not Started", "In Progress"}
    return claimed is None or status in allowed


_SIGNS = {
    "Not Started": ("not started", "pending", "planned", "todo"),
    "Blocked": ("blocked", "on hold"),
    "In Progress": ("in progress", "active", "started", "ongoing", "incomplete"),
    "Complete": ("complete", "done", "finished"),
}
_Raw = tuple[int, str, Severity, str]


def _boxes(blueprint: Blueprint) -> Iterator[_Raw]:
    seen: dict[str, int] = {}
    for task in blueprint.everything():
        if task.task_id in seen:
            yield task.line, "BP009", "error", f"task {task.task_id} is also on line {seen[task.task_id] + 1}"
        seen.setdefault(task.task_id, task.line)
        open_ones = [sub.task_id for sub in task.subtasks if not sub.ticked]
        if task.ticked and open_ones:
            yield (
                task.line,
                "BP001",
                "error",
                f"task {task.task_id} is ticked but open below it: {', '.join(open_ones)}",
            )
        if task.subtasks and not task.ticked and not open_ones:
            yield task.line, "BP001", "error", f"task {task.task_id} is open but all its sub-tasks are ticked"


def _phase_states(blueprint: Blueprint) -> Iterator[_Raw]:
    for phase in blueprint.phases:
        right = derived_phase_status(phase)
        if phase.tasks and phase.status is not None and not says(phase.status.value, right):
            left = [task.task_id for task in phase.tasks if not task.ticked]
            what = (
                f"{len(left)} of {counted(len(phase.tasks), 'task')} not ticked ({', '.join(left)})"
                if left
                else "every task is ticked"
            )
            yield phase.status.line, "BP002", "error", f"phase {phase.number} says {_quoted(phase.status)} but {what}"


def _progress(blueprint: Blueprint) -> Iterator[_Raw]:
    status = blueprint.labels.get("STATUS")
    right = derived_status(blueprint)
    if status is not None and not says(status.value, right):
        yield status.line, "BP003", "error", f"STATUS says {_quoted(status)}; by the boxes it is {right!r}"
    for name, code, must_be_ticked in (
        ("CURRENT STEP", "BP004", False),
        ("LAST COMPLETED TASK", "BP005", True),
        ("NEXT TASK", "BP006", False),
    ):
        label = blueprint.labels.get(name)
        if label is None or _says_none(label.value):
            continue
        task = meant(blueprint, label.value)
        if task is None:
            yield label.line, "BP010", "warning", f"{name} names no task of the checklist: {_quoted(label)}"
        elif task.ticked != must_be_ticked:
            state = "is ticked already" if task.ticked else "is not ticked"
            yield label.line, code, "error", f"{name} names task {task.task_id} ({task.title}), which {state}"


def _action(blueprint: Blueprint) -> Iterator[_Raw]:
    label = blueprint.action_labels.get("TASK")
    if label is None or _says_none(label.value):
        return
    task = meant(blueprint, label.value)
    following = blueprint.next_task()
    if task is None:
        yield label.line, "BP010", "warning", f"the next action names no task of the checklist: {_quoted(label)}"
    elif task.ticked:
        hint = f"; the next open task is {following.task_id} ({following.title})" if following else ""
        message = f"the next action names task {task.task_id} ({task.title}), which is ticked already{hint}"
        yield label.line, "BP007", "error", message


def _counts(blueprint: Blueprint) -> Iterator[_Raw]:
    """`**Remaining imports:** 51` in a phase, against the newest value of the metrics table in the phases."""
    document = blueprint.document
    lines = {n for phase in blueprint.phases for n in _lines(blueprint, phase)}
    prose = [(number, text) for number, text in document.prose() if number in lines]
    rows = [(number, cells) for number, text in prose if (cells := tables.split_row(text)) and len(cells) >= 4]
    header = next((cells for _, cells in rows if cells[0].lower() == "metric"), None)
    if header is None:
        return
    names = [cell.lower() for cell in header]
    column = names.index("target") - 1 if "target" in names else 2
    for number, text in prose:
        found = _REMAINING.search(text)
        for row_line, cells in rows if found else []:
            count = _NUMBER.match(cells[column]) if len(cells) == len(header) else None
            if found and count and related(found[1], cells[0]) and int(count[0]) != int(found[2]):
                place = f"line {row_line + 1} ({cells[0]})"
                message = f"{found[2]} {found[1]} remain here, but {count[0]} in the table on {place}"
                yield number, "BP008", "error", message


def _lines(blueprint: Blueprint, phase: Phase) -> range:
    heading = next(heading for heading in blueprint.document.headings() if heading.line == phase.line)
    return blueprint.document.section(heading)


def _garbled(blueprint: Blueprint) -> Iterator[_Raw]:
    found = [
        (number, garbled) for number, text in enumerate(blueprint.document.lines) for garbled in mojibake.find(text)
    ]
    if found:
        number, first = found[0]
        name = mojibake.NAMES[first.encoding]
        message = f"UTF-8 was read as {name} in {counted(len(found), 'place')}, here {first.text!r} for {first.meant!r}"
        yield number, "BP011", "info", message


def _says_none(value: str) -> bool:
    return value.strip().lower().startswith(("none", "-", "n/a")) or not value.strip()


def _quoted(label: Label) -> str:
    value = mojibake.repair(label.value)
    return repr(value if len(value) <= 60 else value[:57] + "...")
