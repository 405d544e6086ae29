"""The text of a new blueprint."""

from collections.abc import Sequence

from compass import clock
from compass.errors import CompassError


def text(title: str, phases: Sequence[str], *, objective: str, criteria: Sequence[str], risks: Sequence[str]) -> str:
    """A new blueprint. Each phase is `Name: task; task`, each task `title` or `title > sub-task > sub-task`."""
    outline, first = _outline(phases)
    quoted = title.replace("\\", "\\\\").replace('"', '\\"')
    approach = "".join(f"{number}. {step}\n" for number, step in enumerate(first[1] or [first[0]], start=1))
    wanted = "".join(f"- [ ] {step}\n" for step in first[1] or [first[0]])
    boxes = "".join(f"- [ ] {text}\n" for text in criteria or (f"Every task of {title} is done",))
    listed = "".join(f"- {text}\n" for text in risks or ("None known yet",))
    return f"""\
---
title: "{quoted}"
date: "{clock.stamp()}"
type: blueprint
category: planning
status: active
version: "1.0"
---

# Living Blueprint: {title}

{objective or title}

## Progress Tracker

- **STATUS:** Not Started
- **CURRENT STEP:** Phase 1, Task 1.1 - {first[0]}
- **LAST COMPLETED TASK:** None
- **NEXT TASK:** Task 1.1: {first[0]}

## Outline

{outline}
## Success Criteria

{boxes}
## Risks

**Current Risk Level:** LOW

{listed}
## Immediate Next Action

**TASK:** Task 1.1: {first[0]}

**OBJECTIVE:** Complete task 1.1: {first[0]}

**APPROACH:**
{approach}
**SUCCESS CRITERIA:**
{wanted}"""


def _outline(phases: Sequence[str]) -> tuple[str, tuple[str, list[str]]]:
    """The phases in Markdown, and the first task with its sub-tasks."""
    blocks: list[str] = []
    first: tuple[str, list[str]] | None = None
    for number, phase in enumerate(phases, start=1):
        name, _, listed = phase.partition(":")
        tasks = [task.strip() for task in listed.split(";") if task.strip()]
        if not name.strip() or not tasks:
            raise CompassError(f"phase {phase!r}: write it as 'Name: first task; second task > sub-task > sub-task'")
        lines = [f"### Phase {number}: {name.strip()}", ""]
        for position, task in enumerate(tasks, start=1):
            head, *subs = [part.strip() for part in task.split(">")]
            first = first or (head, subs)
            lines.append(f"- [ ] **Task {number}.{position}: {head}**")
            lines += [f"  - [ ] {sub}" for sub in subs]
        blocks.append("\n".join(lines) + "\n")
    if first is None:
        raise CompassError("a blueprint needs a phase: --phase 'Name: first task; second task'")
    return "\n".join(blocks), first
