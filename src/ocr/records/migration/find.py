"""Which old runs there are below a folder, and by which of the old schemes each was laid out.

exp_name      <exp_name>_<ts>
timestamp     YYYY-MM-DD/HH-MM-SS, a sweep's jobs in 0, 1 ... below it
index         <n>, counted in .experiment_index.json
experiments   experiments/<kind>/<task>/<name>/<YYYYmmdd_HHMMSS>_<seed>
runs          [...]runs/YYYY-MM-DD/HH-MM-SS, sweeps/YYYY-MM-DD/HH-MM-SS/<job>
other         anything else that holds checkpoints or a saved config
"""

import os
import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ocr.records.layout import RECORD
from ocr.records.scan import Problem

# What marks a folder as a run; of these `checkpoints` is looked into by the run itself.
_MARKS = {".hydra", "checkpoints", "hparams.yaml"}
_STAMP = r"(?P<stamp>\d{4}-?\d{2}-?\d{2}[_T-]?\d{2}[-:]?\d{2}[-:]?\d{2}|\d{8}|\d{4}-\d{2}-\d{2})"
_DAY_TIME = r"(?P<stamp>\d{4}-\d{2}-\d{2}/\d{2}-\d{2}-\d{2})(?:[-_]\d+)?(?:/(?P<job>\d+))?"
_SCHEMES = (
    ("runs", re.compile(rf"(?:.*/)?(?:runs|sweeps)/{_DAY_TIME}")),
    ("timestamp", re.compile(_DAY_TIME)),
    (
        "experiments",
        re.compile(
            r"(?:.*/)?experiments/(?P<kind>[^/]+)/(?P<task>[^/]+)/(?P<name>[^/]+)/(?P<stamp>\d{8}_\d{6})(?:_(?P<seed>.+))?"
        ),
    ),
    ("index", re.compile(r"(?P<index>\d{1,6})")),
    ("exp_name", re.compile(rf"(?P<name>[^/]+?)[_-]{_STAMP}", re.DOTALL)),
)


@dataclass
class OldRun:
    """A folder of the old layouts: where it is below the root, and what its path tells."""

    folder: Path
    relative: str
    scheme: str
    name: str | None = None
    task: str | None = None
    started: datetime | None = None
    seed: int | None = None
    job: str | None = None
    files: list[str] = field(default_factory=list)  # relative to `folder`; links among them


@dataclass
class Found:
    """What lies below the root of an old tree."""

    runs: list[OldRun] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # files of no run, relative to the root
    current: list[str] = field(default_factory=list)  # runs that have a record already
    problems: list[Problem] = field(default_factory=list)


def find(root: Path) -> Found:
    """Walk `root` without following links to folders; opens nothing. `root` may be a run itself."""
    found = Found()
    _look(root, root, found)
    if [run.relative for run in found.runs] == ["."]:
        alone = Found(runs=[describe(root, scheme_path(root), relative=".")])
        _collect(alone.runs[0], root, alone)
        return alone
    found.runs.sort(key=lambda run: run.relative)
    return found


def scheme_path(folder: Path) -> str:
    """The end of a path by which an old scheme called it; its name alone when it fits none."""
    parts = folder.absolute().parts[1:]
    ends = ["/".join(parts[-n:]) for n in range(min(6, len(parts)), 0, -1)]
    return next((end for end in ends if any(pattern.fullmatch(end) for _, pattern in _SCHEMES)), folder.name)


def _look(root: Path, folder: Path, found: Found) -> None:
    entries = _entries(folder, found)
    names = {entry.name for entry in entries}
    relative = folder.relative_to(root).as_posix()
    if RECORD in names:
        found.current.append(relative)
        return
    run = None
    if names & _MARKS or any(name.endswith(".ckpt") for name in names):
        run = describe(folder, relative)
        found.runs.append(run)
    for entry in entries:
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            if run is None or entry.name.isdigit():  # below a sweep's own folder its jobs are runs
                _look(root, path, found)
            elif run.relative != "." or entry.name in ("checkpoints", ".hydra"):
                _collect(run, path, found)
            else:
                _look(root, path, found)
        elif run is not None and (run.relative != "." or _belongs_to_root(entry.name)):
            _take(run, entry, found)
        else:
            found.left.append(path.relative_to(root).as_posix())


def _belongs_to_root(name: str) -> bool:
    """Whether a file beside checkpoints that lie at the very root of the tree is theirs."""
    return name.endswith(".ckpt") or ".metadata." in name or ".config." in name


def _collect(run: OldRun, folder: Path, found: Found) -> None:
    for entry in _entries(folder, found):
        if entry.is_dir(follow_symlinks=False):
            _collect(run, Path(entry.path), found)
        else:
            _take(run, entry, found)


def _take(run: OldRun, entry: os.DirEntry[str], found: Found) -> None:
    reason = _refusal(Path(entry.path), run.folder)
    if reason:
        found.problems.append(Problem(entry.path, reason))
    else:
        run.files.append(os.path.relpath(entry.path, run.folder))


def _refusal(path: Path, folder: Path) -> str | None:
    """Why a file or link is not carried over, or None."""
    if path.is_symlink():
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):
            return f"a link that leads nowhere or in a circle ({os.readlink(path)}); left where it is"
        if target.is_dir():
            return f"a link to a folder ({os.readlink(path)}); not followed, left where it is"
        if not target.is_relative_to(folder.resolve()):
            return f"a link out of its run ({os.readlink(path)}); left where it is"
        return None
    return None if path.is_file() else "no ordinary file; left where it is"


def _entries(folder: Path, found: Found) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
    except OSError as error:
        found.problems.append(Problem(str(folder), f"cannot be read: {error.strerror}"))
        return []
    found.problems += [
        Problem(repr(entry.path), "its name is not UTF-8; rename it") for entry in entries if not _writable(entry.name)
    ]
    return [entry for entry in entries if _writable(entry.name)]


def _writable(name: str) -> bool:
    """Whether a name can be written into a journal."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def describe(folder: Path, path: str, relative: str | None = None) -> OldRun:
    """What the `path` of an old run tells, which is `relative` to its root unless told otherwise."""
    relative = path if relative is None else relative
    for scheme, pattern in _SCHEMES:
        match = pattern.fullmatch(path)
        if match is None:
            continue
        told = match.groupdict()
        seed = re.search(r"\d+$", told.get("seed") or "")
        return OldRun(
            folder,
            relative,
            scheme,
            name=told.get("name"),
            task=told["task"] if told.get("task") in ("detection", "recognition") else None,
            started=_moment(told.get("stamp")),
            seed=int(seed[0]) if seed else None,
            job=told.get("job"),
        )
    return OldRun(folder, relative, "other", name=folder.name)


def _moment(stamp: str | None) -> datetime | None:
    """The time that the digits of a stamp write, local to nobody knows where; None for none or an impossible one."""
    digits = re.sub(r"\D", "", stamp or "")
    try:
        return datetime.strptime(digits.ljust(14, "0"), "%Y%m%d%H%M%S") if digits else None
    except ValueError:
        return None
