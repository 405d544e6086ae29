"""Take a plan back: one step, one file, or all of it; by revert, or on request by reset with a backup branch."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from compass import clock
from compass.errors import CompassError
from compass.plan import git, graph, validations
from compass.plan.model import Plan, Step, Validation, clean_glob, matches
from compass.plan.records import Progress
from compass.plan.run import TIMEOUT, Place
from compass.plan.validations import Result

# What a change was to bring about (a pattern gone, a new test that passes) cannot hold once it is taken back.
STILL_TRUE = ("py_compile", "import", "types", "ruff", "yaml")


@dataclass
class RolledBack:
    """What was taken back, and whether what is left is sound."""

    what: str
    commits: list[str] = field(default_factory=list)
    backup: str | None = None
    results: dict[str, list[Result]] = field(default_factory=dict)

    @property
    def sound(self) -> bool:
        """Whether no validation failed afterwards."""
        return all(result.status != "failed" for listed in self.results.values() for result in listed)


def whole(plan: Plan, place: Place, *, reset: bool) -> RolledBack:
    """Take back every step commit; with `reset` return to the commit of the first run and keep a backup branch."""
    with place.records.alone():
        progress = _ready(plan, place)
        done = RolledBack("plan")
        if reset:
            done.backup = f"compass-backup-{clock.now():%Y%m%d-%H%M%S}"
            git.git(place.root, "branch", done.backup)
            git.git(place.root, "reset", "-q", "--hard", str(progress.base))
        elif progress.commits:
            done.commits = [commit for _, commit in reversed(progress.commits)]
            git.revert(place.root, done.commits)
        else:
            raise CompassError(f"{plan.path}: no step was committed; run it with --commit, or use --reset")
        place.records.append("rollback", what="plan", target=str(plan.path), commits=done.commits, backup=done.backup)
        _verify(place, done, [step for step in plan.steps if step.step_id in progress.status], set())
    return done


def one_step(plan: Plan, place: Place, step_id: str) -> RolledBack:
    """Take back the commits of one step; refused while a committed step depends on it."""
    step = plan.step(step_id)
    with place.records.alone():
        progress = _ready(plan, place)
        commits = progress.commits_of(step.step_id)
        if not commits:
            raise CompassError(f"{step.step_id} has no commit to take back; steps are committed by plan run --commit")
        above = {name for name, _ in progress.commits if step.step_id in graph.ancestors(plan, name)}
        if above:
            raise CompassError(f"{', '.join(sorted(above))} depends on {step.step_id}; roll that back first")
        done = RolledBack("step", commits=commits[::-1])
        git.revert(place.root, done.commits)
        place.records.append("rollback", what="step", target=step.step_id, commits=done.commits, backup=None)
        kept = {name for name, _ in progress.commits} - {step.step_id}
        _verify(place, done, [s for s in plan.steps if s is step or s.step_id in kept], kept)
    return done


def one_file(plan: Plan, place: Place, path: str) -> RolledBack:
    """Return one file to the commit of the first run, as a new commit."""
    try:
        clean_glob(path)
    except ValueError as error:
        raise CompassError(f"--file: {error}") from None
    with place.records.alone():
        progress = _ready(plan, place)
        root, base = place.root, str(progress.base)
        literal = f":(literal,top){path}"
        there = git.git(root, "ls-tree", "--name-only", base, "--", path).strip()
        if there:
            git.git(root, "checkout", "-q", base, "--", literal)
        elif (root / path).is_file():
            git.git(root, "rm", "-q", "--", literal)
        else:
            raise CompassError(f"--file {path}: neither here nor in the commit {base[:10]}")
        if path not in place.changed():
            raise CompassError(f"--file {path}: it is as it was in the commit {base[:10]}; nothing to roll back")
        commit = git.commit(root, [path], f"Roll back {path} to {base[:10]}")
        done = RolledBack("file", commits=[commit])
        place.records.append("rollback", what="file", target=path, commits=done.commits, backup=None)
        _verify(place, done, [s for s in plan.steps if any(matches(path, glob) for glob in s.paths)], set())
    return done


def _ready(plan: Plan, place: Place) -> Progress:
    """What was run; CompassError when nothing was, or when the tree is dirty."""
    progress = place.records.progress()
    if progress.base is None:
        raise CompassError(f"{plan.path}: no run is recorded here; nothing to roll back")
    dirty = place.changed()
    if dirty:
        raise CompassError(f"the tree is dirty ({', '.join(dirty[:5])}); commit or restore these before a rollback")
    return progress


def _verify(place: Place, done: RolledBack, steps: list[Step], kept: set[str]) -> None:
    """Run the rollback commands of what was taken back, then the validations: all of the steps that stay in force."""
    for step in steps:
        results = done.results.setdefault(step.step_id, [])
        if step.step_id not in kept:
            results += [validations.command(words, place.root, timeout=TIMEOUT) for words in step.rollback]
            checks = [check for item in step.validations if (check := _still_true(item, step, place.root))]
        else:
            checks = list(step.validations)
        results += [validations.validate(check, step, place.root, timeout=TIMEOUT) for check in checks]


def _still_true(item: Validation, step: Step, root: Path) -> Validation | None:
    """The validation for those files that are there (what the step had made is gone again), or None."""
    files = tuple(glob for glob in (item.files or step.files) if any(root.glob(glob)))
    return replace(item, files=files) if item.kind in STILL_TRUE and not item.value and files else None
