"""Long documents in a SQLite file: what was accepted is there after kill -9, page by page.

The rollback journal is used, not WAL, which breaks on network mounts. One service at a time uses a file.
"""

import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from durable.lock import LockTimeout, lock
from ocr.errors import ServiceError

JOBS_FILE = "jobs.sqlite"
SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, state TEXT NOT NULL, name TEXT NOT NULL, options TEXT NOT NULL,
    created REAL NOT NULL, finished REAL, attempts INTEGER NOT NULL DEFAULT 0,
    pages_total INTEGER NOT NULL, error TEXT);
CREATE INDEX jobs_by_state ON jobs (state, created);
CREATE TABLE files (
    job TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE, size INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE pages (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, number INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (job, number)) WITHOUT ROWID;
"""
_FIELDS = (
    "id, owner, state, name, options, created, finished, attempts, pages_total, error,"
    " (SELECT count(*) FROM pages WHERE job = jobs.id)"
)


class Job(NamedTuple):
    """A job: its state is queued, running, done or failed; times are seconds since 1970."""

    id: str
    owner: str
    state: str
    name: str
    options: str
    created: float
    finished: float | None
    attempts: int
    pages_total: int
    error: str | None
    pages_done: int


@contextmanager
def open_jobs(folder: Path) -> Iterator["Jobs"]:
    """The queue in a work folder, made when there is none, for one service at a time; raises ServiceError."""
    path = folder / JOBS_FILE
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(lock(path, timeout=0.5))
            jobs = held.enter_context(closing(Jobs(path)))
        except LockTimeout as error:
            raise ServiceError(f"{folder}: another service works here; give another --work") from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise ServiceError(f"{folder}: cannot be made or written to ({reason}); give another --work") from error
        except sqlite3.Error as error:
            raise ServiceError(f"{path}: is no queue of jobs ({error}); move it, or give another --work") from error
        yield jobs


class Jobs:
    """The queue; any thread may call it. Raises sqlite3.Error when the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        if self._one("PRAGMA user_version")[0] != SCHEMA_VERSION:
            with self._writing():
                for statement in _SCHEMA.split(";"):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def add(self, owner: str, name: str, options: str, data: bytes, pages: int) -> Job:
        """Accept a file; when this returns, the job is on the disk."""
        job_id = secrets.token_hex(16)
        with self._writing():
            self._connection.execute(
                "INSERT INTO jobs (id, owner, state, name, options, created, pages_total)"
                " VALUES (?, ?, 'queued', ?, ?, ?, ?)",
                (job_id, owner, name, options, time.time(), pages),
            )
            self._connection.execute("INSERT INTO files VALUES (?, ?, ?)", (job_id, len(data), data))
        found = self.get(job_id, owner)
        assert found is not None
        return found

    def get(self, job_id: str, owner: str) -> Job | None:
        """A job of that owner; None when there is none."""
        row = self._one(f"SELECT {_FIELDS} FROM jobs WHERE id = ? AND owner = ?", job_id, owner)
        return Job(*row) if row else None

    def of_owner(self, owner: str, limit: int) -> list[Job]:
        """An owner's jobs, the newest first."""
        rows = self._all(f"SELECT {_FIELDS} FROM jobs WHERE owner = ? ORDER BY created DESC, id LIMIT ?", owner, limit)
        return [Job(*row) for row in rows]

    def delete(self, job_id: str, owner: str) -> bool:
        """Forget a job and its file; False when there is none. One that is being read stops at its next page."""
        with self._writing():
            done = self._connection.execute("DELETE FROM jobs WHERE id = ? AND owner = ?", (job_id, owner))
            return done.rowcount > 0

    def pages(self, job_id: str) -> list[str]:
        """The JSON of each page read so far, in order."""
        return [row[0] for row in self._all("SELECT body FROM pages WHERE job = ? ORDER BY number", job_id)]

    def file(self, job_id: str) -> bytes | None:
        """The file of a job; None when it was deleted."""
        row = self._one("SELECT data FROM files WHERE job = ?", job_id)
        return bytes(row[0]) if row else None

    def waiting(self) -> int:
        """Jobs queued or being read."""
        return int(self._one("SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')")[0])

    def bytes(self) -> int:
        """Bytes of all files kept."""
        return int(self._one("SELECT coalesce(sum(size), 0) FROM files")[0])

    def recover(self) -> int:
        """Queue again what was being read when the last service ended; return how many jobs."""
        with self._writing():
            return self._connection.execute("UPDATE jobs SET state = 'queued' WHERE state = 'running'").rowcount

    def claim(self) -> Job | None:
        """Take the oldest queued job and count the attempt; None when none waits."""
        with self._writing():
            row = self._one(f"SELECT {_FIELDS} FROM jobs WHERE state = 'queued' ORDER BY created, id LIMIT 1")
            if not row:
                return None
            job = Job(*row)
            self._connection.execute(
                "UPDATE jobs SET state = 'running', attempts = attempts + 1 WHERE id = ?", (job.id,)
            )
            return job._replace(state="running", attempts=job.attempts + 1)

    def put_page(self, job_id: str, number: int, body: str) -> bool:
        """Keep a page's result; False when the job is gone."""
        with self._writing():
            # Attempts count from the last page read: a long job may outlive any number of restarts.
            if not self._connection.execute("UPDATE jobs SET attempts = 0 WHERE id = ?", (job_id,)).rowcount:
                return False
            self._connection.execute("INSERT OR REPLACE INTO pages VALUES (?, ?, ?)", (job_id, number, body))
            return True

    def release(self, job_id: str) -> None:
        """Queue a job again that was stopped on purpose; the attempt does not count."""
        with self._writing():
            self._connection.execute(
                "UPDATE jobs SET state = 'queued', attempts = attempts - 1 WHERE id = ? AND state = 'running'",
                (job_id,),
            )

    def finish(self, job_id: str, error: str | None = None) -> None:
        """Mark a job done, or failed with the reason."""
        with self._writing():
            self._connection.execute(
                "UPDATE jobs SET state = ?, error = ?, finished = ? WHERE id = ?",
                ("failed" if error else "done", error, time.time(), job_id),
            )

    def sweep(self, older_than: float) -> int:
        """Delete jobs that ended so many seconds ago; return how many."""
        with self._writing():
            gone = self._connection.execute(
                "DELETE FROM jobs WHERE finished IS NOT NULL AND finished < ?", (time.time() - older_than,)
            ).rowcount
        with self._lock:
            self._connection.execute("PRAGMA incremental_vacuum").fetchall()
        return gone

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _one(self, query: str, *values: object) -> Any:
        with self._lock:
            return self._connection.execute(query, values).fetchone()

    def _all(self, query: str, *values: object) -> list[Any]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
