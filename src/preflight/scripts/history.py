"""When files were last committed, from git's log; nothing where there is no git."""

import os
import subprocess
from datetime import date
from pathlib import Path

# Nothing that the repository's own settings name may run: no monitor, no hooks, no pager, no external diff.
GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-pager")


def git(root: Path, *arguments: str) -> str | None:
    """Output of a git command in the repository; None when git is absent or refuses."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_EXTERNAL_DIFF": "", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            [*GIT, *arguments], cwd=root, capture_output=True, text=True, errors="replace", env=environment, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def last_commits(root: Path, folders: tuple[str, ...]) -> tuple[dict[str, date], date | None]:
    """For each file below the folders, the day of its last commit; and the day of the newest commit of all."""
    newest = git(root, "log", "-1", "--format=%cs")
    log = git(root, "log", "--format=@%cs", "--name-only", "--no-renames", "--", *folders)
    days: dict[str, date] = {}
    day: date | None = None
    for line in (log or "").splitlines():
        if line.startswith("@"):
            day = date.fromisoformat(line[1:])
        elif line and day is not None:
            days.setdefault(line, day)
    return days, date.fromisoformat(newest.strip()) if newest and newest.strip() else None
