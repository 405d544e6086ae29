"""Proof that a migration lost nothing: each old checkpoint listed, its bytes equal, its metadata what it was."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocr.errors import CardError, RecordError
from ocr.records.catalog import Catalog, Row
from ocr.records.checkpoint import file_sha256
from ocr.records.layout import CARD_SUFFIX, RECORD
from ocr.records.legacy import CardV1, read_card_v1
from ocr.records.migration.find import find
from ocr.records.migration.journal import JOURNAL, Item, Ledger, Progress
from ocr.records.migration.plan import ORIGINALS
from ocr.records.run import read_record
from ocr.records.scan import Problem
from ocr.records.upgrade import moment


@dataclass
class Verified:
    """How much was looked at, and what is not as it should be."""

    runs: int = 0
    checkpoints: int = 0
    listed: int = 0
    cards: int = 0
    files: int = 0
    bytes: int = 0
    compared_with_old: int = 0
    problems: list[Problem] = field(default_factory=list)


def verify_migration(root: Path, step: Callable[[], object] = lambda: None) -> Verified:
    """Hold everything the journal of `root` names against what is there; RecordError when there is no journal."""
    ledger = opened(root)
    found = Verified()
    rows = {row["path"]: row for row in Catalog([root]).checkpoints()}
    for path, progress in ledger.runs.items():
        _run(path, progress, ledger.root, rows, found)
        step()
    for old in sorted({progress.old for progress in ledger.runs.values()}):
        _forgotten(Path(old), ledger, found)
    return found


def opened(root: Path) -> Ledger:
    """The ledger of a migration into `root`; RecordError when there was none."""
    if not (root / JOURNAL).is_file():
        raise RecordError(f"{root}: nothing was migrated into it (no {JOURNAL}); name the new root with --to")
    return Ledger(Path(os.path.abspath(root)))


def _run(path: str, progress: Progress, root: Path, rows: Mapping[str, Row], found: Verified) -> None:
    found.runs += 1
    if not progress.ended:
        found.problems.append(Problem(path, "not wholly migrated; the same command again goes on"))
    try:
        if (recorded := read_record(root / progress.folder).id) != progress.run_id:
            found.problems.append(Problem(str(root / progress.folder / RECORD), f"of another run, {recorded}"))
    except RecordError as error:
        found.problems.append(Problem(str(root / progress.folder), str(error)))
    for item in progress.items.values():
        target = root / item.target
        reason = _bytes(item, target, progress, found)
        if reason is None and item.kind == "carry" and target.suffix == ".ckpt" and not target.is_symlink():
            found.checkpoints += 1
            found.listed += str(target) in rows
            reason = None if str(target) in rows else "not listed by the catalog"
        if reason is None and item.kind == "card":
            reason = _metadata(item, path, progress, root, rows)
            found.cards += reason is None
        if reason is not None:
            found.problems.append(Problem(str(target), reason))


def _bytes(item: Item, target: Path, progress: Progress, found: Verified) -> str | None:
    """What is wrong with the bytes of a file that was taken over; what was made may have been changed since."""
    done = progress.done.get(item.target)
    if done is None:
        return f"not there yet; it comes from {item.source}"
    if not os.path.lexists(target):
        return "gone since it was migrated"
    if item.kind not in ("carry", "keep"):
        return None
    found.files += 1
    if done.sha256 is None:
        return None if target.exists() else "a link that leads nowhere"
    try:
        digest, size = file_sha256(target), target.stat().st_size
        source = Path(item.source)
        old = file_sha256(source) if source.is_file() and not source.samefile(target) else None
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    found.bytes += size
    if digest != done.sha256:
        return f"its SHA-256 begins with {digest[:12]}, it was migrated with {done.sha256[:12]}"
    found.compared_with_old += old is not None
    return None if old in (None, digest) else f"differs from {source}, whose SHA-256 begins with {str(old)[:12]}"


def _metadata(item: Item, path: str, progress: Progress, root: Path, rows: Mapping[str, Row]) -> str | None:
    """The first thing that the old sidecar said and the listing does not say now."""
    kept = root / progress.folder / ORIGINALS / os.path.relpath(item.source, path)
    try:
        old = read_card_v1(kept)
    except CardError as error:
        return str(error)
    row = rows.get(str(root / item.target).removesuffix(CARD_SUFFIX) + ".ckpt", {})
    for key, value in said(old).items():
        if row.get(key) != value:
            return f"its sidecar said {key} {value!r}, the catalog says {row.get(key)!r}"
    return None


def said(old: CardV1) -> dict[str, Any]:
    """What an old sidecar says, as a listing shows it."""
    row = old.row()
    shown = {key: value for key, value in row.items() if key != "created" and value is not None}
    return shown | {"created": moment(old.created_at).isoformat()}


def _forgotten(old: Path, ledger: Ledger, found: Verified) -> None:
    """Checkpoints in the old tree that the migration does not know: they came later, or could not be reached."""
    if not old.is_dir():
        return
    looked = find(old)
    known = {item.source for progress in ledger.runs.values() for item in progress.items.values()}
    files = [str(run.folder / name) for run in looked.runs for name in run.files if name.endswith(".ckpt")]
    found.problems += [Problem(file, "not migrated; migrate again") for file in files if file not in known]
    found.problems += looked.problems
