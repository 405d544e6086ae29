"""What a migration has claimed, planned and done, kept in the new root: to go on, to prove it, to undo it."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from durable.journal import Journal, JournalError
from ocr.errors import RecordError
from ocr.records.scan import Problem

JOURNAL = ".migration.jsonl"

How = Literal["copy", "move", "link"]
# carry: the bytes as they are. keep: the original of a file that is rewritten. The rest is made: text (a rewritten
# file), card (of an old sidecar), alias (a link to a checkpoint), record (run.json).
Kind = Literal["carry", "keep", "text", "card", "alias", "record"]


class Item(NamedTuple):
    """One file of a plan: `source` is absolute (of an alias the name it points to), `target` below the new root."""

    kind: Kind
    source: str
    target: str


class Done(NamedTuple):
    """A file that is in its new place; a link has no checksum. `modified` is the source's, in ns, when it was taken."""

    sha256: str | None
    size: int
    modified: int


@dataclass
class Progress:
    """How far one old run is: its new folder (relative to the new root) and id, its files by target, its problems."""

    folder: str
    run_id: str
    how: How
    old: str
    started: datetime
    items: dict[str, Item] = field(default_factory=dict)
    done: dict[str, Done] = field(default_factory=dict)
    ended: bool = False
    problems: list[Problem] = field(default_factory=list)
    changed: dict[str, int] = field(default_factory=lambda: {"paths": 0, "targets": 0})


class Ledger:
    """The state of every old run by its absolute path, and the journal that each change goes to first."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.journal = Journal(root / JOURNAL)
        self.runs: dict[str, Progress] = {}
        self.reports: list[str] = []
        try:
            for entry in self.journal.read():
                self._apply(entry)
        except JournalError as error:
            raise RecordError(str(error)) from error
        except OSError as error:
            raise RecordError(f"{self.journal.path}: cannot be read: {error.strerror}") from error
        except (KeyError, TypeError) as error:
            raise RecordError(f"{self.journal.path}: written by another version ({error!r}); use that one") from error

    def claim(self, run: str, folder: str, run_id: str, how: How, old: Path, started: datetime) -> Progress:
        """Note where a run goes, before anything is written there."""
        place = {"folder": folder, "id": run_id, "how": how, "old": str(old), "started": started.isoformat()}
        self._write({"do": "claim", "run": run} | place)
        return self.runs[run]

    def plan(self, run: str, items: list[Item], problems: list[Problem], changed: dict[str, int]) -> None:
        """Note the files of a run before the first is touched, what is to be said of them, and what changes in them."""
        lists = {"items": [list(item) for item in items], "problems": [list(problem) for problem in problems]}
        self._write({"do": "plan", "run": run, "changed": changed} | lists)

    def done(self, run: str, target: str, done: Done) -> None:
        """Note that a file is in its new place."""
        self._write({"do": "done", "run": run, "target": target, "is": list(done)})

    def end(self, run: str) -> None:
        """Note that all of a run is there."""
        self._write({"do": "end", "run": run})

    def report(self, paths: list[Path]) -> None:
        """Note which reports were written, so that undoing takes them away too."""
        names = [str(path.absolute()) for path in paths]
        if names != self.reports:
            self._write({"do": "report", "paths": names})

    def _write(self, entry: dict[str, Any]) -> None:
        self.journal.append(entry)
        self._apply(entry)

    def _apply(self, entry: dict[str, Any]) -> None:
        if entry["do"] == "report":
            self.reports = entry["paths"]
            return
        if entry["do"] == "claim":
            started = datetime.fromisoformat(entry["started"])
            progress = Progress(entry["folder"], entry["id"], entry["how"], entry["old"], started)
            self.runs[entry["run"]] = progress
            return
        progress = self.runs[entry["run"]]
        if entry["do"] == "plan":
            progress.items |= {target: Item(kind, source, target) for kind, source, target in entry["items"]}
            said = [Problem(path, reason) for path, reason in entry["problems"]]
            progress.problems = list(dict.fromkeys([*progress.problems, *said]))
            progress.changed = {key: progress.changed[key] + count for key, count in entry["changed"].items()}
            progress.ended = False
        elif entry["do"] == "done":
            progress.done[entry["target"]] = Done(*entry["is"])
        elif entry["do"] == "end":
            progress.ended = True


def new_place(path: Path, root: Path) -> Path | None:
    """Where the old run, or the file of one, that `path` names is below the new root; None when it was not migrated."""
    if not (root / JOURNAL).is_file():
        return None
    ledger = Ledger(root)
    absolute = Path(path).absolute()
    for folder in (absolute, *absolute.parents):
        progress = ledger.runs.get(str(folder))
        if progress is None:
            continue
        if folder == absolute:
            return root / progress.folder
        carried = (
            item.target for item in progress.items.values() if item.source == str(absolute) and item.kind == "carry"
        )
        target = next(carried, f"{progress.folder}/{absolute.relative_to(folder).as_posix()}")
        return root / target
    return None
