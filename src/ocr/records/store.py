"""The cache of what was read from run folders: one small interface, SQLite here, PostgreSQL in `postgres`.

Files are the truth. A store can be dropped at any time; one of another schema version, or one that is damaged, is
dropped and filled again. The rollback journal is used, not WAL, which breaks on network mounts.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

SCHEMA_VERSION = 4
BUSY_SECONDS = 30.0


class Stored(NamedTuple):
    """What was read from one folder: the state of its files then, and what they said.

    `body` is a JSON list of rows, `brief` one of the same rows with a few fields, in less time to read.
    """

    path: str
    fingerprint: str
    body: str
    brief: str = "[]"


class Store(Protocol):
    """Folders by kind (``run`` or ``checkpoint``) and root; the path is unique within both."""

    def fingerprints(self, kind: str, root: str) -> dict[str, str]:
        """Fingerprint of each folder, by path."""
        ...

    def apply(self, kind: str, root: str, changed: Iterable[Stored], gone: Iterable[str]) -> None:
        """Insert or replace folders and remove others, all or nothing."""
        ...

    def bodies(self, kind: str, root: str | None, *, brief: bool = False) -> list[str]:
        """The JSON of every folder, of one root or of all."""
        ...

    def clear(self) -> None:
        """Forget everything."""
        ...

    def close(self) -> None:
        """Give back the connection."""
        ...


class SqliteStore:
    """A store in one file; raises sqlite3.Error when the folder cannot be written."""

    def __init__(self, path: Path | str) -> None:
        self._path = path
        try:
            self._connection = self._open()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) or path == ":memory:":
                raise
            Path(path).unlink()  # "file is not a database"
            self._connection = self._open()

    def _open(self) -> sqlite3.Connection:
        # Transactions are begun by hand: the module's own begin late, and then fail when they have to write.
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] != SCHEMA_VERSION:
                self._create(connection)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _create(self, connection: sqlite3.Connection) -> None:
        with _immediate(connection):
            if connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION:
                return  # another process was first
            connection.execute("DROP TABLE IF EXISTS rows")
            connection.execute(
                "CREATE TABLE rows (kind TEXT, root TEXT, path TEXT, fingerprint TEXT, brief TEXT, body TEXT,"
                " PRIMARY KEY (kind, root, path)) WITHOUT ROWID"
            )
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def fingerprints(self, kind: str, root: str) -> dict[str, str]:
        """Fingerprint of each folder, by path."""
        query = "SELECT path, fingerprint FROM rows WHERE kind = ? AND root = ?"
        with closing(self._connection.execute(query, (kind, root))) as rows:
            return dict(rows.fetchall())

    def apply(self, kind: str, root: str, changed: Iterable[Stored], gone: Iterable[str]) -> None:
        """Insert or replace folders and remove others, all or nothing."""
        with _immediate(self._connection):
            self._connection.executemany(
                "INSERT OR REPLACE INTO rows (kind, root, path, fingerprint, body, brief) VALUES (?, ?, ?, ?, ?, ?)",
                ((kind, root, *row) for row in changed),
            )
            self._connection.executemany(
                "DELETE FROM rows WHERE kind = ? AND root = ? AND path = ?", ((kind, root, path) for path in gone)
            )

    def bodies(self, kind: str, root: str | None, *, brief: bool = False) -> list[str]:
        """The JSON of every folder, of one root or of all."""
        query = f"SELECT {'brief' if brief else 'body'} FROM rows WHERE kind = ?" + (
            "" if root is None else " AND root = ?"
        )
        with closing(self._connection.execute(query, (kind,) if root is None else (kind, root))) as rows:
            return [row[0] for row in rows]

    def clear(self) -> None:
        """Forget everything."""
        with _immediate(self._connection):
            self._connection.execute("DELETE FROM rows")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


@contextmanager
def _immediate(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that takes the write lock at its beginning, and waits for it there."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
