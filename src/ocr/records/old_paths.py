"""Paths of the old layouts, said to be old: where their runs are now, or will be once they are migrated."""

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from ocr.errors import OldLayoutWarning
from ocr.records.layout import RECORD
from ocr.records.legacy_targets import DROPPED_IN
from ocr.records.migration.find import OldRun, describe, scheme_path
from ocr.records.migration.journal import new_place
from ocr.records.migration.plan import started
from ocr.records.upgrade import old_sidecar, sidecars_of

OUTPUTS = "outputs"
# Runs that one listing names; the others are counted.
_NAMED = 3


def _run_of(checkpoint: Path) -> OldRun:
    folder = checkpoint.absolute().parent
    run = folder.parent if folder.name == "checkpoints" else folder
    return describe(run, scheme_path(run))


def is_of_old_scheme(checkpoint: Path) -> bool:
    """Whether the folder of a checkpoint is named as an old scheme did, and nothing of today is in it."""
    run = _run_of(checkpoint)
    return run.scheme != "other" and not (run.folder / RECORD).exists()


def future_place(checkpoint: Path) -> str:
    """Where the migration puts the old run that a checkpoint belongs to, unless another run is there already."""
    run = _run_of(checkpoint)
    run.files = [os.path.relpath(path, run.folder) for path in (*sidecars_of(checkpoint), checkpoint)]
    return f"{OUTPUTS}/{started(run):%Y-%m-%d/%H-%M-%S}"


def current_path(path: Path, roots: Sequence[Path]) -> Path:
    """`path`, or where a migration into one of `roots` put what it names; either way with a warning when it is old."""
    absolute = path.absolute()
    for root in roots:
        if not absolute.is_relative_to(root.absolute()) and (place := new_place(path, root)) is not None:
            _warn(f"{path} is now {place}; old paths are read until version {DROPPED_IN}")
            return place
    if path.suffix == ".ckpt" and path.is_file() and (old_sidecar(path) or is_of_old_scheme(path)):
        warn_of_runs({str(path): future_place(path)})
    return path


def warn_of_runs(places: Mapping[str, str]) -> None:
    """Warn of checkpoints of old runs by the place of each run: the first by name, the rest by number."""
    first = {place: path for path, place in reversed(list(places.items()))}
    for place, path in list(first.items())[:_NAMED]:
        _warn(
            f"{path}: of an old layout; `ocr migrate outputs` brings its run to {place}; old layouts are read until "
            f"version {DROPPED_IN}"
        )
    if len(first) > _NAMED:
        _warn(f"{len(first) - _NAMED} more runs are of old layouts, which are read until version {DROPPED_IN}")


def _warn(message: str) -> None:
    warnings.warn(message, OldLayoutWarning, stacklevel=4)
