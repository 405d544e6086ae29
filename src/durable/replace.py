"""Replace a file all at once: a reader, or a restart after kill -9, finds the old content or the new, never a part.

The new content is written beside the target (the same filesystem, so that the rename is atomic), flushed to the
disk, and only then renamed over it. A process that is killed before the rename leaves a hidden file whose name starts
with `LEFTOVER`; `sweep` removes such files.
"""

import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

LEFTOVER = ".tmp-durable-"


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; what the block wrote there replaces `path` at its end.

    The temporary name keeps the suffix of `path`, as some writers choose the format by it. The permissions of an
    existing file are kept; a symbolic link is replaced, not followed. When the block raises, or writes nothing
    (FileNotFoundError), `path` is left as it was and the temporary file is removed.
    """
    target = Path(path)
    suffix = target.suffix if len(target.suffix) <= 32 else ""
    temporary = target.with_name(f"{LEFTOVER}{os.urandom(8).hex()}{suffix}")
    try:
        yield temporary
        with suppress(FileNotFoundError):
            os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
        sync(temporary)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(target.parent)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Make `data` the whole content of `path`, or leave `path` as it is and raise OSError."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Make `text` (UTF-8, line ends kept as they are) the whole content of `path`."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_json(path: str | os.PathLike[str], obj: Any) -> None:
    """Make `obj` the whole content of `path`, as indented JSON; ValueError for NaN and infinity, which JSON lacks."""
    write_text(path, json.dumps(obj, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def sync(path: str | os.PathLike[str]) -> None:
    """Flush a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: str | os.PathLike[str], *, older_than: float = 3600.0) -> list[Path]:
    """Remove from `folder` what killed writers left there at least `older_than` seconds ago; return what was removed.

    The age keeps the sweep away from a writer that is still at work.
    """
    removed: list[Path] = []
    for leftover in Path(folder).glob(f"{LEFTOVER}*"):
        with suppress(FileNotFoundError):
            if time.time() - leftover.lstat().st_mtime >= older_than:
                leftover.unlink()
                removed.append(leftover)
    return sorted(removed)
