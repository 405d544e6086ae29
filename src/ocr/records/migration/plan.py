"""Where each old run goes, and what becomes of each of its files."""

import hashlib
import os
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

from ocr.errors import CardError
from ocr.records.checkpoint import read_card
from ocr.records.layout import CARD_SUFFIX, OLD_CARD_SUFFIX, ORPHAN, RECORD
from ocr.records.legacy import CardV1, config_of, from_name, read_card_v1
from ocr.records.migration.find import OldRun
from ocr.records.migration.journal import Item
from ocr.records.migration.rewrite import MAX_TEXT, TEXTS, References
from ocr.records.scan import Problem
from ocr.records.upgrade import config_at, moment, upgrade

# Originals of files that are rewritten go here, below the new run.
ORIGINALS = ".original"
CHECKPOINTS = "checkpoints"


@dataclass
class Plan:
    """The files of one run, what is wrong with them, how much is rewritten in them, and what could not be read now."""

    items: list[Item] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    failures: list[Problem] = field(default_factory=list)
    changed: dict[str, int] = field(default_factory=lambda: {"paths": 0, "targets": 0})


def started(run: OldRun) -> datetime:
    """When a run began: what its path says, else its earliest sidecar, else its earliest file."""
    if run.started is not None:
        return run.started.replace(tzinfo=UTC)
    times = [time for name in run.files if (time := _said_time(run.folder / name)) is not None]
    if times:
        return min(times)
    stamps = [stamp for name in run.files if (stamp := _modified(run.folder / name)) is not None]
    return datetime.fromtimestamp(min(stamps, default=0), UTC)


def _said_time(path: Path) -> datetime | None:
    if not path.name.endswith((CARD_SUFFIX, OLD_CARD_SUFFIX)):
        return None
    try:
        return moment(read_card_v1(path).created_at)
    except CardError:
        return None


def _modified(path: Path) -> float | None:
    try:
        return path.lstat().st_mtime
    except OSError:
        return None


def run_id(run: OldRun, when: datetime) -> str:
    """The same id whenever the same run is migrated."""
    return f"{when:%Y%m%d-%H%M%S}-{hashlib.sha256(run.relative.encode()).hexdigest()[:6]}"


def places(
    runs: Sequence[OldRun], claimed: Mapping[str, tuple[str, datetime]], root: Path
) -> dict[str, tuple[str, datetime]]:
    """New folder (relative to `root`) and start of each run, by its old path.

    What was `claimed` before keeps its place; the others get the next one that is not there yet. Jobs of one sweep stay
    together.
    """
    found = {str(run.folder): claimed[str(run.folder)] for run in runs if str(run.folder) in claimed}
    used = {place for place, _ in claimed.values()}
    sweeps = {
        run.folder.parent: found[str(run.folder)][0].rpartition("/")[0]
        for run in runs
        if run.job is not None and str(run.folder) in found
    }
    others = [(started(run), run) for run in runs if str(run.folder) not in found]
    for when, run in sorted(others, key=lambda pair: (pair[0], pair[1].relative)):
        place = sweeps.get(run.folder.parent) if run.job is not None else None
        if place is None:
            place = _free(f"{when:%Y-%m-%d/%H-%M-%S}", used, root)
        if run.job is not None:
            sweeps[run.folder.parent] = place
            used.add(place)
            place = f"{place}/{run.job}"
        used.add(place)
        found[str(run.folder)] = (place, when)
    return found


def _free(name: str, used: Container[str], root: Path) -> str:
    n = 0
    while (place := name + (f"-{n}" if n else "")) in used or os.path.lexists(root / place):
        n += 1
    return place


def moved_paths(run: OldRun, folder: str) -> dict[str, str]:
    """Old to new path, below their roots, of a run and of those of its files that change their place in it."""
    moved = {} if run.relative == "." else {run.relative: folder}
    prefix = "" if run.relative == "." else f"{run.relative}/"
    for name in run.files:
        if (new := new_name(name)) != name or run.relative == ".":
            moved[prefix + name] = f"{folder}/{new}"
    return moved


def new_name(name: str) -> str:
    """Place of a file in its run: checkpoints and what goes with them belong into their folder."""
    beside = name.endswith((".ckpt", CARD_SUFFIX, OLD_CARD_SUFFIX)) or ".config." in name
    return f"{CHECKPOINTS}/{name}" if "/" not in name and beside else name


def plan_run(run: OldRun, folder: str, when: datetime, references: References) -> Plan:
    """What becomes of each file of a run. Reads sidecars, configs and logs, never a checkpoint."""
    plan = Plan()
    sidecars = _sidecars(run, plan)
    cards: dict[str, CardV1] = {}
    carded = {name for group in sidecars.values() for name in group}
    for checkpoint, group in sorted(sidecars.items()):
        _plan_card(run, folder, checkpoint, sorted(group, reverse=True), plan, cards, references)
    for name in run.files:
        if name not in carded:
            _plan_file(run, folder, name, plan, references)
    plan.problems += _doubts(run, when, cards)
    checkpoints = {new_name(name) for name in run.files if name.endswith(".ckpt")}
    for alias, file in _aliases(checkpoints, {new_name(name): card for name, card in cards.items()}).items():
        plan.items.append(Item("alias", file, f"{folder}/{CHECKPOINTS}/{alias}.ckpt"))
    plan.items.append(Item("record", str(run.folder), f"{folder}/{RECORD}"))
    return plan


