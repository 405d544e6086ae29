"""What plan runs have done: a journal per plan, and what it says at this moment."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compass import clock
from compass.errors import CompassError
from compass.home import Home


@dataclass
class Progress:
    """The state of a plan since it was last rolled back as a whole.

    `base` is the commit that the first run started from; `commits` the step commits still in force, oldest first;
    `status` the last outcome of each step, and `work` the digest of what it was to do when it passed.
    """

    base: str | None = None
    commits: list[tuple[str, str]] = field(default_factory=list)
    status: dict[str, str] = field(default_factory=dict)
    work: dict[str, str] = field(default_factory=dict)

    def commits_of(self, step_id: str) -> list[str]:
        """The commits of one step, oldest first."""
        return [commit for name, commit in self.commits if name == step_id]


class Records:
    """The journal of one plan file."""

    def __init__(self, home: Home, plan: Path) -> None:
        self.home = home
        digest = hashlib.sha256(str(plan.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:8]
        self.path = home.plans / f"{plan.stem}-{digest}.jsonl"

    def append(self, event: str, **entry: Any) -> None:
        """Add one event with its time."""
        from durable.journal import Journal

        Journal(self.path).append({"event": event, "at": clock.stamp(), **entry})

    def entries(self) -> list[dict[str, Any]]:
        """Every event, oldest first."""
        from durable.journal import Journal, JournalError

        try:
            return Journal(self.path).read()
        except JournalError as error:
            raise CompassError(f"the record of the plan's runs is damaged: {error}") from None

    def progress(self) -> Progress:
        """What the events amount to."""
        progress = Progress()
        for entry in self.entries():
            if entry["event"] == "start" and progress.base is None:
                progress.base = entry["commit"]
            elif entry["event"] == "step":
                _take(progress, entry)
            elif entry["event"] == "rollback" and entry["what"] == "plan":
                progress = Progress()
            elif entry["event"] == "rollback" and entry["what"] == "step":
                progress.commits = [pair for pair in progress.commits if pair[0] != entry["target"]]
                progress.status[entry["target"]] = "rolled back"
                progress.work.pop(entry["target"], None)
        return progress

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other run or rollback out of this repository."""
        from durable.lock import LockTimeout, lock

        self.home.prepare()
        self.home.plans.mkdir(exist_ok=True)
        try:
            with lock(self.home.plans / "run", timeout=1.0):
                yield
        except LockTimeout:
            raise CompassError(
                "another plan is being run or rolled back in this repository; wait for it to end"
            ) from None


def _take(progress: Progress, entry: dict[str, Any]) -> None:
    """Note how a step ended."""
    step_id = entry["step"]
    if entry["commit"]:
        progress.commits.append((step_id, entry["commit"]))
    if entry["status"] == "passed":
        progress.status[step_id] = "passed"
        progress.work[step_id] = entry.get("work", "")  # Records of earlier versions do not tell.
    elif not progress.commits_of(step_id):  # A commit stands for its step, however a later attempt ended.
        progress.status[step_id] = entry["status"]
