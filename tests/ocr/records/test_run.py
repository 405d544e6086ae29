"""Claiming folders, the record of a run, and telling a live run from a dead one."""

import json
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path

import jsonschema
import pytest

from ocr.errors import RecordError
from ocr.records import host, provenance
from ocr.records.checkpoint import CheckpointCard
from ocr.records.layout import HEARTBEAT, RECORD
from ocr.records.liveness import STALE_SECONDS, true_status
from ocr.records.run import Run, RunRecord, claim_folder, edit_record, new_run_id, read_record
from ocr.schema import schema_text

NOW = datetime(2026, 3, 4, 5, 6, 7)


def test_runs_that_begin_in_the_same_second_get_folders_of_their_own(tmp_path):
    # Not a multiprocessing.Pool, whose end by terminate() can wait for a lock that a terminated worker held.
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        folders = list(pool.map(claim_folder, [tmp_path] * 24, [NOW] * 24))
    assert len(set(folders)) == 24
    names = {folder.name for folder in folders}
    assert names == {"05-06-07"} | {f"05-06-07-{n}" for n in range(1, 24)}


def test_a_root_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match=r"file/2026-03-04: cannot make a run folder: Not a directory"):
        claim_folder(tmp_path / "file", NOW)


def test_ids_are_unique_and_sort_by_time():
    ids = [new_run_id(NOW) for _ in range(100)]
    assert len(set(ids)) > 95
    assert all(run_id.startswith("20260304-050607-") for run_id in ids)


def start(folder: Path, **facts) -> Run:
    return Run.start(folder, run_id="r1", name="n", **facts)


def test_a_record_says_who_what_and_with_which_code(tmp_path):
    run = start(tmp_path, task="detection", overrides=["a=1"], seed=7)
    record = read_record(tmp_path)
    assert (record.status, record.id, record.seed, record.overrides) == ("running", "r1", 7, ["a=1"])
    assert (record.pid, record.host) == (os.getpid(), host.host_name())
    assert record.packages["pydantic"]
    run.update(metrics={"val/hmean": 0.5}, epoch=0)
    run.end("completed")
    record = read_record(tmp_path)
    assert (record.status, record.metrics, record.epoch) == ("completed", {"val/hmean": 0.5}, 0)
    assert record.ended is not None
    assert record.ended <= record.updated


def test_a_folder_is_taken_once_and_what_people_wrote_survives_a_resume(tmp_path):
    start(tmp_path)
    edit_record(tmp_path, lambda record: record.tags.append("paper"))
    with pytest.raises(RecordError, match=f"holds run r1 already; choose another folder or add resume={tmp_path}"):
        start(tmp_path)
    start(tmp_path, resuming=True)
    assert read_record(tmp_path).tags == ["paper"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read: No such file"),
        ("", "not a run record: document: Invalid JSON"),
        ('{"schema_version": 1, "id": "x"', "not a run record: document: Invalid JSON"),
        ('{"schema_version": 2}', "not a run record: schema_version: Input should be 1"),
        ('{"schema_version": 1}', "not a run record: id: Field required"),
    ],
)
def test_a_record_that_cannot_be_used_is_named_with_its_reason(tmp_path, text, message):
    if text is not None:
        (tmp_path / RECORD).write_text(text)
    with pytest.raises(RecordError) as caught:
        read_record(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / RECORD}: ")
    assert message in str(caught.value)


# Notes of every fourth number from the one given: processes of their own, as a fork of one with threads can hang.
NOTES = """
import sys
from pathlib import Path
from ocr.records.run import edit_record
for n in range(int(sys.argv[2]), 40, 4):
    edit_record(Path(sys.argv[1]), lambda record: record.notes.append(f"note {n}"))
"""


def test_notes_of_many_processes_are_all_kept(tmp_path):
    start(tmp_path)
    writers = [subprocess.Popen([sys.executable, "-c", NOTES, str(tmp_path), str(first)]) for first in range(4)]
    assert [writer.wait() for writer in writers] == [0] * 4
    assert sorted(read_record(tmp_path).notes) == sorted(f"note {n}" for n in range(40))


def facts(folder: Path, **changes) -> dict:
    return read_record(folder).model_dump(mode="json") | changes


def test_a_run_is_running_while_its_very_process_is_there(tmp_path):
    start(tmp_path)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert true_status(tmp_path, facts(tmp_path)) == "running"
    assert true_status(tmp_path, facts(tmp_path, pid=gone.pid)) == "interrupted"
    assert true_status(tmp_path, facts(tmp_path, process_start="1")) == "interrupted"  # the pid was given away
    assert true_status(tmp_path, facts(tmp_path, boot_id="another boot")) == "interrupted"
    for ended in ("completed", "failed", "interrupted"):
        assert true_status(tmp_path, facts(tmp_path, status=ended, pid=gone.pid)) == ended


def test_a_run_of_another_host_is_judged_by_its_heartbeat(tmp_path):
    start(tmp_path)
    there = facts(tmp_path, host="elsewhere")
    (tmp_path / HEARTBEAT).touch()
    beat = (tmp_path / HEARTBEAT).stat().st_mtime
    assert true_status(tmp_path, there, beat + 1) == "running"
    assert true_status(tmp_path, there, beat + STALE_SECONDS + 1) == "interrupted"
    assert true_status(tmp_path, there, beat - 1e6) == "running"  # this clock is behind
    (tmp_path / HEARTBEAT).unlink()
    updated = read_record(tmp_path).updated.timestamp()
    assert true_status(tmp_path, there, updated + 1) == "running"
    assert true_status(tmp_path, there, updated + STALE_SECONDS + 1) == "interrupted"


def test_the_heart_beats_only_while_the_block_runs(tmp_path):
    run = start(tmp_path)
    with run.alive():
        pass
    assert (tmp_path / HEARTBEAT).exists()


def test_process_starts_tell_zombies_and_strangers():
    assert host.process_start(os.getpid())
    assert host.process_start(2**22 + 1) is None
    child = os.fork()
    if child == 0:
        os._exit(0)
    while "Z" not in Path(f"/proc/{child}/stat").read_text().rpartition(")")[2][:3]:
        pass
    assert host.process_start(child) is None
    os.waitpid(child, 0)


def test_code_outside_of_git_has_no_revision(tmp_path):
    assert provenance.git_state(tmp_path) == (None, None)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert provenance.git_state(tmp_path) == (None, None)


@pytest.mark.parametrize(("model", "file"), [(RunRecord, "run"), (CheckpointCard, "checkpoint-card")])
def test_the_published_schemas_are_those_of_the_code(model, file):
    page = Path(__file__).resolve().parents[3] / "docs" / "schemas" / f"{file}.schema.json"
    assert page.read_text(encoding="utf-8") == schema_text(model)


def test_a_record_fits_its_published_schema(tmp_path):
    start(tmp_path)
    jsonschema.validate(json.loads((tmp_path / RECORD).read_text()), RunRecord.model_json_schema(mode="serialization"))


def test_an_index_that_cannot_be_reached_does_not_end_the_run(tmp_path, capsys):
    run = start(tmp_path)
    calls = []

    def fail():
        calls.append(1)
        raise RecordError("no server")

    run.on_change = fail
    run.update(epoch=3)
    assert (len(calls), read_record(tmp_path).epoch) == (1, 3)
    assert capsys.readouterr().err == "the run goes on, but other hosts cannot see it: no server\n"
