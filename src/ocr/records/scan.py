"""Which runs and checkpoints there are below a folder. Looks at names, sizes and times only, and opens nothing."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ocr.records.layout import CARD_SUFFIX, LAST, OLD_CARD_SUFFIX, RECORD, old_layouts

_SKIPPED = {"logs", "wandb", "mlruns"}
_NO_RUNS = _SKIPPED | {LAST.parent.name}
_CHECKPOINT = ".ckpt"
_LINK = ">"


class Problem(NamedTuple):
    """Something that cannot be listed as it should, and why."""

    path: str
    reason: str


class Checkpoint(NamedTuple):
    """The files of one checkpoint; `modified` in seconds. Without `size` it is not there, and only its cards are."""

    path: str
    size: int | None
    modified: float
    cards: list[str]
    aliases: list[str]


@dataclass
class Found:
    """Folders below one root: `states` has a text for each that differs when anything listed of it has changed."""

    states: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def scan_runs(root: str) -> Found:
    """The folders of runs. Nothing is looked for among checkpoints."""
    return _walk(root, _take_run)


def scan_checkpoints(root: str) -> Found:
    """The folders that hold checkpoints or cards; `checkpoints_of` reads what a state says."""
    return _walk(root, _take_checkpoints)


def _walk(root: str, take: Callable[[str, Iterable[os.DirEntry[str]], Found], list[str]]) -> Found:
    """Walk `root` without following links to folders; `take` notes what is in a folder and returns where to go on."""
    found = Found()
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            folder.encode()
            with os.scandir(folder) as entries:
                folders += take(folder, entries, found)
        except OSError as error:
            found.problems.append(Problem(folder, f"cannot be read: {error.strerror}"))
        except UnicodeEncodeError:
            found.problems.append(Problem(folder, "cannot be listed: a name that is not UTF-8; rename it"))
    return found


def _take_run(folder: str, entries: Iterable[os.DirEntry[str]], found: Found) -> list[str]:
    below: list[str] = []
    for entry in entries:
        name = entry.name
        if name == RECORD:
            try:
                found.states[folder] = file_state(entry.stat())
            except OSError as error:
                _lost(entry, error, found)
        elif name[0] != "." and name not in _NO_RUNS and entry.is_dir(follow_symlinks=False):
            below.append(entry.path)
    return below


# This is the time of a listing: two files to look at, and half a link to read, for each of ten thousand checkpoints.
# Times of folders would tell less: they stay when a card is edited, or a checkpoint cut off, in place.
def _take_checkpoints(folder: str, entries: Iterable[os.DirEntry[str]], found: Found) -> list[str]:
    """The state is ``NAME/STATE/NAME/STATE...``: no name holds a slash."""
    below: list[str] = []
    files: list[str] = []
    for entry in entries:
        name = entry.name
        if name.endswith((_CHECKPOINT, CARD_SUFFIX, OLD_CARD_SUFFIX)):
            try:
                if entry.is_symlink() and name.endswith(_CHECKPOINT):
                    files.append(f"{name}/{_LINK}{os.readlink(entry.path).rpartition(os.sep)[2]}")
                elif entry.is_file():
                    stat = entry.stat()  # `file_state`, without the time of a call
                    files.append(f"{name}/{stat.st_mtime_ns:x}.{stat.st_size:x}.{stat.st_ino:x}.{stat.st_ctime_ns:x}")
                elif entry.is_dir(follow_symlinks=False):
                    below.append(entry.path)
            except OSError as error:
                _lost(entry, error, found)
        elif name[0] != "." and name not in _SKIPPED and entry.is_dir(follow_symlinks=False):
            below.append(entry.path)
    if files:
        files.sort()
        text = "/".join(files)
        text.encode()
        found.states[folder] = f"{old_layouts():d}/{text}"
    return below


def _lost(entry: os.DirEntry[str], error: OSError, found: Found) -> None:
    """Note a file that cannot be looked at, unless it went since its folder was, as when a run drops a checkpoint."""
    if not isinstance(error, FileNotFoundError):
        found.problems.append(Problem(entry.path, f"cannot be read: {error.strerror}"))


def checkpoints_of(folder: str, state: str) -> Iterator[Checkpoint]:
    """The checkpoints that the state of a folder tells of, and the cards in it that have none."""
    fields = state.split("/")[1:]
    files = dict(zip(fields[::2], fields[1::2], strict=True))
    cards: dict[str, list[str]] = {}
    aliases: dict[str, list[str]] = {}
    for name, told in files.items():
        if not name.endswith(_CHECKPOINT):
            cards.setdefault(name.rpartition(".metadata.")[0], []).append(f"{folder}{os.sep}{name}")
        elif told.startswith(_LINK):
            aliases.setdefault(told[1:], []).append(name.removesuffix(_CHECKPOINT))
    for name, told in files.items():
        if name.endswith(_CHECKPOINT) and not told.startswith(_LINK):
            modified, size = (int(number, 16) for number in told.split(".")[:2])
            beside = cards.pop(name.removesuffix(_CHECKPOINT), [])
            yield Checkpoint(f"{folder}{os.sep}{name}", size, modified / 1e9, beside, aliases.get(name, []))
    for stem, orphans in cards.items():
        yield Checkpoint(f"{folder}{os.sep}{stem}{_CHECKPOINT}", None, 0.0, orphans, [])


def file_state(stat: os.stat_result) -> str:
    """What is compared to tell whether a file was written since; its last part changes with its mode too."""
    return f"{stat.st_mtime_ns:x}.{stat.st_size:x}.{stat.st_ino:x}.{stat.st_ctime_ns:x}"
