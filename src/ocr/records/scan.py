"""From folders to rows: which runs and checkpoints there are, and what their files say. Never opens a checkpoint."""

import os
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from ocr.errors import CardError, RecordError
from ocr.records.checkpoint import SUFFIX, read_card
from ocr.records.legacy import SWITCH, CardV1, config_of, enabled, from_name, infer, read_card_v1
from ocr.records.legacy_targets import DROPPED_IN
from ocr.records.run import RECORD, read_record

OLD_SUFFIX = ".metadata.yaml"
WHOLE = "whole"
NO_CARD = "no card: run doctor"

_CARD_FIELDS = (
    *("name", "task", "architecture", "encoder", "decoder", "head", "loss"),
    *("epoch", "step", "monitor", "mode", "run_id", "licence"),
)
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
        return f"{self.state} {' '.join(self.aliases)} {enabled():d}"


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
        elif name.endswith((SUFFIX, OLD_SUFFIX)):
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


def run_row(folder: str) -> dict[str, Any]:
    """What is listed of a run; a record that cannot be read gives a row that says so."""
    try:
        record = read_record(Path(folder))
    except RecordError as error:
        return {"folder": folder, "state": str(error).removeprefix(f"{folder}{os.sep}{RECORD}: ")}
    row = record.model_dump(mode="json", exclude={"schema_version", "packages", "command"})
    return {"folder": folder, "state": WHOLE, **row}


def checkpoint_row(files: Checkpoint) -> dict[str, Any]:
    """What is listed of a checkpoint: from its card, else from an old sidecar, else inferred from the saved config."""
    path = Path(files.path)
    row: dict[str, Any] = {
        "path": files.path,
        "size": files.size,
        "aliases": files.aliases,
        "created": datetime.fromtimestamp(files.modified, UTC).isoformat(),
        "state": WHOLE,
    }
    try:
        row |= _from_card(path, files) if files.cards else _without_card(path)
    except CardError as error:
        row |= _without_card(path) | {"state": str(error)}
    if len(files.cards) > 1:
        row["state"] = f"two cards: {', '.join(os.path.basename(card) for card in files.cards)}"
    return row


def _from_card(path: Path, files: Checkpoint) -> dict[str, Any]:
    new = str(path.with_suffix("")) + SUFFIX
    if new not in files.cards:
        return _from_old_card(Path(files.cards[0]))
    try:
        card = read_card(path)
    except CardError:
        if not enabled():
            raise
        try:
            old = read_card_v1(Path(new))
        except CardError:
            old = None
        if old is None:
            raise
        return _old_row(old, path)
    metrics = {record.name: record.value for record in card.metrics}
    row: dict[str, Any] = {key: getattr(card, key) for key in _CARD_FIELDS}
    row |= {"metrics": metrics, "score": metrics.get(card.monitor or ""), "created": card.created.isoformat()}
    row["charset_size"] = None if card.charset is None else len(card.charset)
    if card.size != files.size:
        row["state"] = f"damaged: {files.size} bytes, its card was written for {card.size}"
    return row


def _from_old_card(path: Path) -> dict[str, Any]:
    if not enabled():
        raise CardError(f"{path}: an old sidecar, and {SWITCH}=off; ocr migrate outputs brings it up to date")
    return _old_row(read_card_v1(path), path)


def _old_row(card: CardV1, path: Path) -> dict[str, Any]:
    warnings.warn(
        f"{path}: a sidecar of an old layout; `ocr migrate outputs {path.parent.parent}` gives it its new place and "
        f"form; old ones are read until version {DROPPED_IN}",
        DeprecationWarning,
        stacklevel=2,
    )
    return card.row() | {"old": True}


def _without_card(path: Path) -> dict[str, Any]:
    """What the name and the saved config tell; no field is ever guessed."""
    config = config_of(path)
    told = from_name(path.stem) | (infer(config) if config else {})
    return {"name": path.stem, "encoder": NO_CARD, "metrics": {}, **told, "state": NO_CARD}
