"""How much memory this process uses and how much its cgroup allows."""

import ctypes
import os
from pathlib import Path

from ocr.inference.threads import CGROUP_ROOT, MEMBERSHIP, cgroup_folders

# Part of the cgroup's limit that reading may fill: the rest is for what lies between two looks at the resident size.
SHARE = 0.9
# glibc's mallopt: where many threads decode images of many sizes, these keep the process at 0.4 times the size.
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
_LARGE = 1 << 20
_ARENAS = 2
# cgroup v1 says "no limit" with a number near 2^63.
_NO_LIMIT = 1 << 60


def resident_bytes() -> int:
    """Bytes of physical memory this process holds; 0 where the system does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def memory_limit(root: Path = CGROUP_ROOT, membership: Path = MEMBERSHIP) -> int | None:
    """Return the bytes that this process may use: a share of the smallest cgroup limit; None when there is none."""
    limits = []
    for folder in cgroup_folders("memory", root, membership):
        for name in ("memory.max", "memory.limit_in_bytes"):
            try:
                text = (folder / name).read_text().strip()
            except OSError:
                continue
            if text.isdecimal() and int(text) < _NO_LIMIT:
                limits.append(int(text))
    return int(min(limits) * SHARE) if limits else None


def return_freed_memory() -> bool:
    """Have large blocks go back to the system when freed, for processes that live long; False without glibc."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGE) and mallopt(_M_ARENA_MAX, _ARENAS))


def give_back() -> bool:
    """Return to the system what was freed so far, worth it after an enormous page; False without glibc."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except AttributeError:
        return False
    return bool(trim(0))
