"""A fix as steps that are written down before the first is made, so that a killed one is finished by the next."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from aqms import cache, git
from aqms.project import ChangedError, inside
from durable.lock import lock
from durable.replace import sweep, write_bytes

_NAME = "fix.json"
_STILL = 10.0  # seconds after which nobody is still writing a document


@dataclass(frozen=True)
class Step:
    """One file: from where to where, the digest of what it holds and the text, byte order mark included, it shall."""

    path: str
    target: str
    old: str
    new: str

    @property
    def moves(self) -> bool:
        """Whether the file gets another name."""
        return self.target != self.path


def digest(data: bytes) -> str:
    """What the content of a file is known by."""
    return hashlib.sha256(data).hexdigest()


def pending(root: Path) -> bool:
    """Whether a fix was begun that has not ended."""
    return (root / cache.FOLDER / _NAME).exists()


def carry_out(root: Path, steps: Sequence[Step]) -> None:
    """Make the steps, which are kept in the cache's folder until all are made; the caller holds the lock of fixes.

    Raises OSError, or GitError when git refuses a rename; `finish` then does the rest.
    """
    note = cache.folder(root) / _NAME
    sweep(note.parent)
    write_bytes(note, json.dumps([asdict(step) for step in steps]).encode())
    _make(root, steps)
    note.unlink()


def finish(root: Path) -> dict[str, str]:
    """Make the steps that a killed fix left; old and new names of the files that it moved.

    A fix that was killed before its first step is forgotten. Raises ChangedError, before anything is written, for files
    that are no longer what the fix left, and OSError or GitError.
    """
    if not pending(root):
        return {}
    with lock(cache.folder(root) / "fix"):
        note = root / cache.FOLDER / _NAME
        if not note.exists():
            return {}  # It was not killed: it ended while we waited.
        steps = _read(root, note)
        begun = [_begun(root, step) for step in steps]
        for folder in {(root / name).parent for step in steps for name in (step.path, step.target)}:
            sweep(folder, older_than=_STILL)
        if any(begun):
            _make(root, steps)
        note.unlink()
    return {step.path: step.target for step in steps if step.moves} if any(begun) else {}


def _read(root: Path, note: Path) -> list[Step]:
    with suppress(ValueError, TypeError, AttributeError):
        steps = [Step(**step) for step in json.loads(note.read_bytes())]
        if steps and all(inside(root, root / name) for step in steps for name in (step.path, step.target)):
            return steps
    raise ChangedError(f"{cache.FOLDER}/{_NAME} is not what a fix wrote; remove it")


def _place(root: Path, step: Step) -> Path:
    """Where the file of a step is now; raises ChangedError when it is nowhere, or in both places."""
    places = [root / name for name in dict.fromkeys((step.path, step.target)) if (root / name).exists()]
    if len(places) != 1:
        raise _changed(step.path)
    return places[0]


def _begun(root: Path, step: Step) -> bool:
    """Whether anything was done of a step; raises ChangedError when somebody else has changed the file."""
    place = _place(root, step)
    found = digest(place.read_bytes())
    new = digest(step.new.encode())
    if found not in (step.old, new):
        raise _changed(place.relative_to(root).as_posix())
    return (step.moves and place == root / step.target) or (found == new != step.old)


def _changed(name: str) -> ChangedError:
    return ChangedError(
        f"{name}: it was changed or moved after a fix was killed, which therefore cannot be finished; undo that, or "
        f"remove {cache.FOLDER}/{_NAME} to leave the documents as they are"
    )


def _make(root: Path, steps: Sequence[Step]) -> None:
    """Write the texts, then move the files, passing over what is done."""
    for step in steps:
        place, data = _place(root, step), step.new.encode()
        if digest(place.read_bytes()) != digest(data):
            write_bytes(place, data)
    moves = [step for step in steps if step.moves]
    tracked = git.tracked(root) if moves else set()
    for step in moves:
        if (root / step.path).exists():
            git.move(root, step.path, step.target, is_tracked=step.path in tracked)
        elif step.path in tracked:
            git.move_entry(root, step.path, step.target)
