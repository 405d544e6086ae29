"""Which machine, boot and process this is: what tells a live run from one whose process is gone."""

import os
import socket
from functools import cache
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


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
