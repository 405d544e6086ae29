"""Move a finished pulse from staging to history, all of it or nothing, also when the process is killed half-way.

The plan of the whole move is first written to `.vessel/export.json`, all at once. From then on the export is decided:
every step can be repeated, and `settle`, which each later call of compass runs first, repeats them. When a step
cannot be done (a full disk, a folder without permission) the files are moved back and the plan is withdrawn.
"""

import errno
import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn

from compass import clock, ids
from compass.errors import CompassError
from compass.home import Home
from compass.records import build
from compass.state import Pulse, load, save

MANIFEST = "pulse_manifest.json"
Outcome = Literal["complete", "aborted"]


@dataclass
class Manifest:
    """What is read of `pulse_manifest.json`, the pulse as it ended; `missing` names registered files that were gone."""

    pulse_id: str
    objective: str
    milestone_id: str
    started_at: str
    exported_at: str
    status: Outcome = "complete"
    handover: str | None = None
    missing: list[str] = field(default_factory=list)
    former_ids: list[str] = field(default_factory=list)


@dataclass
class Plan:
    """The decided export: where the files go (relative to history/) and what is written beside them."""

    destination: str
    files: list[str]
    manifest: dict[str, Any]
    documents: dict[str, str]
    schema_version: Literal[1] = 1

    def __post_init__(self) -> None:
        for path in (self.destination, *self.files, *self.documents):
            ids.artifact_path(path)


def decide(home: Home, pulse: Pulse, *, outcome: Outcome, files: list[str], handover: str | None) -> Plan:
    """The export of `pulse` with the staging files `files` and, when given, a handover document."""
    moment = clock.now()
    stem = f"{moment:%Y%m%d_%H%M%S}_{pulse.pulse_id}"
    destination = f"{pulse.milestone_id}/{stem}"
    for number in range(2, 1000):
        if not (home.history / destination).exists():
            break
        destination = f"{pulse.milestone_id}/{stem}-{number}"
    documents = {} if handover is None else {_free_name(files): handover}
    manifest = asdict(pulse)
    manifest |= {
        "schema_version": 1,
        "status": outcome,
        "exported_at": moment.isoformat(),
        "handover": next(iter(documents), None),
        "missing": sorted({artifact.path for artifact in pulse.artifacts} - set(files)),
    }
    return Plan(destination=destination, files=files, manifest=manifest, documents=documents)


def carry_out(home: Home, plan: Plan) -> Path:
    """Write the plan down, then do it; returns the folder in history. OSError (and nothing changed) when it fails."""
    from durable.replace import write_json

    write_json(home.export, asdict(plan))
    return _finish(home, plan)


def settle(home: Home) -> None:
    """Finish an export that was cut short, or undo it when it cannot be finished. The caller holds the lock."""
    try:
        data = home.export.read_bytes()
    except FileNotFoundError:
        return
    try:
        plan = build(Plan, json.loads(data))
    except (ValueError, RecursionError) as error:
        raise CompassError(
            f"{home.shown(home.export)} is damaged ({error}); compare staging with history, then remove the file"
        ) from None
    _finish(home, plan)


def manifests(home: Home) -> list[tuple[Path, Manifest | None]]:
    """Every pulse folder in history, oldest first, with its manifest, or None where that is missing or unreadable."""
    found = []
    if home.history.is_dir():
        for folder in sorted(home.history.glob("*/*/"), key=lambda path: path.name):
            try:
                manifest = build(Manifest, json.loads((folder / MANIFEST).read_bytes()), more=True)
            except (FileNotFoundError, ValueError, RecursionError):
                manifest = None
            found.append((folder, manifest))
    return found


def _finish(home: Home, plan: Plan) -> Path:
    folder = home.history / plan.destination
    try:
        _forward(home, plan, folder)
        _end_pulse(home, plan)
    except OSError as error:
        if _is_active(home, plan):
            _undo(home, plan, folder, error)
    _remove_empty_folders(home.artifacts)
    home.export.unlink(missing_ok=True)
    return folder


def _forward(home: Home, plan: Plan, folder: Path) -> None:
    from durable.replace import sync, write_json, write_text

    folder.mkdir(parents=True, exist_ok=True)
    for name in plan.files:
        _move(home.artifacts / name, folder / name)
    for name, text in plan.documents.items():
        write_text(folder / name, text)
    write_json(folder / MANIFEST, plan.manifest)
    for path in (home.artifacts, folder.parent, home.history):
        with suppress(FileNotFoundError):
            sync(path)


def _is_active(home: Home, plan: Plan) -> bool:
    """Whether the state still holds the exported pulse: it is what decides between undone and done."""
    pulse = load(home).active_pulse
    return pulse is not None and pulse.pulse_id == plan.manifest["pulse_id"]


def _end_pulse(home: Home, plan: Plan) -> None:
    if _is_active(home, plan):
        state = load(home)
        state.active_pulse = None
        save(home, state)


def _undo(home: Home, plan: Plan, folder: Path, cause: OSError) -> NoReturn:
    try:
        _back(home, plan, folder)
    except OSError as error:
        raise CompassError(
            f"the export to {home.shown(folder)} can be neither finished ({cause}) nor undone ({error}); cure the "
            "cause and call compass again: it goes on by itself"
        ) from cause
    raise CompassError(f"the export was undone and nothing has changed: {cause}") from cause


def _back(home: Home, plan: Plan, folder: Path) -> None:
    for name in plan.files:
        _move(folder / name, home.artifacts / name)
    for name in (*plan.documents, MANIFEST):
        (folder / name).unlink(missing_ok=True)
    if folder.exists():
        _remove_empty_folders(folder)
        with suppress(OSError):
            folder.rmdir()
    home.export.unlink(missing_ok=True)


def _move(source: Path, target: Path) -> None:
    """Move one file; done already is no error, and a file that is not the one moved before is never overwritten."""
    from durable.replace import replacing

    if not source.exists() and not source.is_symlink():
        return
    if target.exists():
        if source.read_bytes() == target.read_bytes():
            source.unlink()
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with replacing(target) as temporary:
            shutil.copy2(source, temporary)
        source.unlink()


def _remove_empty_folders(top: Path) -> None:
    """Remove the empty folders below `top`, not `top` itself."""
    for parent, _, _ in os.walk(top, topdown=False):
        if Path(parent) != top:
            with suppress(OSError):
                os.rmdir(parent)


def _free_name(taken: list[str]) -> str:
    """A name for the handover that no artifact has."""
    names = ["SESSION_HANDOVER.md", *(f"SESSION_HANDOVER-{number}.md" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)
