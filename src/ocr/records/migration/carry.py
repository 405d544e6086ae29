"""One file to its new place, never over another, with the checksum of what is there then."""

import hashlib
import os
import shutil
from pathlib import Path

from durable.replace import replacing, sync, write_bytes
from ocr.records.checkpoint import file_sha256
from ocr.records.migration.journal import Done, How


class InTheWayError(OSError):
    """Another file has the name already."""


def carry(source: Path, target: Path, how: How) -> Done:
    """Copy, move or hard-link a file; raises OSError, after which both are as they were.

    A target that is there already is taken for the work of an earlier try when its bytes are the source's, or when the
    source is gone; otherwise InTheWayError. A copy is read back and compared before it gets its name. Moving to another
    filesystem copies: `take_away` removes the source once that is on record.
    """
    if os.path.lexists(target):
        digest = file_sha256(target)
        if source.exists() and digest != file_sha256(source):
            raise InTheWayError(None, f"another file is at {target} already")
        stat = (source if source.exists() else target).stat()
        return Done(digest, stat.st_size, stat.st_mtime_ns)
    target.parent.mkdir(parents=True, exist_ok=True)
    stat = source.stat()
    digest = file_sha256(source)
    if how == "copy" or not _rename_or_link(source, target, how):
        with replacing(target) as temporary:
            shutil.copyfile(source, temporary)
            shutil.copystat(source, temporary)
            if file_sha256(temporary) != digest:
                raise OSError(None, "the copy differs from what was read")
    return Done(digest, stat.st_size, stat.st_mtime_ns)


def link(target: Path, points_to: str) -> Done:
    """Make a link; InTheWayError when something else is there."""
    if os.path.lexists(target):
        if not target.is_symlink() or os.readlink(target) != points_to:
            raise InTheWayError(None, f"another file is at {target} already")
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.symlink(points_to, target)
        sync(target.parent)
    return Done(None, 0, 0)


def make(target: Path, content: bytes) -> Done:
    """Write a new file; InTheWayError when another one is there."""
    if not os.path.lexists(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(target, content)
    elif target.read_bytes() != content:
        raise InTheWayError(None, f"another file is at {target} already")
    return Done(hashlib.sha256(content).hexdigest(), len(content), 0)


def take_away(source: Path, target: Path, root: Path) -> None:
    """Remove a source that was copied instead of moved, and the folders below `root` that this leaves empty."""
    if source.is_symlink() or (source.exists() and not source.samefile(target)):
        source.unlink()
    for folder in source.parents:
        if folder == root or not folder.is_relative_to(root):
            return
        try:
            folder.rmdir()
        except OSError:  # not empty, or gone
            return


def _rename_or_link(source: Path, target: Path, how: How) -> bool:
    """Whether it could be done without copying; another filesystem makes that impossible."""
    try:
        (os.rename if how == "move" else os.link)(source, target)
    except OSError:
        return False
    sync(target.parent)
    return True
