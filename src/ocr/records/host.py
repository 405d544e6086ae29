"""Which machine, boot and process this is: what tells a live run from one whose process is gone."""

import os
import socket
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# The packages whose version changes what a run does; the light ones are left out of the record.
_PACKAGES = (
    "receipt-ocr",
    "torch",
    "torchvision",
    "lightning",
    "timm",
    "hydra-core",
    "omegaconf",
    "numpy",
    "opencv-python-headless",
    "onnxruntime",
    "pillow",
    "pydantic",
)


@cache
def host_name() -> str:
    """Name of this machine."""
    return socket.gethostname()


@cache
def boot_id() -> str:
    """Identity of this boot of the machine, empty where the system does not tell."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def process_start(pid: int) -> str | None:
    """When a process of this machine began, in the system's own ticks since boot; None when there is no such process.

    With the boot id it tells a process from a later one that was given the same pid.
    """
    try:
        # The command name may hold spaces and parentheses, so count the fields from its last parenthesis.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None if not _is_alive(pid) else ""
    return None if fields[0] == "Z" else fields[19]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def git_state(folder: Path) -> tuple[str | None, bool | None]:
    """Revision of the repository around `folder` and whether its tracked files are changed; None outside of one."""
    revision = _git(folder, "rev-parse", "HEAD")
    if revision is None:
        return None, None
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return revision, None if changes is None else bool(changes)


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that decide what a run computes."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
