"""The store in a PostgreSQL database, for several hosts: ``OCR_REGISTRY_URL=postgresql://...``."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ocr.errors import RecordError
from ocr.optional import safe_import
from ocr.records.store import SCHEMA_VERSION, Stored

# Any number does, as long as every process uses the same: it keeps two of them from making the table at once.
_LOCK = 7_203_114
_TABLE = f"ocr_rows_v{SCHEMA_VERSION}"


class PostgresStore:
    """A store in the table ``ocr_rows_v3`` of a database; raises RecordError when it cannot be reached."""

    def __init__(self, url: str) -> None:
        self._driver: Any = safe_import("psycopg")
        with self._errors():
            self._connection = self._driver.connect(url, autocommit=True, connect_timeout=10)
            with self._connection.transaction(), self._connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                cursor.execute(
                    f"CREATE TABLE IF NOT EXISTS {_TABLE} (kind TEXT, root TEXT, path TEXT, fingerprint TEXT,"
                    " body TEXT, brief TEXT, PRIMARY KEY (kind, root, path))"
                )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn the driver's errors into one line."""
        try:
            yield
        except self._driver.Error as error:
            reason = " ".join(str(error).split())
            raise RecordError(f"OCR_REGISTRY_URL: {reason}; unset it to use the local index") from error

    def fingerprints(self, kind: str, root: str) -> dict[str, str]:
        """Fingerprint of each folder, by path."""
        query = f"SELECT path, fingerprint FROM {_TABLE} WHERE kind = %s AND root = %s"
        with self._errors():
            return dict(self._connection.execute(query, (kind, root)).fetchall())

    def apply(self, kind: str, root: str, changed: Iterable[Stored], gone: Iterable[str]) -> None:
        """Insert or replace folders and remove others, all or nothing."""
        with self._errors(), self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {_TABLE} VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (kind, root, path) DO UPDATE"
                " SET fingerprint = EXCLUDED.fingerprint, body = EXCLUDED.body, brief = EXCLUDED.brief",
                # In one order everywhere, or two writers of the same rows could wait for one another.
                sorted((kind, root, *row) for row in changed),
            )
            cursor.executemany(
                f"DELETE FROM {_TABLE} WHERE kind = %s AND root = %s AND path = %s",
                sorted((kind, root, path) for path in gone),
            )

    def bodies(self, kind: str, root: str | None, *, brief: bool = False) -> list[str]:
        """The JSON of every folder, of one root or of all."""
        query = f"SELECT {'brief' if brief else 'body'} FROM {_TABLE} WHERE kind = %s"
        query += "" if root is None else " AND root = %s"
        with self._errors():
            rows = self._connection.execute(query, (kind,) if root is None else (kind, root))
            return [row[0] for row in rows.fetchall()]

    def clear(self) -> None:
        """Forget everything."""
        with self._errors():
            self._connection.execute(f"DELETE FROM {_TABLE}")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
