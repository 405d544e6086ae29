"""One process at a time: an exclusive lock that the operating system releases when its holder dies."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class LockTimeout(TimeoutError):
    """Somebody else held the lock for the whole time we were ready to wait."""


@contextmanager
def lock(path: str | os.PathLike[str], timeout: float = 30.0) -> Iterator[None]:
    """Hold the lock of `path`, waiting up to `timeout` seconds for it; raises LockTimeout, or OSError from the folder.

    `path` is the thing protected (a file or a folder, which need not exist); the lock is the file `path` + ".lock"
    beside it, which stays there. A `path` that already ends in ".lock" is the lock file itself. The lock excludes
    processes and threads alike and is not reentrant.
    """
    from filelock import FileLock, Timeout

    lock_file = Path(path) if str(path).endswith(".lock") else Path(f"{path}.lock")
    holder = FileLock(lock_file, timeout=timeout, mode=0o666, thread_local=False)
    try:
        holder.acquire()
    except Timeout:
        raise LockTimeout(
            f"{lock_file}: another process has held this lock for {timeout:g} s; wait for it to end, or end it"
        ) from None
    try:
        yield
    finally:
        holder.release()
