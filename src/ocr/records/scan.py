"""Which runs and checkpoints there are below a folder. Looks at names, sizes and times only, and opens nothing."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ocr.records.layout import CARD_SUFFIX, LAST, OLD_CARD_SUFFIX, RECORD, old_layouts

_SKIPPED = {"logs", "wandb", "mlruns"}
_NO_RUNS = _SKIPPED | {LAST.parent.name}


class Problem(NamedTuple):
    """Something that cannot be listed as it should, and why."""

    path: str
    reason: str


@dataclass(slots=True)
class Checkpoint:
    """The files of one checkpoint; `fingerprint` changes when any of them does, and is compared to read again."""

    path: str
    size: int
    modified: float
    fingerprint: str
    cards: list[str]
    aliases: list[str]


@dataclass
class Scan:
    """What lies below one root."""

    runs: dict[str, str] = field(default_factory=dict)  # folder: state of its record
    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def scan(root: Path, *, checkpoints: bool = True) -> Scan:
    """Walk `root` without following links to folders, and note every run and checkpoint with the state of its files.

    Without `checkpoints` runs alone are looked for, which is most of the time saved.
    """
    found = Scan()
    folders = [str(root)]
    layouts = f" {old_layouts():d}"
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                folders += _take(folder, entries, layouts, found) if checkpoints else _take_run(folder, entries, found)
        except OSError as error:
            found.problems.append(Problem(folder, f"cannot be read: {error.strerror}"))
    return found


# This is the time of a listing: two files and a half to look at for each of ten thousand checkpoints.
def _take(folder: str, entries: Iterable[os.DirEntry[str]], layouts: str, found: Scan) -> list[str]:
    """Note the files of one folder; return the folders in it."""
    cards: dict[str, list[tuple[str, str]]] = {}
    aliases: dict[str, list[str]] = {}
    checkpoints: list[os.DirEntry[str]] = []
    below: list[str] = []
    for entry in entries:
        name = entry.name
        if name.endswith(".ckpt"):
            if entry.is_symlink():
                target = os.readlink(entry.path).rpartition(os.sep)[2]
                aliases.setdefault(target, []).append(name[:-5])
            elif entry.is_file():
                checkpoints.append(entry)
        elif name.endswith((CARD_SUFFIX, OLD_CARD_SUFFIX)):
            if stat := _stat(entry):
                cards.setdefault(name.rpartition(".metadata.")[0], []).append((entry.path, _state(stat)))
        elif name == RECORD:
            if stat := _stat(entry):
                found.runs[folder] = _state(stat)
        elif name[0] != "." and name not in _SKIPPED and entry.is_dir(follow_symlinks=False):
            below.append(entry.path)
    for entry in checkpoints:
        name, path, stat = entry.name, entry.path, _stat(entry)
        beside = cards.pop(name[:-5], [])
        if stat is None:
            continue
        names = aliases.get(name, [])
        if len(beside) > 1:
            beside.sort()
        if len(names) > 1:
            names.sort()
        state = " ".join([_state(stat), *[state for _, state in beside]])
        found.checkpoints[path] = Checkpoint(
            path,
            stat.st_size,
            stat.st_mtime,
            f"{state} {' '.join(names)}{layouts}",
            [card for card, _ in beside],
            names,
        )
    for orphans in cards.values():
        found.problems += [Problem(card, "a card, but its checkpoint is not there") for card, _ in orphans]
    return below


def _take_run(folder: str, entries: Iterable[os.DirEntry[str]], found: Scan) -> list[str]:
    """Note the record of one folder; return the folders in it that may hold runs."""
    below: list[str] = []
    for entry in entries:
        name = entry.name
        if name == RECORD:
            if stat := _stat(entry):
                found.runs[folder] = _state(stat)
        elif name[0] != "." and name not in _NO_RUNS and entry.is_dir(follow_symlinks=False):
            below.append(entry.path)
    return below


def _stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    """The state of a file; None when it went since the folder was read, as when a run drops a checkpoint."""
    try:
        return entry.stat()
    except FileNotFoundError:
        return None


def _state(stat: os.stat_result) -> str:
    return f"{stat.st_mtime_ns:x}.{stat.st_size:x}.{stat.st_ino:x}"
