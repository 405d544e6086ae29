"""Read a tracker: phases, tasks, sub-tasks, progress lines, criteria, risks, next action, each with its line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from compass.errors import CompassError
from compass.markdown import Box, Document, Heading, plain

LABELS = ("STATUS", "CURRENT STEP", "LAST COMPLETED TASK", "NEXT TASK")
ACTION_LABELS = ("TASK", "OBJECTIVE", "APPROACH", "SUCCESS CRITERIA")
_PHASE = re.compile(r"[^A-Za-z0-9\uac00-\ud7a3]*Phase\s+(\d+(?:\.\d+)*)\b\s*[:.\-–—]?\s*(.*)", re.IGNORECASE)
_TASK = re.compile(r"Task\s+(\d+(?:\.\d+)*)\s*[:.\-–—]?\s*(.*)", re.IGNORECASE)
_BLOCKED = re.compile(r"\s*\*\*BLOCKED:\*\*\s*(.*)$")
_LABEL = re.compile(r"(\s*(?:[-*+]\s+)?\*\*([A-Za-z][A-Za-z ]*?):?\*\*:?[ \t]*)(.*?)\s*")
_RISK_LEVEL = re.compile(r"Risk Level\W*?[:*]+\s*([A-Za-z][A-Za-z ]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Label:
    """A line such as `- **STATUS:** In Progress`: its line (from 0), what stands before the value, and the value."""

    line: int
    prefix: str
    value: str


@dataclass
class Task:
    """A task or sub-task; `blocked` is the reason, or None when it is not blocked."""

    task_id: str
    title: str
    line: int
    ticked: bool
    blocked: str | None
    subtasks: list["Task"] = field(default_factory=list)

    @property
    def name(self) -> str:
        """As progress lines name it."""
        return f"Task {self.task_id}: {self.title}"


@dataclass
class Phase:
    """A phase; `status` is its own Status line, where it has one."""

    number: str
    title: str
    line: int
    status: Label | None
    tasks: list[Task] = field(default_factory=list)


@dataclass(frozen=True)
class Checklist:
    """Boxes outside the phases, by the nearest heading of level 1 or 2."""

    heading: str
    boxes: tuple[Box, ...]

    @property
    def is_criteria(self) -> bool:
        """Whether these are success criteria."""
        return "criteria" in self.heading.lower()


@dataclass(frozen=True)
class Blueprint:
    """What a tracker says. Line numbers count from 0 and hold until the document changes."""

    document: Document
    title: str
    phases: list[Phase]
    labels: dict[str, Label]
    checklists: list[Checklist]
    risk_level: str | None
    risks: list[str]
    action: Heading | None
    action_labels: dict[str, Label]

    def tasks(self) -> Iterator[Task]:
        """The tasks of all phases, in order."""
        for phase in self.phases:
            yield from phase.tasks

    def everything(self) -> Iterator[Task]:
        """The tasks, each followed by its sub-tasks."""
        for task in self.tasks():
            yield task
            yield from task.subtasks

    def next_task(self) -> Task | None:
        """The first open task that is not blocked."""
        return next((task for task in self.tasks() if not task.ticked and task.blocked is None), None)

    def phase_of(self, task: Task) -> Phase:
        """The phase that holds a task or sub-task."""
        return next(phase for phase in self.phases if any(task is t or task in t.subtasks for t in phase.tasks))

    def find(self, given: str) -> Task:
        """The task with this id (`3.1`, `Task 3.1`, `3.1.2`) or exactly this title; CompassError when there is none."""
        wanted = re.sub(r"^task\s+", "", given.strip().lower())
        for task in self.everything():
            if wanted in (task.task_id, task.title.lower()):
                return task
        known = ", ".join(task.task_id for task in self.tasks())
        raise CompassError(f"task {given!r} is not in the blueprint (tasks: {known}; sub-tasks as in 1.1.2)")


def parse(document: Document, *, name: str) -> Blueprint:
    """The blueprint in a document; CompassError when it has no checklist. `name` is the file's, for that message."""
    headings = document.headings()
    boxes = document.boxes()
    above = {box.line: _chain(headings, box.line) for box in boxes}
    phases = _phases(document, headings, above)
    inside = {task.line for phase in phases for task in phase.tasks}
    inside |= {sub.line for phase in phases for task in phase.tasks for sub in task.subtasks}
    if not inside:
        raise CompassError(
            f"{name}: no phase with a checklist in it; such as `## Phase 1: Name` with `- [ ] task` lines"
        )
    action = next((heading for heading in headings if "next action" in heading.text.lower()), None)
    risk = next((heading for heading in headings if "risk" in heading.text.lower()), None)
    risk_lines = document.section(risk) if risk else range(0)
    level = next((m[1].strip() for n, t in document.prose() if n in risk_lines and (m := _RISK_LEVEL.search(t))), None)
    return Blueprint(
        document=document,
        title=next((heading.text for heading in headings if heading.level == 1), name),
        phases=phases,
        labels=_labels(document, range(len(document.lines)), LABELS),
        checklists=_checklists(boxes, inside, above),
        risk_level=level,
        risks=[plain(text) for _, text in document.items(risk_lines)],
        action=action,
        action_labels=_labels(document, document.section(action), ACTION_LABELS) if action else {},
    )


