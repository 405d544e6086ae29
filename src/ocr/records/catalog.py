"""Every run and checkpoint below some folders, from cards and records alone.

    rows = Catalog([Path("outputs")]).find("task=detection hmean>0.9")

What was read is cached in ``.index.sqlite`` of each root, by the state of the files it was read from.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

from ocr.errors import RecordError
from ocr.records.host import host_name
from ocr.records.layout import ORPHAN, RECORD, WHOLE
from ocr.records.liveness import true_status
from ocr.records.query import best_first, ordered, parse, ranked, select
from ocr.records.scan import Found, Problem, file_state, scan_checkpoints, scan_runs
from ocr.records.store import SqliteStore, Store, Stored

INDEX = ".index.sqlite"
URL_VARIABLE = "OCR_REGISTRY_URL"
# What a table of checkpoints shows, is sorted by and warns of; paths and states come first. It is kept in stores, whose
# SCHEMA_VERSION changes with it.
BRIEF = (
    *("path", "state", "old", "created", "score", "monitor"),
    *("epoch", "step", "task", "encoder", "inferred", "run_id", "aliases"),
)

Row = Mapping[str, Any]


class Catalog:
    """Runs and checkpoints below `roots`; `problems` holds what the last look could not list, and why."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = [Path(os.path.abspath(root)) for root in roots]
        self.problems: list[Problem] = []

    def checkpoints(self) -> list[Row]:
        """A row for each checkpoint file."""
        rows: list[Row] = self._load("checkpoint", scan_checkpoints, _read_checkpoints)
        self._judge([(row["path"], row["state"], row.get("old")) for row in rows])
        return [row for row in rows if row["state"] != ORPHAN]

    def runs(self) -> list[Row]:
        """A row for each run, with the status it truly has."""
        rows: list[Row] = self._load("run", scan_runs, _read_run)
        self.problems += [Problem(row["folder"], row["state"]) for row in rows if row["state"] != WHOLE]
        return [self._with_true_status(row) for row in rows]

    def find(self, where: str | None = None, *, sort: str | None = None, limit: int | None = None) -> list[Row]:
        """Checkpoints for which every condition of `where` holds, the newest first or by `sort`."""
        return arrange(self.checkpoints(), where, sort or "-created", limit)

    def brief(self, *, sort: str = "-created", limit: int | None = None) -> list[Sequence[Any]]:
        """Of every checkpoint what BRIEF names, by one of its fields: all a table needs, in half the time of `find`."""
        rows: list[Sequence[Any]] = self._load("checkpoint", scan_checkpoints, _read_checkpoints, brief=True)
        self._judge([row[:3] for row in rows])
        rows = [row for row in rows if row[1] != ORPHAN]
        values = list(map(itemgetter(BRIEF.index(sort.removeprefix("-"))), rows))
        return ranked(rows, values, falling=sort.startswith("-"))[:limit]

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

    def _load(
        self,
        kind: str,
        scan: Callable[[str], Found],
        read: Callable[[str, str], list[dict[str, Any]]],
        *,
        brief: bool = False,
    ) -> list[Any]:
        """Rows of every root, read again where something changed; with `brief` lists of what BRIEF names."""
        self.problems = []
        loaded: list[Any] = []
        for root in self.roots:
            if not root.is_dir():
                raise RecordError(f"{root}: no such folder; name the one that holds the runs with --root")
            found = scan(str(root))
            self.problems += found.problems
            texts = _texts(root, kind, found.states, read, brief=brief)
            # One parse of one text: as many as there are folders would take three times as long.
            loaded += chain.from_iterable(json.loads(f"[{','.join(texts)}]"))
        # A checkpoint lies below two roots when one holds the other. A database may hold a run twice, when two hosts
        # see the same folder.
        name: Callable[[Any], str] = itemgetter(0) if brief else _name
        kept: dict[str, Any] = {}
        for row in loaded:
            first = kept.setdefault(name(row), row)
            if first is not row and kind == "run" and _is_copy(row["folder"], first["folder"]):
                self.problems.append(
                    Problem(
                        row["folder"],
                        f"not listed: it has the id of {first['folder']}; remove the one that is a copy, or give it "
                        f"an id of its own in its {RECORD}",
                    )
                )
        return list(kept.values())

    def _judge(self, rows: Iterable[Sequence[Any]]) -> None:
        """Take note of the path, state and coming place of rows that are not whole, or of old layouts."""
        self.problems += [Problem(path, state) for path, state, _ in rows if state != WHOLE]
        if places := {path: old for path, _, old in rows if old}:
            from ocr.records.old_paths import warn_of_runs

            warn_of_runs(places)

    @staticmethod
    def _with_true_status(row: Row) -> Row:
        if row.get("status") not in ("created", "running"):
            return row
        return {**row, "status": true_status(Path(row["folder"]), row)}


def _name(row: Row) -> str:
    return str(row.get("id") or row.get("path") or row["folder"])


def _is_copy(folder: str, other: str) -> bool:
    """Whether two folders, both of which can be seen from here, are two and not one under two names."""
    both = os.path.exists(folder) and os.path.exists(other)
    return both and os.path.realpath(folder) != os.path.realpath(other)


# What reads files needs pydantic, whose import takes longer than a listing in which nothing has changed.
def _read_checkpoints(folder: str, state: str) -> list[dict[str, Any]]:
    from ocr.records.rows import checkpoint_rows

    return checkpoint_rows(folder, state)


def _read_run(folder: str, _state: str) -> list[dict[str, Any]]:
    from ocr.records.rows import run_row

    return [run_row(folder)]


def _texts(
    root: Path, kind: str, states: Mapping[str, str], read: Callable[[str, str], list[dict[str, Any]]], *, brief: bool
) -> list[str]:
    """The JSON of every folder of a root; where its index cannot be used or has no room, all of it is read again."""
    try:
        with open_store(root) as store:
            return refresh(store, kind, _key(root), states, read, brief=brief)
    except sqlite3.DatabaseError as error:
        if not isinstance(error, sqlite3.OperationalError):  # a page of it is damaged, and it is only a cache
            (root / INDEX).unlink(missing_ok=True)
        with closing(SqliteStore(":memory:")) as store:
            return refresh(store, kind, _key(root), states, read, brief=brief)


def refresh(
    store: Store,
    kind: str,
    root: str,
    states: Mapping[str, str],
    read: Callable[[str, str], list[dict[str, Any]]],
    *,
    brief: bool = False,
) -> list[str]:
    """Read again what has changed since it was stored, and return the JSON of every folder."""
    known = store.fingerprints(kind, root)
    if known != states:
        changed = [(folder, state) for folder, state in states.items() if known.get(folder) != state]
        new = [_stored(folder, state, read(folder, state)) for folder, state in changed]
        store.apply(kind, root, new, [folder for folder in known if folder not in states])
    return store.bodies(kind, None if os.environ.get(URL_VARIABLE) else root, brief=brief)


def _stored(folder: str, state: str, rows: Sequence[Row]) -> Stored:
    brief = [[row.get(name) for name in BRIEF] for row in rows]
    return Stored(folder, state, *(json.dumps(content, ensure_ascii=False) for content in (rows, brief)))


def register(root: Path, folder: Path) -> None:
    """Put the run in `folder` into the store of `root`, as a listing would; a database then shows it to other hosts."""
    from ocr.records.rows import run_row

    state = file_state((folder / RECORD).stat())
    with open_store(root) as store:
        store.apply("run", _key(root), [_stored(str(folder), state, [run_row(str(folder))])], [])


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
