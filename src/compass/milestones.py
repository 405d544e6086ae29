"""Milestones: one Markdown file each in `vault/milestones/`, with front matter and phases as checklists."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from compass import clock, ids
from compass.errors import CompassError
from compass.home import Home
from compass.markdown import Document, Heading


@dataclass(frozen=True)
class Phase:
    """One phase of a milestone with its tasks as (ticked, text)."""

    name: str
    tasks: tuple[tuple[bool, str], ...]


@dataclass(frozen=True)
class Milestone:
    """A milestone as its file says; `status` is None where the file has no such front matter."""

    milestone_id: str
    path: Path
    title: str
    status: str | None
    phases: tuple[Phase, ...]

    @property
    def open_tasks(self) -> list[str]:
        """The texts of the boxes that are not ticked."""
        return [text for phase in self.phases for ticked, text in phase.tasks if not ticked]

    @property
    def counts(self) -> tuple[int, int]:
        """Ticked boxes, and all boxes."""
        total = sum(len(phase.tasks) for phase in self.phases)
        return total - len(self.open_tasks), total


def add(home: Home, name: str, *, title: str | None = None, phases: Sequence[str] = ()) -> Milestone:
    """Make the file of a new milestone. Each phase is `Name` or `Name: task; task`. CompassError when it exists."""
    from durable.replace import write_text

    ids.milestone_id(name)
    path = home.milestones / f"{name}.md"
    with home.locked():
        if path.exists():
            raise CompassError(f"milestone {name!r} exists: {home.shown(path)}")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, _text(name, title or name.replace("-", " ").capitalize(), phases))
    return read(path)


def ensure(home: Home, name: str) -> bool:
    """Make the milestone when it is unknown; returns whether it was made. The caller does not hold the lock."""
    if (home.milestones / f"{ids.milestone_id(name)}.md").exists():
        return False
    try:
        add(home, name)
    except CompassError:
        if not (home.milestones / f"{name}.md").exists():
            raise
        return False  # Somebody else made it a moment ago.
    return True


def find(home: Home, name: str) -> Milestone:
    """The milestone called `name`; CompassError that lists the known ones."""
    path = home.milestones / f"{ids.milestone_id(name)}.md"
    if not path.exists():
        known = ", ".join(m.milestone_id for m in list_all(home)) or "none yet"
        raise CompassError(f"milestone {name!r} is not in {home.shown(home.milestones)}/ (there: {known})")
    return read(path)


def list_all(home: Home) -> list[Milestone]:
    """Every milestone, by name."""
    return [read(path) for path in sorted(home.milestones.glob("*.md")) if not path.name.startswith(".")]


def done(home: Home, name: str, *, force: bool) -> Milestone:
    """Set the status to `complete`; with open boxes only when forced (CompassError names them)."""
    from durable.replace import write_bytes

    with home.locked():
        milestone = find(home, name)
        if milestone.open_tasks and not force:
            listed = "; ".join(milestone.open_tasks[:5])
            raise CompassError(
                f"milestone {name!r} has {len(milestone.open_tasks)} open boxes ({listed}); tick them in "
                f"{home.shown(milestone.path)}, or use --force"
            )
        document = Document.read(milestone.path)
        document.put_front_value("status", "complete")
        document.put_front_value("completed", clock.today())
        write_bytes(milestone.path, document.data())
    return read(milestone.path)


def read(path: Path) -> Milestone:
    """The milestone in a file, written by compass or by hand."""
    document = Document.read(path)
    headings = document.headings()
    title = next((heading.text for heading in headings if heading.level == 1), path.stem)
    return Milestone(
        milestone_id=path.stem,
        path=path,
        title=document.front_value("title") or title,
        status=document.front_value("status"),
        phases=tuple(_phase(document, heading) for heading in headings if _has_own_boxes(document, heading)),
    )


def _own_lines(document: Document, heading: Heading) -> range:
    """The lines between a heading and the next one of any level."""
    following = [other.line for other in document.headings() if other.line > heading.line]
    return range(heading.line + 1, min(following, default=len(document.lines)))


def _has_own_boxes(document: Document, heading: Heading) -> bool:
    lines = _own_lines(document, heading)
    return heading.text.lower().startswith("phase") or any(box.line in lines for box in document.boxes())


def _phase(document: Document, heading: Heading) -> Phase:
    lines = _own_lines(document, heading)
    return Phase(heading.text, tuple((box.ticked, box.text) for box in document.boxes() if box.line in lines))


def _text(name: str, title: str, phases: Sequence[str]) -> str:
    quoted = title.replace("\\", "\\\\").replace('"', '\\"')
    front = f'type: milestone\nmilestone_id: {name}\ntitle: "{quoted}"\nstatus: active\ncreated: {clock.today()}\n'
    parts = [f"---\n{front}---\n", f"# {title}\n"]
    for number, phase in enumerate(phases, start=1):
        heading, _, tasks = phase.partition(":")
        boxes = "".join(f"- [ ] {task.strip()}\n" for task in tasks.split(";") if task.strip())
        parts.append(f"## Phase {number}: {heading.strip()}\n" + (f"\n{boxes}" if boxes else ""))
    return "\n".join(parts)