def _chain(headings: list[Heading], line: int) -> list[Heading]:
    """The headings that a line stands under, outermost first."""
    chain: list[Heading] = []
    for heading in headings:
        if heading.line > line:
            break
        chain = [*(h for h in chain if h.level < heading.level), heading]
    return chain


def _phases(document: Document, headings: list[Heading], above: dict[int, list[Heading]]) -> list[Phase]:
    named = [(heading, match) for heading in headings if (match := _PHASE.fullmatch(heading.text))]
    chosen = [(heading, match[1], match[2]) for heading, match in named]
    if not chosen:
        # A tracker without numbered phases: every heading directly above boxes is one.
        nearest = {chain[-1].line for chain in above.values() if chain and not _is_aside(chain)}
        own = [heading for heading in headings if heading.line in nearest]
        chosen = [(heading, str(number), heading.text) for number, heading in enumerate(own, start=1)]
    phases = []
    for heading, number, title in chosen:
        lines = _own_range(document, heading, [other for other, _, _ in chosen])
        status = _labels(document, lines, ("Status",)).get("Status")
        boxes = [b for b in document.boxes() if b.line in lines and not _is_aside(above[b.line])]
        phases.append(Phase(number, title, heading.line, status, _tasks(number, boxes)))
    return phases


def _own_range(document: Document, heading: Heading, phases: list[Heading]) -> range:
    """The section of a phase, ended by the next phase whatever its level."""
    section = document.section(heading)
    following = [other.line for other in phases if other.line > heading.line]
    return range(section.start, min(section.stop, *following)) if following else section


def _is_aside(chain: list[Heading]) -> bool:
    """Whether boxes under these headings are criteria or the next action, not tasks."""
    return any("criteria" in heading.text.lower() or "next action" in heading.text.lower() for heading in chain)


def _tasks(number: str, boxes: list[Box]) -> list[Task]:
    tasks: list[Task] = []
    outer = min((box.indent for box in boxes), default=0)
    for box in boxes:
        text, reason = box.text, None
        if found := _BLOCKED.search(text):
            text, reason = text[: found.start()], None if box.ticked else found[1]
        text = text.replace("**", "").strip()
        if box.indent == outer or not tasks:
            match = _TASK.fullmatch(text)
            task_id, title = (match[1], match[2]) if match else (f"{number}.{len(tasks) + 1}", text)
            tasks.append(Task(task_id, title, box.line, box.ticked, reason))
        else:
            parent = tasks[-1]
            parent.subtasks.append(
                Task(f"{parent.task_id}.{len(parent.subtasks) + 1}", text, box.line, box.ticked, reason)
            )
    return tasks


def _labels(document: Document, lines: range, names: tuple[str, ...]) -> dict[str, Label]:
    """The first line of each label among `lines`."""
    found: dict[str, Label] = {}
    for number, text in document.prose():
        match = _LABEL.fullmatch(text)
        if number in lines and match and match[2] in names:
            found.setdefault(match[2], Label(number, match[1], match[3]))
    return found


def _checklists(boxes: list[Box], inside: set[int], above: dict[int, list[Heading]]) -> list[Checklist]:
    grouped: dict[str, list[Box]] = {}
    for box in boxes:
        if box.line not in inside:
            upper = [heading.text for heading in above[box.line] if heading.level <= 2]
            grouped.setdefault(upper[-1] if upper else "", []).append(box)
    return [Checklist(heading, tuple(listed)) for heading, listed in grouped.items()]
