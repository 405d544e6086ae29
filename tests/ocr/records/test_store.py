"""The contract of stores, on SQLite and on PostgreSQL."""

import multiprocessing
import sqlite3
from contextlib import closing

import pytest

from ocr.errors import RecordError
from ocr.records.postgres import PostgresStore
from ocr.records.store import SqliteStore, Stored


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def opened(request, tmp_path):
    """A function that opens the same store anew."""
    if request.param == "sqlite":
        yield lambda: SqliteStore(tmp_path / "index.sqlite")
    else:
        url = request.getfixturevalue("postgres_url")
        with closing(PostgresStore(url)) as store:
            store.clear()
        yield lambda: PostgresStore(url)


def test_rows_are_kept_replaced_and_removed(opened):
    with closing(opened()) as store:
        store.apply("run", "root", [Stored("a", "1", "{}"), Stored("b'\n", "1", '{"ü": 1}')], [])
        store.apply("checkpoint", "root", [Stored("a", "9", "[]")], [])
        store.apply("run", "other", [Stored("a", "7", "7")], [])
    with closing(opened()) as store:
        assert store.fingerprints("run", "root") == {"a": "1", "b'\n": "1"}
        assert sorted(store.bodies("run", "root")) == ['{"ü": 1}', "{}"]
        assert len(store.bodies("run", None)) == 3
        store.apply("run", "root", [Stored("a", "2", "3")], ["b'\n", "never there"])
        assert store.fingerprints("run", "root") == {"a": "2"}
        assert store.bodies("run", "root") == ["3"]
        store.clear()
        assert store.bodies("checkpoint", None) == []


def test_a_failed_change_leaves_everything_as_it_was(opened):
    def broken():
        yield Stored("a", "1", "1")
        raise KeyboardInterrupt

    with closing(opened()) as store:
        with pytest.raises(KeyboardInterrupt):
            store.apply("run", "root", broken(), [])
        assert store.fingerprints("run", "root") == {}
        store.apply("run", "root", [Stored("a", "1", "1")], [])
        assert store.fingerprints("run", "root") == {"a": "1"}


def _write(opened, process: int) -> None:
    with closing(opened()) as store:
        for n in range(40):
            store.apply("run", "root", [Stored(f"{process}-{n}", "1", "{}"), Stored("shared", str(process), "{}")], [])


def test_no_row_of_many_writers_is_lost(opened):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(opened, n)) for n in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    with closing(opened()) as store:
        assert len(store.fingerprints("run", "root")) == 6 * 40 + 1


def test_an_index_of_another_version_or_a_damaged_one_is_made_anew(tmp_path):
    path = tmp_path / "index.sqlite"
    with closing(sqlite3.connect(path)) as old:
        old.execute("CREATE TABLE rows (something TEXT)")
        old.execute("PRAGMA user_version = 99")
    with closing(SqliteStore(path)) as store:
        store.apply("run", "root", [Stored("a", "1", "1")], [])
    path.write_bytes(b"this is no database" * 100)
    with closing(SqliteStore(path)) as store:
        assert store.bodies("run", "root") == []


def test_a_database_that_cannot_be_reached_is_one_line():
    pytest.importorskip("psycopg")
    with pytest.raises(RecordError, match=r"OCR_REGISTRY_URL: .*; unset it to use the local index"):
        PostgresStore("postgresql://nobody@127.0.0.1:9/none")