def _sidecars(run: OldRun, plan: Plan) -> dict[str, list[str]]:
    """Old sidecars by the checkpoint they describe; one beside a link describes what it points to."""
    found: dict[str, list[str]] = {}
    for name in run.files:
        suffix = next((suffix for suffix in (OLD_CARD_SUFFIX, CARD_SUFFIX) if name.endswith(suffix)), None)
        if suffix is None:
            continue
        checkpoint = name.removesuffix(suffix) + ".ckpt"
        path = run.folder / checkpoint
        if checkpoint not in run.files:
            plan.problems.append(Problem(str(run.folder / name), ORPHAN))
            continue
        if _has_card(path):
            continue  # the doctor has been there: what lies beside the card is a file like any other
        if path.is_symlink():
            checkpoint = os.path.relpath(path.resolve(), run.folder.resolve())
        found.setdefault(checkpoint, []).append(name)
    return found


def _has_card(checkpoint: Path) -> bool:
    try:
        read_card(checkpoint)
    except CardError:
        return False
    return True


def _plan_file(run: OldRun, folder: str, name: str, plan: Plan, references: References) -> None:
    """Carry a file over, or keep it and write a new text in its place."""
    path = run.folder / name
    target = new_name(name)
    if PurePosixPath(name).suffix.lower() in TEXTS and not path.is_symlink():
        try:
            size = path.stat().st_size
            rewritten = None if size > MAX_TEXT else references.rewrite(name, path.read_bytes())
        except OSError as error:
            plan.failures.append(Problem(str(path), f"cannot be read: {error.strerror}"))
            return
        if size > MAX_TEXT:
            plan.problems.append(
                Problem(str(path), f"{size >> 20} MiB, too large to look for old paths; carried as it is")
            )
        if rewritten is not None:
            plan.items.append(Item("keep", str(path), f"{folder}/{ORIGINALS}/{name}"))
            plan.items.append(Item("text", str(path), f"{folder}/{target}"))
            plan.changed["paths"] += rewritten.paths
            plan.changed["targets"] += rewritten.targets
            return
    plan.items.append(Item("carry", str(path), f"{folder}/{target}"))


def _plan_card(
    run: OldRun,
    folder: str,
    checkpoint: str,
    sidecars: Sequence[str],
    plan: Plan,
    cards: dict[str, CardV1],
    references: References,
) -> None:
    """Make a card of the sidecars of a checkpoint; where that is not possible they are carried over as they are."""
    path = run.folder / checkpoint
    try:
        read = [read_card_v1(run.folder / name) for name in sidecars]
        if any(card != read[0] for card in read):
            raise CardError(f"two cards that differ: {', '.join(os.path.basename(name) for name in sidecars)}")
        cards[checkpoint] = read[0]
        # Whether it can be made is to be known now; its checksum comes when the checkpoint is in its place.
        upgrade(read[0], config_at(config_of(path)), sha256="0" * 64, size=1, near=path.parent)
    except CardError as error:
        plan.problems.append(Problem(str(path), str(error).removeprefix(f"{path}: ")))
        for name in sidecars:
            _plan_file(run, folder, name, plan, references)
        return
    for name in sidecars:
        plan.items.append(Item("keep", str(run.folder / name), f"{folder}/{ORIGINALS}/{name}"))
    new = new_name(checkpoint).removesuffix(".ckpt") + CARD_SUFFIX
    plan.items.append(Item("card", str(run.folder / sidecars[0]), f"{folder}/{new}"))


def _doubts(run: OldRun, when: datetime, cards: Mapping[str, CardV1]) -> list[Problem]:
    """What sidecars say that cannot be: another epoch than the name, or times that run backwards."""
    problems = []
    last: tuple[int, datetime, str] | None = None
    for name, card in sorted(cards.items(), key=lambda pair: pair[1].training.epoch):
        path = str(run.folder / name)
        named = PurePosixPath(card.checkpoint_path).name
        if named not in (PurePosixPath(name).name, "last.ckpt", "best.ckpt"):
            problems.append(Problem(path, f"its sidecar was written for {named}"))
        epoch = from_name(PurePosixPath(name).stem).get("epoch")
        if epoch is not None and epoch != card.training.epoch:
            problems.append(
                Problem(path, f"its name says epoch {epoch}, its sidecar {card.training.epoch}, which counts")
            )
        try:
            created = moment(card.created_at)
        except CardError:  # named where its card was to be made
            continue
        if last is not None and last[0] < card.training.epoch and created < last[1]:
            problems.append(Problem(path, f"its clock went backwards: {created} is before {last[1]} of {last[2]}"))
        # Old stamps have no zone, so a day of difference means nothing.
        elif created < when - timedelta(days=1):
            problems.append(Problem(path, f"its clock went backwards: {created} is before its run, {when}"))
        last = (card.training.epoch, created, PurePosixPath(name).name)
    return problems


def _aliases(checkpoints: set[str], cards: Mapping[str, CardV1]) -> dict[str, str]:
    """``last`` and ``best`` where the old run had none: the name of the file that each should point to."""
    own = {PurePosixPath(name).name for name in checkpoints if str(PurePosixPath(name).parent) == CHECKPOINTS}
    steps: dict[str, tuple[int, int]] = {}
    scores: dict[str, float] = {}
    for name in own - {"last.ckpt", "best.ckpt"}:
        told = from_name(PurePosixPath(name).stem)
        card = cards.get(f"{CHECKPOINTS}/{name}")
        if card is not None:
            row = card.row()
            told = {"epoch": row["epoch"], "step": row["step"]}
            if row["score"] is not None:
                scores[name] = row["score"] if row["mode"] == "max" else -row["score"]
        if "epoch" in told:
            steps[name] = (told["epoch"], told.get("step", 0))
    best = max(scores, key=lambda name: (scores[name], name), default=None)
    best = best or max((name for name in own if name.startswith("best-")), default=None)
    wanted = {"last": max(steps, key=lambda name: (steps[name], name), default=None), "best": best}
    return {alias: file for alias, file in wanted.items() if file is not None and f"{alias}.ckpt" not in own}
