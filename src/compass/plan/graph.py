"""Order among steps: cycles, what may run in parallel, the picture."""

from compass.plan.model import Plan, Step, matches


def cycles(plan: Plan) -> list[list[str]]:
    """Every group of steps that wait for each other, as a path that returns to its first step."""
    needs = {step.step_id: [other for other in step.depends_on if _known(plan, other)] for step in plan.steps}
    found: list[list[str]] = []
    closed: set[str] = set()
    for start in needs:
        path = _return_path(needs, start)
        if path and not closed & set(path):
            found.append(path)
            closed |= set(path)
    return found


def _return_path(needs: dict[str, list[str]], start: str) -> list[str] | None:
    """The shortest way along dependencies from `start` back to itself."""
    queue = [[start]]
    seen: set[str] = set()
    while queue:
        path = queue.pop(0)
        for following in needs.get(path[-1], []):
            if following == start:
                return [*path, start]
            if following not in seen:
                seen.add(following)
                queue.append([*path, following])
    return None


def ancestors(plan: Plan, step_id: str) -> set[str]:
    """Every step that must be done before this one."""
    needs = {step.step_id: step.depends_on for step in plan.steps}
    found: set[str] = set()
    waiting = list(needs.get(step_id, ()))
    while waiting:
        other = waiting.pop()
        if other not in found:
            found.add(other)
            waiting.extend(needs.get(other, ()))
    return found


def batches(plan: Plan) -> list[list[Step]]:
    """The steps in order, in groups that may run in parallel. The plan must be free of cycles.

    A step comes as early as its dependencies allow. A step that is not parallelizable is alone in its group, and two
    steps that may touch the same file are never in one group.
    """
    done: set[str] = set()
    left = list(plan.steps)
    groups: list[list[Step]] = []
    while left:
        ready = [step for step in left if all(other in done or not _known(plan, other) for other in step.depends_on)]
        if not ready:
            break
        level: list[list[Step]] = []
        for step in sorted(ready, key=lambda step: not step.alone):
            room = next((group for group in level if _fits(step, group)), None)
            if room is None:
                level.append([step])
            else:
                room.append(step)
        groups += level
        done |= {step.step_id for step in ready}
        left = [step for step in left if step.step_id not in done]
    return groups


def shared_files(one: Step, other: Step) -> list[str]:
    """The paths and globs of `one` that may be the same file as one of `other`."""
    return [mine for mine in one.paths if any(matches(mine, its) or matches(its, mine) for its in other.paths)]


def mermaid(plan: Plan) -> str:
    """The steps as a Mermaid flow chart, dependencies as arrows."""
    names = {step.step_id: f"s{number}" for number, step in enumerate(plan.steps, start=1)}
    lines = ["graph TD"]
    for step in plan.steps:
        risk = f"<br/>risk: {step.risk}" if step.risk else ""
        lines.append(f'  {names[step.step_id]}["{_quoted(step.step_id)}<br/>{_quoted(step.name)}{risk}"]')
    lines += [
        f"  {names[other]} --> {names[step.step_id]}"
        for step in plan.steps
        for other in step.depends_on
        if other in names
    ]
    return "\n".join(lines) + "\n"


def _fits(step: Step, group: list[Step]) -> bool:
    return not step.alone and all(not other.alone and not shared_files(step, other) for other in group)


def _known(plan: Plan, step_id: str) -> bool:
    return any(step.step_id == step_id for step in plan.steps)


def _quoted(text: str) -> str:
    return text.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
