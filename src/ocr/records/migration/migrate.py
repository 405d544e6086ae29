"""Old runs into today's layout, each file with its checksum; to be stopped and begun again at will.

The journal gets a run's place before its folder is made, the list of its files before the first is touched, and each
file when it is there. So a restart after kill -9 finds what is missing, and undoing finds everything.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from durable.lock import LockTimeout, lock
from ocr.errors import CardError, RecordError
from ocr.records.checkpoint import card_bytes, file_sha256
from ocr.records.layout import CARD_SUFFIX, RECORD
from ocr.records.legacy import config_of, read_card_v1
from ocr.records.migration.carry import InTheWayError, carry, link, make, take_away
from ocr.records.migration.find import OldRun, describe, find, scheme_path
from ocr.records.migration.journal import JOURNAL, Done, How, Item, Ledger, Progress
from ocr.records.migration.plan import ORIGINALS, moved_paths, new_name, places, plan_run, run_id
from ocr.records.migration.record import record_of, registered
from ocr.records.migration.rewrite import References
from ocr.records.run import read_record, write_record
from ocr.records.scan import Problem
from ocr.records.upgrade import config_at, upgrade

TAKEN = ("carry", "keep")
# Checkpoints before their cards, everything before the record, which says that the run is there.
_ORDER = {"carry": 0, "keep": 0, "text": 1, "card": 2, "alias": 3, "record": 4}


@dataclass
class Mapped:
    """One old run and what became of it, or would."""

    old: str
    new: str
    scheme: str
    run_id: str
    files: int = 0
    checkpoints: int = 0
    cards: int = 0
    paths: int = 0
    targets: int = 0
    state: str = "planned"


@dataclass
class Outcome:
    """What a migration did, or would do."""

    old: str
    new: str
    how: How
    dry_run: bool = False
    runs: list[Mapped] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    current: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    bytes: int = 0


class Migration:
    """Everything below `old` into `new`; RecordError when one lies in the other or `old` is not there."""

    def __init__(self, old: Path, new: Path, how: How) -> None:
        self.old, self.root, self.how = Path(os.path.abspath(old)), Path(os.path.abspath(new)), how
        if not old.is_dir():
            raise RecordError(f"{old}: no such folder; name the one that holds the old runs")
        for one, other in ((self.old, self.root), (self.root, self.old)):
            if one.resolve().is_relative_to(other.resolve()):
                raise RecordError(f"{old} and {new}: one lies in the other; rename the old one: mv {old} {old}.old")
        self.found = find(self.old)
        self.ledger = Ledger(self.root)
        self._recover()
        claimed = {run: (progress.folder, progress.started) for run, progress in self.ledger.runs.items()}
        self.places = places(self.found.runs, claimed, self.root)
        moved: dict[str, str] = {}
        for run in self.found.runs:
            moved |= moved_paths(run, self.places[str(run.folder)][0])
        self.references = References(self.old, new, moved)
        self.outcome = Outcome(str(old), str(new), how)
        self.outcome.current = self.found.current
        self.outcome.problems += self.found.problems
        self.registry = registered(self.old, self.outcome.problems)

    def _recover(self) -> None:
        """Runs that were moved away are no longer found by looking: they are what the journal says they are."""
        sources: set[str] = set()
        seen = {str(run.folder) for run in self.found.runs}
        for path, progress in self.ledger.runs.items():
            files = [item.source for item in progress.items.values() if item.kind in ("carry", "keep")]
            sources |= set(files)
            if progress.old == str(self.old) and path not in seen:
                run = describe(Path(path), scheme_path(Path(path)), relative=os.path.relpath(path, self.old))
                run.files = [os.path.relpath(file, path) for file in files]
                self.found.runs.append(run)
        self.left = [name for name in self.found.left if str(self.old / name) not in sources]

    def dry_run(self) -> Outcome:
        """Say what would be done, and write nothing."""
        self.outcome.dry_run = True
        self.outcome.left = self.left
        for run in self.found.runs:
            place, when = self.places[str(run.folder)]
            plan = plan_run(run, place, when, self.references)
            self._count(run, plan.items, plan.changed, "planned")
            self.outcome.problems += [*plan.problems, *plan.failures]
        return self.outcome

    def run(self, step: Callable[[], object] = lambda: None) -> Outcome:
        """Do it, calling `step` after each run. What fails for one file is a problem of that file.

        A journal that cannot be written ends it: nothing is done that could not be undone.
        """
        self.outcome.left = self.left
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with lock(self.root / JOURNAL.removesuffix(".jsonl"), timeout=1.0):
                for run in self.found.runs:
                    self._migrate(run)
                    step()
        except LockTimeout as error:
            raise RecordError(f"{self.root}: another migration is at work there; wait for it to end") from error
        except OSError as error:
            reason = f"cannot be written ({error.strerror or error}); stopped: the same command again goes on"
            self.outcome.problems.append(Problem(str(self.ledger.journal.path), reason))
        return self.outcome

    def _migrate(self, run: OldRun) -> None:
        path = str(run.folder)
        place, when = self.places[path]
        progress = self.ledger.runs.get(path)
        if progress is None:
            progress = self.ledger.claim(path, place, run_id(run, when), self.how, self.old, when)
        known = {item.source for item in progress.items.values()}
        is_new = any(str(run.folder / name) not in known for name in run.files)
        state, failures = "migrated before", []
        if is_new or not progress.items:
            plan = plan_run(run, place, when, self.references)
            failures += plan.failures
            fresh = [item for item in plan.items if item.target not in progress.items]
            self.ledger.plan(path, fresh, plan.problems, plan.changed)
        if progress.ended:
            self.outcome.problems += _changed_since(progress)
        else:
            (self.root / place).mkdir(parents=True, exist_ok=True)
            failures += self._carry_all(run, progress)
            state = "incomplete" if failures else "migrated"
            if not failures:
                self.ledger.end(path)
        self.outcome.problems += [*progress.problems, *failures]
        self._count(run, list(progress.items.values()), progress.changed, state)

    def _count(self, run: OldRun, items: list[Item], changed: dict[str, int], state: str) -> None:
        place, when = self.places[str(run.folder)]
        self.outcome.runs.append(
            Mapped(
                old=run.relative,
                new=place,
                scheme=run.scheme,
                run_id=run_id(run, when),
                files=sum(item.kind in TAKEN for item in items),
                checkpoints=sum(item.kind == "carry" and item.target.endswith(".ckpt") for item in items),
                cards=sum(item.kind == "card" for item in items),
                state=state,
                **changed,
            )
        )

    def _carry_all(self, run: OldRun, progress: Progress) -> list[Problem]:
        """Bring every file of a run that is not there yet; return what failed."""
        failures: list[Problem] = []
        # Links first: what they point to is still there then.
        order = {item.target: (_ORDER[item.kind], not os.path.islink(item.source)) for item in progress.items.values()}
        for item in sorted(progress.items.values(), key=lambda item: order[item.target]):
            target = self.root / item.target
            try:
                if item.target not in progress.done:
                    done = self._bring(item, target, run, progress)
                    self.outcome.bytes += done.size if item.kind in TAKEN else 0
            except (OSError, CardError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                failures.append(Problem(item.source if item.kind in TAKEN else str(target), reason))
                continue
            if item.target not in progress.done:
                self.ledger.done(str(run.folder), item.target, done)
            if progress.how == "move" and item.kind in TAKEN:
                take_away(Path(item.source), target, self.old)
        return failures

    def _bring(self, item: Item, target: Path, run: OldRun, progress: Progress) -> Done:
        source = Path(item.source)
        if item.kind in TAKEN and source.is_symlink():
            inside = os.path.relpath(source.resolve(), run.folder.resolve())
            there = self.root / progress.folder / new_name(inside)
            return link(target, os.path.relpath(there, target.parent))
        if item.kind in TAKEN:
            return carry(source, target, progress.how)
        if item.kind == "alias":
            return link(target, item.source)
        if item.kind == "text":
            content = self._original(source, run, progress).read_bytes()
            new = self.references.rewrite(source.name, content)
            return make(target, content if new is None else new.content)
        if item.kind == "card":
            return make(target, self._card(source, item, run, progress))
        return self._record(run, progress)

    def _original(self, source: Path, run: OldRun, progress: Progress) -> Path:
        """Where the bytes of a file that is rewritten are now."""
        kept = self.root / progress.folder / ORIGINALS / source.relative_to(run.folder)
        return source if source.exists() else kept

    def _card(self, sidecar: Path, item: Item, run: OldRun, progress: Progress) -> bytes:
        checkpoint = item.target.removesuffix(CARD_SUFFIX) + ".ckpt"
        done = progress.done.get(checkpoint)
        if done is None or done.sha256 is None:
            raise CardError("cannot be made yet: its checkpoint is not there")
        card = upgrade(
            read_card_v1(self._original(sidecar, run, progress)),
            config_at(config_of(self.root / checkpoint)),
            sha256=done.sha256,
            size=done.size,
            near=sidecar.parent,
            run_id=progress.run_id,
        )
        return card_bytes(card)

    def _record(self, run: OldRun, progress: Progress) -> Done:
        folder = self.root / progress.folder
        if (folder / RECORD).exists():  # written by a try that was stopped before it could say so
            if read_record(folder).id != progress.run_id:
                raise InTheWayError(None, "holds another run already")
        else:
            write_record(folder, record_of(run, folder, progress.run_id, progress.started, self.registry))
        return Done(file_sha256(folder / RECORD), 0, 0)


def _changed_since(progress: Progress) -> list[Problem]:
    """Old files that are no longer what was migrated."""
    return [
        Problem(item.source, "has changed since it was migrated; undo, then migrate again")
        for item in progress.items.values()
        if item.kind in TAKEN
        and (done := progress.done.get(item.target)) is not None
        and done.sha256 is not None
        and os.path.exists(item.source)
        and os.stat(item.source).st_mtime_ns != done.modified
    ]
