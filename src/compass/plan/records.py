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
    `status` the last outcome of each step.
    """

    base: str | None = None
    commits: list[tuple[str, str]] = field(default_factory=list)
    status: dict[str, str] = field(default_factory=dict)

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
                progress.status[entry["step"]] = entry["status"]
                if entry["commit"]:
                    progress.commits.append((entry["step"], entry["commit"]))
            elif entry["event"] == "rollback" and entry["what"] == "plan":
                progress = Progress()
            elif entry["event"] == "rollback" and entry["what"] == "step":
                progress.commits = [pair for pair in progress.commits if pair[0] != entry["target"]]
                progress.status[entry["target"]] = "rolled back"
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
