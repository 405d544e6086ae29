"""Whether this machine has what the documented command lines need."""

import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass

from compass.errors import CompassError
from compass.home import find_home

OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Check:
    """One thing that is needed: whether it is there, what was seen, and the remedy when it is not."""

    name: str
    ok: bool
    seen: str
    remedy: str = ""


def checks() -> list[Check]:
    """Python, git, uv and the repository."""
    wanted = ".".join(str(part) for part in OLDEST_PYTHON)
    python = Check(
        "python", sys.version_info >= OLDEST_PYTHON, platform.python_version(), f"use Python {wanted} or newer"
    )
    return [
        python,
        _tool("git", "install git; plans need it, pulses do not"),
        _tool("uv", "install uv, or run the commands in the activated environment without `uv run`"),
        _repository(),
    ]


def _tool(name: str, remedy: str) -> Check:
    path = shutil.which(name)
    if path is None:
        return Check(name, False, "not on PATH", remedy)
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check(name, False, str(error), remedy)
    seen = (done.stdout.strip().splitlines() or [f"exit code {done.returncode}"])[0]
    return Check(name, done.returncode == 0, seen, remedy)


def _repository() -> Check:
    try:
        return Check("repository", True, str(find_home().root))
    except CompassError as error:
        return Check("repository", False, "none", str(error))
