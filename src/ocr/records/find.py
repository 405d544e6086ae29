"""Runs below a folder, by id or age. Reads records only."""

import os
from collections.abc import Iterator
from pathlib import Path

from ocr.errors import RecordError
from ocr.records.run import RECORD, RunRecord, read_record

# Folders of a run that hold no other runs.
_INSIDE = {"checkpoints", "logs", ".hydra", ".cache"}


def run_folders(root: Path) -> Iterator[Path]:
    """Folders below `root` that hold a run record; links are not followed, so that no loop can be entered."""
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in _INSIDE)
        if RECORD in files:
            yield Path(folder)


def readable_runs(root: Path) -> Iterator[tuple[Path, RunRecord]]:
    """Run folders and their records, without those whose record cannot be read."""
    for folder in run_folders(root):
        try:
            yield folder, read_record(folder)
        except RecordError:
            continue


def run_by_id(root: Path, name: str) -> Path:
    """Folder of the run whose id is `name` or begins with it; RecordError for none or several."""
    found = [(folder, record.id) for folder, record in readable_runs(root) if record.id.startswith(name)]
    exact = [folder for folder, run_id in found if run_id == name]
    if exact:
        return exact[0]
    if len(found) == 1:
        return found[0][0]
    if not found:
        raise RecordError(f"{name}: no such file, folder or run below {root}; see `ocr runs list`")
    raise RecordError(
        f"{name}: means {len(found)} runs: {', '.join(run_id for _, run_id in found[:5])}; give more of it"
    )


def newest_run(root: Path, having: Path) -> Path:
    """Folder of the run that began last among those that hold the file `having`; RecordError when there is none."""
    found = [(record.started, folder) for folder, record in readable_runs(root) if (folder / having).exists()]
    if not found:
        raise RecordError(f"{root}: no run with a checkpoint below it; train one first")
    return max(found)[1]
