"""Which runs and checkpoints there are below a folder. Looks at names, sizes and times only, and opens nothing."""

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ocr.records.layout import CARD_SUFFIX, OLD_CARD_SUFFIX, RECORD, old_layouts

_SKIPPED = {"logs", "wandb", "mlruns"}


class Problem(NamedTuple):
    """Something that cannot be listed as it should, and why."""

    path: str
    reason: str


@dataclass
class Checkpoint:
    """The files of one checkpoint; `state` changes when any of them does."""

    path: str
    size: int
    modified: float
    state: str
    cards: list[str] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        """What to compare to know whether to read again."""
        return f"{self.state} {' '.join(self.aliases)} {old_layouts():d}"


@dataclass
class Scan:
    """What lies below one root."""

    runs: dict[str, str] = field(default_factory=dict)  # folder: state of its record
    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def scan(root: Path) -> Scan:
    """Walk `root` without following links to folders, and note every run and checkpoint with the state of its files."""
    found = Scan()
    folders = [str(root)]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                folders += _take(folder, list(entries), found)
        except OSError as error:
            found.problems.append(Problem(folder, f"cannot be read: {error.strerror}"))
    return found


def _take(folder: str, entries: list[os.DirEntry[str]], found: Scan) -> Iterator[str]:
    """Note the files of one folder; yield the folders in it."""
    cards: dict[str, list[os.DirEntry[str]]] = defaultdict(list)
    aliases: dict[str, list[str]] = defaultdict(list)
    checkpoints: list[os.DirEntry[str]] = []
    for entry in entries:
        name = entry.name
        if name.endswith(".ckpt"):
            if entry.is_symlink():
                aliases[os.path.basename(os.readlink(entry.path))].append(name.removesuffix(".ckpt"))
            elif entry.is_file():
                checkpoints.append(entry)
        elif name.endswith((CARD_SUFFIX, OLD_CARD_SUFFIX)):
            cards[name.rpartition(".metadata.")[0]].append(entry)
        elif name == RECORD:
            found.runs[folder] = _state(entry)
        elif name[0] != "." and name not in _SKIPPED and entry.is_dir(follow_symlinks=False):
            yield entry.path
    for entry in checkpoints:
        beside = sorted(cards.pop(entry.name.removesuffix(".ckpt"), []), key=lambda e: e.name)
        stat = entry.stat()
        found.checkpoints[entry.path] = Checkpoint(
            path=entry.path,
            size=stat.st_size,
            modified=stat.st_mtime,
            state=" ".join(map(_state, [entry, *beside])),
            cards=[card.path for card in beside],
            aliases=sorted(aliases.get(entry.name, [])),
        )
    for orphans in cards.values():
        for card in orphans:
            found.problems.append(Problem(card.path, "a card, but its checkpoint is not there"))


def _state(entry: os.DirEntry[str]) -> str:
    stat = entry.stat()
    return f"{stat.st_mtime_ns:x}.{stat.st_size:x}.{stat.st_ino:x}"
