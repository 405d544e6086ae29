"""Every run and checkpoint below some folders, from cards and records alone.

    rows = Catalog([Path("outputs")]).find("task=detection hmean>0.9")

What was read is cached in ``.index.sqlite`` of each root, by the state of the files it was read from.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from ocr.errors import RecordError
from ocr.records.host import host_name
from ocr.records.layout import RECORD, WHOLE
from ocr.records.liveness import true_status
from ocr.records.query import best_first, ordered, parse, select
from ocr.records.scan import Problem, Scan, scan
from ocr.records.store import SqliteStore, Store, Stored

INDEX = ".index.sqlite"
URL_VARIABLE = "OCR_REGISTRY_URL"

Row = Mapping[str, Any]


class Catalog:
    """Runs and checkpoints below `roots`; `problems` holds what the last look could not list, and why."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = [Path(os.path.abspath(root)) for root in roots]
        self.problems: list[Problem] = []

    def checkpoints(self) -> list[Row]:
        """A row for each checkpoint file."""
        rows = self._rows("checkpoint", _checkpoint_states, _read_checkpoint)
        self.problems += [Problem(row["path"], row["state"]) for row in rows if row["state"] != WHOLE]
        if old := {row["path"]: row["old"] for row in rows if "old" in row}:
            from ocr.records.old_paths import warn_of_runs

            warn_of_runs(old)
        return rows

    def runs(self) -> list[Row]:
        """A row for each run, with the status it truly has."""
        rows = self._rows("run", lambda found: found.runs, _read_run)
        self.problems += [Problem(row["folder"], row["state"]) for row in rows if row["state"] != WHOLE]
        return [self._with_true_status(row) for row in rows]

    def find(self, where: str | None = None, *, sort: str | None = None, limit: int | None = None) -> list[Row]:
        """Checkpoints for which every condition of `where` holds, the newest first or by `sort`."""
        return arrange(self.checkpoints(), where, sort or "-created", limit)

    def find_runs(self, where: str | None = None, *, sort: str | None = None, limit: int | None = None) -> list[Row]:
        """Runs for which every condition of `where` holds, the newest first or by `sort`."""
        return arrange(self.runs(), where, sort or "-started", limit)

    def best(self, where: str | None = None) -> list[Row]:
        """Whole checkpoints, the best by their monitored metric first; RecordError when there is none."""
        ranked = best_first(select([row for row in self.checkpoints() if row["state"] == WHOLE], parse(where)))
        if not ranked:
            raise RecordError(
                f"{', '.join(map(str, self.roots))}: no whole checkpoint with a score fits {where or ''!r}"
            )
        return ranked

    def _rows(
        self, kind: str, states: Callable[[Scan], Mapping[str, str]], read: Callable[[Scan, str], dict[str, Any]]
    ) -> list[Row]:
        self.problems = []
        rows: dict[str, Row] = {}
        for root in self.roots:
            if not root.is_dir():
                raise RecordError(f"{root}: no such folder; name the one that holds the runs with --root")
            found = scan(root, checkpoints=kind == "checkpoint")
            self.problems += found.problems
            with open_store(root) as store:
                bodies = refresh(store, kind, _key(root), states(found), partial(read, found))
            # One parse of one text: as many as there are rows would take three times as long. A database may hold a
            # run twice, when two hosts see the same folder.
            for row in json.loads(f"[{','.join(bodies)}]"):
                rows.setdefault(row.get("id") or row.get("path") or row["folder"], row)
        return list(rows.values())

    @staticmethod
    def _with_true_status(row: Row) -> Row:
        if row.get("status") not in ("created", "running"):
            return row
        return {**row, "status": true_status(Path(row["folder"]), row)}


# What reads files needs pydantic, whose import takes longer than a listing in which nothing has changed.
def _read_checkpoint(found: Scan, path: str) -> dict[str, Any]:
    from ocr.records.rows import checkpoint_row

    return checkpoint_row(found.checkpoints[path])


def _read_run(_found: Scan, folder: str) -> dict[str, Any]:
    from ocr.records.rows import run_row

    return run_row(folder)


def _checkpoint_states(found: Scan) -> dict[str, str]:
    return {path: files.fingerprint for path, files in found.checkpoints.items()}


def refresh(
    store: Store, kind: str, root: str, states: Mapping[str, str], read: Callable[[str], dict[str, Any]]
) -> list[str]:
    """Read again what has changed since it was stored, and return the JSON of every row."""
    known = store.fingerprints(kind, root)
    changed = [path for path, state in states.items() if known.get(path) != state]
    gone = [path for path in known if path not in states]
    if changed or gone:
        new = [Stored(path, states[path], json.dumps(read(path), ensure_ascii=False)) for path in changed]
        store.apply(kind, root, new, gone)
    return store.bodies(kind, None if os.environ.get(URL_VARIABLE) else root)


def register(root: Path, folder: Path) -> None:
    """Put the run in `folder` into the store of `root`, as a listing would; a database then shows it to other hosts."""
    from ocr.records.rows import run_row

    stat = (folder / RECORD).stat()
    with open_store(root) as store:
        state = f"{stat.st_mtime_ns:x}.{stat.st_size:x}.{stat.st_ino:x}"
        row = json.dumps(run_row(str(folder)), ensure_ascii=False)
        store.apply("run", _key(root), [Stored(str(folder), state, row)], [])


def _key(root: Path) -> str:
    """What a root is called in a store that several hosts share."""
    return f"{host_name()}:{os.path.abspath(root)}"


@contextmanager
def open_store(root: Path) -> Iterator[Store]:
    """The store of a root: the one ``OCR_REGISTRY_URL`` names, else the file in it, else memory."""
    with closing(_store(root)) as store:
        yield store


def _store(root: Path) -> Store:
    if url := os.environ.get(URL_VARIABLE):
        from ocr.records.postgres import PostgresStore

        return PostgresStore(url)
    try:
        return SqliteStore(root / INDEX)
    except (sqlite3.OperationalError, OSError):  # a folder that cannot be written can still be listed
        return SqliteStore(":memory:")


def arrange(rows: Sequence[Row], where: str | None, sort: str, limit: int | None) -> list[Row]:
    """The rows that fulfil `where`, by `sort`, at most `limit`."""
    return ordered(select(rows, parse(where)), sort)[:limit]
