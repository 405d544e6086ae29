"""Everything back where it was: what a migration made or copied goes, what it moved returns."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from durable.lock import LockTimeout, lock
from ocr.errors import RecordError
from ocr.records.catalog import INDEX
from ocr.records.checkpoint import file_sha256
from ocr.records.migration.carry import carry
from ocr.records.migration.journal import JOURNAL, Done, Item, Ledger, Progress
from ocr.records.migration.verify import opened
from ocr.records.scan import Problem


@dataclass
class Undone:
    """What was taken away and brought back, and what was left alone and why."""

    runs: int = 0
    removed: int = 0
    returned: int = 0
    problems: list[Problem] = field(default_factory=list)


def undo(root: Path, step: Callable[[], object] = lambda: None) -> Undone:
    """Undo every migration into `root` by its journal, which goes last; begun again it goes on.

    A file that was changed since is left and listed. The last copy of anything is never removed: when the old file is
    gone, the new one goes back in its place. Raises RecordError without a journal.
    """
    ledger = opened(root)
    undone = Undone()
    guard = ledger.root / JOURNAL.removesuffix(".jsonl")
    try:
        with lock(guard, timeout=1.0):
            for progress in reversed(ledger.runs.values()):
                _undo_run(progress, ledger.root, undone)
                undone.runs += 1
                step()
            if not undone.problems:
                _close(ledger)
    except LockTimeout as error:
        raise RecordError(f"{root}: a migration is at work there; wait for it to end") from error
    if not undone.problems:
        _remove_root(ledger.root, guard)
    return undone


def _undo_run(progress: Progress, root: Path, undone: Undone) -> None:
    # What was made goes before what it was made of.
    for item in reversed(progress.items.values()):
        target = root / item.target
        if not os.path.lexists(target):
            continue
        try:
            reason = _undo_item(item, target, progress.done.get(item.target), undone)
        except OSError as error:
            reason = f"cannot be undone: {error.strerror or error}"
        if reason is not None:
            undone.problems.append(Problem(str(target), reason))
            continue
        for folder in target.parents:
            if folder == root or not _remove_if_empty(folder):
                break


def _undo_item(item: Item, target: Path, done: Done | None, undone: Undone) -> str | None:
    """Take one file back; return why it was left."""
    source = Path(item.source)
    if item.kind not in ("carry", "keep"):
        if done is not None and done.sha256 is not None and file_sha256(target) != done.sha256:
            return "changed since it was migrated, so it is left; remove it yourself if it is not needed"
        target.unlink()
        undone.removed += 1
        return None
    if done is not None and done.sha256 is not None and file_sha256(target) != done.sha256:
        return f"changed since it was migrated from {source}, so it is left"
    if os.path.lexists(source):
        if not target.is_symlink() and file_sha256(source) != file_sha256(target):
            return f"differs from {source}, so it is left"
        target.unlink()
        undone.removed += 1
        return None
    source.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink():
        os.symlink(os.readlink(target), source)
        target.unlink()
    else:
        carry(target, source, "move")
        target.unlink(missing_ok=True)  # still there when it had to be copied
    undone.returned += 1
    return None


def _close(ledger: Ledger) -> None:
    """Take away what the migration kept for itself, the journal last, and the cache when nothing else is left."""
    for report in ledger.reports:
        Path(report).unlink(missing_ok=True)
    path = ledger.journal.path
    path.unlink()
    Path(f"{path}.lock").unlink(missing_ok=True)


def _remove_root(root: Path, guard: Path) -> None:
    """Remove the new root when it holds nothing but a cache."""
    Path(f"{guard}.lock").unlink(missing_ok=True)
    if all(name.startswith(INDEX) for name in os.listdir(root)):
        for name in os.listdir(root):
            (root / name).unlink()
        root.rmdir()


def _remove_if_empty(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:
        return False
    return True
