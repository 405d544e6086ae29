"""Run a plan: in order, each step's commands and validations, recorded, stopped at the first failure.

A later run goes on from there: it leaves out the steps whose commits are in force.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from compass.errors import CompassError
from compass.plan import check, git, graph, validations
from compass.plan.model import Plan, Step, matches
from compass.plan.records import Records
from compass.plan.validations import Result

TIMEOUT = 600.0
Report = Callable[[Step, Result], None]


@dataclass
class Ran:
    """A run: the commit it started from, the results by step, the commits made, and the step that stopped it.

    `earlier` has the commits of the steps that had passed before and were left out.
    """

    base: str
    earlier: dict[str, str] = field(default_factory=dict)
    results: dict[str, list[Result]] = field(default_factory=dict)
    commits: dict[str, str] = field(default_factory=dict)
    failed: str | None = None


@dataclass(frozen=True)
class Due:
    """The steps that a run has to do, and the commits of those that it leaves out."""

    steps: list[Step]
    earlier: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where a plan is run: the root of the working tree, and its record."""

    root: Path
    records: Records
    ignored: tuple[str, ...]

    def changed(self) -> list[str]:
        """Changed paths, without those that compass and the author of the plan keep."""
        return git.changed(self.root, without=self.ignored)


def place_of(plan: Plan) -> Place:
    """The repository of a plan file; CompassError without git, repository or commit."""
    from compass.home import find_home

    folder = plan.path.resolve().parent
    root = git.top(folder).resolve()
    home = find_home(folder)
    own = [path for path in (home.folder, plan.path.resolve()) if path.is_relative_to(root)]
    return Place(root, Records(home, plan.path), tuple(path.relative_to(root).as_posix() for path in own))


def ordered(plan: Plan, wanted: Sequence[str]) -> list[Step]:
    """The steps to run (all when none is named) in order; CompassError when the plan has no order."""
    fatal = check.fatal(plan)
    if fatal:
        raise CompassError("; ".join(f"{plan.path}:{line}: {message}" for line, message in fatal))
    chosen = {plan.step(name).step_id for name in wanted} or {step.step_id for step in plan.steps}
    return [step for group in graph.batches(plan) for step in group if step.step_id in chosen]


def due(plan: Plan, place: Place, steps: list[Step], *, again: bool) -> Due:
    """The steps without those whose commits are in force; all of them when they are to be run `again`.

    CompassError for a step that was committed, where nothing tells whether its work is still there or still wanted.
    """
    if again:
        return Due(steps)
    progress = place.records.progress()
    found = Due([])
    doubts = []
    for step in steps:
        commits = progress.commits_of(step.step_id)
        if not commits:
            found.steps.append(step)
        elif not git.holds(place.root, commits[-1]):
            doubts.append(f"{step.step_id} passed as commit {commits[-1][:10]}, which this branch was not built on")
        elif progress.work.get(step.step_id) not in (None, "", _work(step)):
            doubts.append(f"{step.step_id} is to do something else than when it passed as commit {commits[-1][:10]}")
        else:
            found.earlier[step.step_id] = commits[-1]
    if doubts:
        raise CompassError(
            f"{'; '.join(doubts)}: leave it out by naming the others with --step, take it back with compass plan "
            f"rollback {plan.path} --step ID, or run it once more with --again"
        )
    return found


def run(
    plan: Plan,
    place: Place,
    steps: list[Step],
    *,
    commit: bool,
    report: Report,
    again: bool = False,
    timeout: float = TIMEOUT,
) -> Ran:
    """Run the steps that are due; CompassError before the first when a precondition does not hold."""
    with place.records.alone():
        left = due(plan, place, steps, again=again)
        _require(plan, place, left.steps)
        ran = Ran(git.head(place.root), left.earlier)
        ids = [step.step_id for step in left.steps]
        place.records.append("start", commit=ran.base, branch=git.branch(place.root), steps=ids)
        for step in left.steps:
            passed = _step(step, place, ran, commit=commit, report=report, timeout=timeout)
            place.records.append(
                "step",
                step=step.step_id,
                status="passed" if passed else "failed",
                commit=ran.commits.get(step.step_id),
                work=_work(step),
            )
            if not passed:
                ran.failed = step.step_id
                break
    return ran


def preconditions(plan: Plan, place: Place, steps: list[Step]) -> list[str]:
    """What keeps the plan from being run here, each with its remedy."""
    wrong = []
    wanted = plan.preconditions.branch
    branch = git.branch(place.root)
    if wanted and not matches(branch, wanted):
        wrong.append(f"the branch is {branch}, the plan wants {wanted}: git switch {wanted}")
    programs = set(plan.preconditions.commands).union(*(validations.executables(step) for step in steps))
    lacking = validations.missing(programs, place.root)
    if lacking:
        wrong.append(f"not installed: {', '.join(lacking)}")
    if plan.preconditions.clean_tree:
        other = [path for path in place.changed() if not any(_declares(step, path) for step in steps)]
        if other:
            wrong.append(f"changed beside the files of the steps: {', '.join(other[:5])}; commit or restore them")
    done = place.records.progress().status
    chosen = {step.step_id for step in steps}
    for step in steps:
        waiting = [other for other in step.depends_on if other not in chosen and done.get(other) != "passed"]
        if waiting:
            wrong.append(f"{step.step_id} depends on {', '.join(waiting)}, which has not passed; run it as well")
    return wrong


def _require(plan: Plan, place: Place, steps: list[Step]) -> None:
    wrong = preconditions(plan, place, steps)
    if wrong:
        raise CompassError(f"{plan.path} cannot be run: {'; '.join(wrong)}")


def _step(step: Step, place: Place, ran: Ran, *, commit: bool, report: Report, timeout: float) -> bool:
    """Run one step and say whether it passed; its results are recorded one by one."""
    results = ran.results.setdefault(step.step_id, [])

    def keep(result: Result) -> bool:
        results.append(result)
        place.records.append(
            "result",
            step=step.step_id,
            check=result.name,
            status=result.status,
            seconds=result.seconds,
            detail=result.detail,
        )
        report(step, result)
        return result.status != "failed"

    before = set(place.changed())
    if not all(keep(validations.command(words, place.root, timeout=timeout)) for words in step.run):
        return False
    if step.run:
        beyond = [path for path in place.changed() if path not in before and not _declares(step, path)]
        if beyond:
            return keep(Result("declared files", "failed", f"changed but not declared: {', '.join(beyond[:10])}"))
    if not all(keep(validations.validate(item, step, place.root, timeout=timeout)) for item in step.validations):
        return False
    if commit and (paths := [path for path in place.changed() if _declares(step, path)]):
        try:
            ran.commits[step.step_id] = git.commit(place.root, paths, f"{step.step_id}: {step.name}")
        except CompassError as error:
            return keep(Result("commit", "failed", str(error)))
    return True


def _declares(step: Step, path: str) -> bool:
    return any(matches(path, glob) or path.startswith(f"{glob}/") for glob in step.paths)


def _work(step: Step) -> str:
    """A digest of what a step does; how it is checked and described may change without doing it again."""
    words = [step.run, sorted(step.files), sorted(step.removes)]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:16]
