import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durable.journal import Journal, JournalError

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text('a한\n"\\\0'),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=4), values, max_size=3),
    max_leaves=6,
)
ENTRIES = st.lists(st.dictionaries(st.text(max_size=5), JSON, max_size=4), min_size=1, max_size=5)


@settings(max_examples=40, deadline=None)
@given(entries=ENTRIES, cut=st.integers(0, 10_000))
def test_any_cut_of_the_last_line_loses_at_most_that_entry(
    entries: list[dict[str, object]], cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    journal = Journal(tmp_path_factory.mktemp("journal") / "a.jsonl")
    for entry in entries[:-1]:
        journal.append(entry)
    before = journal.path.stat().st_size if len(entries) > 1 else 0
    journal.append(entries[-1])
    assert journal.read() == entries
    size = journal.path.stat().st_size
    with open(journal.path, "r+b") as file:
        file.truncate(max(before, size - 1 - cut))
    assert journal.read() == entries[:-1]
    journal.append({"after": True})
    assert journal.read() == [*entries[:-1], {"after": True}]


@pytest.mark.parametrize("tail", [b"\0" * 9000, b'{"crc32":"00000000","entry":{}}\n', b"{}\n", b"\n", b"[1]"])
def test_a_damaged_tail_is_passed_over_and_cut_off(tail: bytes, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.jsonl")
    journal.append({"text": "x" * 5000})
    with open(journal.path, "ab") as file:
        file.write(tail)
    assert len(journal.read()) == 1
    journal.append({"n": 2})
    assert [list(entry) for entry in journal.read()] == [["text"], ["n"]]


def test_damage_before_the_last_entry_is_an_error_that_names_the_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.jsonl")
    for number in range(3):
        journal.append({"number": number})
    journal.path.write_bytes(journal.path.read_bytes().replace(b'"number":1', b'"number":7'))
    with pytest.raises(JournalError, match=r"a\.jsonl:2: "):
        journal.read()


def test_no_file_is_no_entries(tmp_path: Path) -> None:
    assert Journal(tmp_path / "a.jsonl").read() == []


def test_a_failed_append_leaves_the_journal_as_it_was(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.jsonl")
    journal.append({"n": 1})
    before = journal.path.read_bytes()
    program = "import sys; from durable.journal import Journal; Journal(sys.argv[1]).append({'t': 'x' * 100_000})"
    child = subprocess.run(
        [sys.executable, "-c", program, str(journal.path)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000)),
        capture_output=True,
    )
    assert child.returncode == 1
    assert b"OSError" in child.stderr
    assert journal.path.read_bytes() == before


def test_appends_of_several_processes_are_all_kept(tmp_path: Path) -> None:
    program = (
        "import os, sys; from durable.journal import Journal\n"
        "for n in range(15): Journal(sys.argv[1]).append({'pid': os.getpid(), 'n': n})"
    )
    children = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "j")]) for _ in range(4)]
    assert [child.wait() for child in children] == [0] * 4
    entries = Journal(tmp_path / "j").read()
    assert len(entries) == 60
    for child in children:
        assert [entry["n"] for entry in entries if entry["pid"] == child.pid] == list(range(15))
    assert os.path.getsize(tmp_path / "j") > 0
