"""How many cores this process may use: its affinity and its cgroup's quota, not what the machine has. Work aside."""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

CGROUP_ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def in_background(make: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
    """Start ``make(...)`` in a thread of its own; the result of the future is what it returns or raises."""
    worker = ThreadPoolExecutor(1, thread_name_prefix="background")
    try:
        return worker.submit(make, *args, **kwargs)
    finally:
        worker.shutdown(wait=False)


def available_cores(root: Path = CGROUP_ROOT, membership: Path = MEMBERSHIP) -> int:
    """Cores this process may keep busy, at least 1; a quota of a core and a half counts as 1."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux has it
        cores = os.cpu_count() or 1
    quota = _quota(root, membership)
    return cores if quota is None else max(1, min(cores, int(quota + 0.01)))


def _quota(root: Path, membership: Path) -> float | None:
    """Return the smallest quota, in cores, of this process's cgroup and those above it; None when there is none."""
    found = []
    for folder in cgroup_folders("cpu", root, membership):
        for quota in (_v2(folder / "cpu.max"), _v1(folder)):
            if quota is not None:
                found.append(quota)
    return min(found, default=None)


def cgroup_folders(controller: str, root: Path, membership: Path) -> list[Path]:
    """Folders that may hold this process's limits of one controller: its cgroup and those above, versions 1 and 2."""
    folders = [root, root / controller, *root.glob(f"{controller},*")]
    for line in (_read(membership) or "").splitlines():
        _, controllers, path = line.split(":", 2)
        base = root if not controllers else root / controllers
        if controllers and controller not in controllers.split(","):
            continue
        current = base
        for part in Path(path).parts[1:]:
            current /= part
            folders.append(current)
    return folders


def _v2(path: Path) -> float | None:
    limit, _, period = (_read(path) or "max").partition(" ")
    return None if limit == "max" else int(limit) / int(period or 100_000)


def _v1(folder: Path) -> float | None:
    limit, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
    return int(limit) / int(period) if limit and period and int(limit) > 0 else None


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
