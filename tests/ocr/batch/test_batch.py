"""`ocr batch`: nothing lost, nothing doubled, whatever is killed."""

import errno
import io
import json
import multiprocessing
import os
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest
from PIL import Image

from ocr.batch import work
from ocr.batch.folder import Folder
from ocr.batch.inputs import Item, list_items
from ocr.batch.parts import FORMATS, place
from ocr.batch.plan import BatchSettings, Done, Shard, open_plan
from ocr.batch.work import Worker, WorkOptions
from ocr.errors import BatchError, ImageError

Run = Callable[..., subprocess.CompletedProcess[str]]
Rows = Callable[[Path], list[dict[str, Any]]]


def settings(**changes: Any) -> BatchSettings:
    given = {"inputs": ["x"], "format": "jsonl", "detector": "detector", "recognizer": "recognizer", "models": []}
    return BatchSettings(**given | {"dpi": 100, "column": None, "shard_items": 2} | changes)


def texts(found: list[dict[str, Any]]) -> list[str]:
    return [line["text"] for row in found for line in row["lines"]]


def wait_for(true: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


def test_parquet_and_json_lines_hold_the_same_pages(run: Run, rows: Rows, scans: Path, tmp_path: Path) -> None:
    (scans / "bad.png").write_bytes(b"no picture")
    for format in ("jsonl", "parquet"):
        done = run(scans, "--out", tmp_path / format, "--format", format, "--shard", 12, "--workers", 2, "--json")
        assert done.returncode == 1, done.stderr
        assert json.loads(done.stdout) == {
            "items": 31, "pages": 31, "pages_now": 31, "failed": 1, "unplanned": 0, "out": str(tmp_path / format),
        }  # fmt: skip
        assert done.stderr == f"ocr batch: 1 page failed; {tmp_path / format}/failed.jsonl lists them\n"
    lines = rows(tmp_path / "jsonl")
    table = [
        row for part in sorted((tmp_path / "parquet").glob("*.parquet")) for row in pq.read_table(part).to_pylist()
    ]
    assert len(lines) == len(table) == 31
    for line, row in zip(lines, table, strict=True):
        assert row["source"] == line["image"]["source"]
        assert row["error"] == line.get("error")
        if row["error"] is None:
            assert row["lines"] == line["lines"]
            number = int(Path(row["source"]).stem) + 10
            assert row["text"] == f"PAGE {number}"
            assert (row["page"], row["width"], row["height"]) == (1, 320, 96)
    (failed,) = (tmp_path / "parquet/failed.jsonl").read_text().splitlines()
    assert json.loads(failed)["image"]["source"].endswith("bad.png")
    for number in range(3):
        record = Done.model_validate_json((tmp_path / f"jsonl/done/{number:08}.json").read_bytes())
        assert record.pages == (12, 12, 7)[number]
    assert not list((tmp_path / "jsonl/begun").iterdir())


def finished(out: Path) -> list[Path]:
    """Marks of finished shards; not one that is still being written, under a hidden name."""
    return list((out / "done").glob("[!.]*.json"))


def test_after_kill_9_of_all_of_it_nothing_is_lost_or_doubled(
    begin: Callable[..., subprocess.Popen[str]], run: Run, rows: Rows, scans: Path, tmp_path: Path
) -> None:
    given = (scans, "--out", tmp_path / "out", "--format", "jsonl", "--shard", 3, "--workers", 2)
    process = begin(*given)
    wait_for(lambda: len(finished(tmp_path / "out")) >= 2)
    children = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    for child in children:
        child.kill()
    process.wait(30)
    before = len(finished(tmp_path / "out"))
    assert before < 10
    done = run(*given, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["pages"] == 30
    assert summary["pages_now"] == 3 * (10 - before)
    assert texts(rows(tmp_path / "out")) == [f"PAGE {number}" for number in range(10, 40)]
    again = run(*given, "--json")
    assert json.loads(again.stdout)["pages_now"] == 0


def test_a_worker_that_is_killed_is_replaced(
    begin: Callable[..., subprocess.Popen[str]], rows: Rows, scans: Path, tmp_path: Path
) -> None:
    process = begin(scans, "--out", tmp_path / "out", "--format", "jsonl", "--shard", 5, "--workers", 2)
    wait_for(lambda: list((tmp_path / "out/begun").glob("*.json")))
    workers = [child for child in psutil.Process(process.pid).children() if "spawn_main" in " ".join(child.cmdline())]
    workers[0].kill()
    assert process.wait(200) == 0
    assert texts(rows(tmp_path / "out")) == [f"PAGE {number}" for number in range(10, 40)]


def test_workers_go_when_the_planner_is_gone(
    begin: Callable[..., subprocess.Popen[str]], scans: Path, tmp_path: Path
) -> None:
    process = begin(scans, "--out", tmp_path / "out", "--shard", 2, "--workers", 2)
    wait_for(lambda: list((tmp_path / "out/begun").glob("*.json")))
    children = psutil.Process(process.pid).children()
    os.kill(process.pid, signal.SIGKILL)
    process.wait(30)
    wait_for(lambda: not any(child.is_running() and child.status() != "zombie" for child in children))


def test_only_failed_pages_are_read_again_when_asked(run: Run, rows: Rows, scans: Path, tmp_path: Path) -> None:
    page = (scans / "07.png").read_bytes()
    (scans / "07.png").write_bytes(page[:100])
    given = (scans, "--out", tmp_path / "out", "--format", "jsonl", "--shard", 10, "--json")
    assert json.loads(run(*given).stdout)["failed"] == 1
    (scans / "06.png").unlink()  # what was read stays, also when it could not be read again
    (scans / "07.png").write_bytes(page)
    assert json.loads(run(*given).stdout)["failed"] == 1  # what is done stays done until asked
    repaired = run(*given, "--retry-failed")
    assert repaired.returncode == 0
    assert json.loads(repaired.stdout) == {
        "items": 30, "pages": 30, "pages_now": 1, "failed": 0, "unplanned": 0, "out": str(tmp_path / "out"),
    }  # fmt: skip
    assert texts(rows(tmp_path / "out")) == [f"PAGE {number}" for number in range(10, 40)]
    assert (tmp_path / "out/failed.jsonl").read_text() == ""


class Killed(BaseException):
    """Stands for the end of the process."""


def kill_at(call: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """End the process before the folder is changed for the ``call``-th time."""
    left = iter(range(call))

    def or_die(change: Callable[..., None]) -> Callable[..., None]:
        def changed(*given: Any) -> None:
            if next(left, None) is None:
                raise Killed
            change(*given)

        return changed

    monkeypatch.setattr(Folder, "write", or_die(Folder.write))
    monkeypatch.setattr(Folder, "remove", or_die(Folder.remove))


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_failed_pages_are_read_again_wherever_that_is_killed(
    make_worker: Callable[..., Worker],
    draw_page: Callable[[Path, str], Path],
    scans: Path,
    tmp_path: Path,
    format: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A TIFF of three pages is cut off in the second, so that it and the third are missing; another file is none."""
    drawn = [Image.open(draw_page(tmp_path / f"{word}.png", word)) for word in ("FIRST", "SECOND", "THIRD")]
    drawn[0].save(tmp_path / "whole.tif", save_all=True, append_images=drawn[1:])
    tiff, png = (tmp_path / "whole.tif").read_bytes(), (scans / "00.png").read_bytes()
    names = [tmp_path / "a.tif", scans / "01.png", tmp_path / "b.png", scans / "01.png"]  # one of them twice
    items = [Item("file", str(name), str(name)) for name in names]
    given = settings(format=format, shard_items=4)

    def run_again(out: str, last_call: int) -> bool:
        """Whether retrying came to its end; then all is as it should be."""
        names[0].write_bytes(tiff[: len(tiff) // 2])
        names[2].write_bytes(b"no picture")
        plan = open_plan(Folder(str(tmp_path / out)), given, items)
        worker = make_worker(out, settings=given)
        (shard,) = plan.pending()
        before = worker.read(shard)
        assert (before.pages, before.read, len(before.failed)) == (6, 6, 3)
        names[0].write_bytes(tiff)
        names[2].write_bytes(png)
        ended = True
        with monkeypatch.context() as patch:
            kill_at(last_call, patch)
            try:
                plan.reopen_failed()
                worker.read(*plan.pending())
            except Killed:
                ended = False
        plan.reopen_failed()
        for shard in plan.pending():
            assert worker.read(shard).read <= 3
        ((_, done),) = plan.done()
        assert (done.pages, done.failed) == (6, [])
        return ended

    last = next(call for call in range(20) if run_again(f"out{call}", call))
    assert last > 6
    parts = [(tmp_path / f"out{call}/part-00000000.{format}").read_bytes() for call in range(last + 1)]
    assert set(parts) == {parts[0]}
    rows = FORMATS[format].read(parts[0])
    assert [place(row) for row in rows] == [
        (str(names[0]), 1), (str(names[0]), 2), (str(names[0]), 3), *((str(name), 1) for name in names[1:])
    ]  # fmt: skip
    assert [line["text"] for row in rows for line in row["lines"]] == [
        "FIRST", "SECOND", "THIRD", "PAGE 11", "PAGE 10", "PAGE 11"
    ]  # fmt: skip


def test_pages_of_one_name_in_a_tar_keep_their_own_text_when_one_is_read_again(
    make_worker: Callable[..., Worker], draw_page: Callable[[Path, str], Path], tmp_path: Path
) -> None:
    contents = [draw_page(tmp_path / f"{word}.png", word).read_bytes() for word in ("FIRST", "SECOND")]
    shards = tmp_path / "scans.tar"

    def pack(*members: bytes) -> None:
        with tarfile.open(shards, "w") as archive:
            for member in members:
                found = tarfile.TarInfo("page.png")
                found.size = len(member)
                archive.addfile(found, io.BytesIO(member))

    pack(*contents, b"x" * len(contents[0]))
    given = settings(format="jsonl", shard_items=3)
    plan = open_plan(Folder(str(tmp_path / "out")), given, list_items([str(shards)]))
    worker = make_worker("out", settings=given)
    assert len(worker.read(*plan.pending()).failed) == 1
    pack(*contents, contents[0])
    plan.reopen_failed()
    assert worker.read(*plan.pending()).failed == []
    rows = FORMATS["jsonl"].read((tmp_path / "out/part-00000000.jsonl").read_bytes())
    assert [line["text"] for row in rows for line in row["lines"]] == ["FIRST", "SECOND", "FIRST"]


def test_of_a_damaged_part_every_page_is_read_again(
    make_worker: Callable[..., Worker], scans: Path, tmp_path: Path
) -> None:
    for format in ("jsonl", "parquet"):
        given = settings(format=format)
        (scans / "00.png").write_bytes(b"no picture")
        plan = open_plan(Folder(str(tmp_path / format)), given, list_items([str(scans / "0[01].png")]))
        worker = make_worker(format, settings=given)
        assert worker.read(*plan.pending()).read == 2
        (tmp_path / f"{format}/part-00000000.{format}").write_bytes(b"{")
        plan.reopen_failed()
        assert worker.read(*plan.pending()).read == 2


def test_when_nothing_can_be_read_the_exit_code_is_2(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    done = run(tmp_path / "a.png", "--out", tmp_path / "out", "--workers", 1)
    assert done.returncode == 2
    assert done.stdout == f"1 page of 1 item in {tmp_path}/out, 1 failed; 1 now\n"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["none", "--out", "out"], "none: no such file or folder"),
        (["scans", "--out", "scans/00.png"], "cannot be made"),
        (["scans", "--out", "out", "--detector", "none"], "no such bundle"),
        (["scans", "--out", "out", "--detector", "recognizer"], "a detection bundle is needed"),
        (["scans", "--out", "nothing-like-it://x"], "cannot be made"),
    ],
)
def test_wrong_use_is_one_line(
    given: list[str], words: str, scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    from ocr.cli.main import main

    monkeypatch.chdir(tmp_path)
    assert main(["batch", *given]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_a_batch_goes_on_with_its_own_settings_only(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path / "out"))
    items = [Item("file", f"{number}.png", f"{number}.png") for number in range(5)]
    plan = open_plan(folder, settings(), items)
    assert (plan.shards, plan.items) == (3, 5)
    assert [len(shard.items) for shard in plan.pending()] == [2, 2, 1]
    assert list(open_plan(folder, settings(), []).pending()) == list(plan.pending())
    with pytest.raises(BatchError, match="was begun with dpi 100, now it is 300; go on with the same"):
        open_plan(folder, settings(dpi=300), items)
    with pytest.raises(BatchError, match=r"was begun with inputs x, now it is a{100}\.\.\."):
        open_plan(folder, settings(inputs=["a" * 200]), items)
    (tmp_path / "out/plan.json").unlink()
    folder.write("done/00000000.json", Done(pages=0, failed=[], sha256="").model_dump_json().encode())
    with pytest.raises(BatchError, match="holds results but no plan"):
        open_plan(folder, settings(), items)
    with pytest.raises(BatchError, match="nothing to read"):
        open_plan(Folder(str(tmp_path / "other")), settings(), [])


def test_files_that_came_after_the_plan_are_told(
    run: Run, scans: Path, tmp_path: Path, draw_page: Callable[[Path, str], Path]
) -> None:
    given = [
        scans / "0[0-2].png",
        scans / "new",
        "--out",
        scans / "new" / "read",
        "--workers",
        1,
        "--format",
        "parquet",
    ]
    draw_page(scans / "new" / "a.png", "PAGE 10")
    assert run(*given).stderr == ""
    draw_page(scans / "new" / "b.png", "PAGE 11")
    done = run(*given)
    assert (done.returncode, done.stdout) == (0, f"4 pages of 4 items in {scans}/new/read, 0 failed; 0 now\n")
    assert done.stderr.startswith("ocr batch: 1 file came after this batch was planned and will not be read; give ")
    (scans / "new" / "a.png").unlink()
    (scans / "new" / "b.png").unlink()
    assert run(*given).stderr == ""


def test_ctrl_c_while_workers_start_ends_them_without_a_word(
    begin: Callable[..., Any], scans: Path, tmp_path: Path
) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job has it ignored
    try:
        process = begin(scans, "--out", tmp_path / "out", "--workers", 2)
    finally:
        signal.signal(signal.SIGINT, before)
    children = psutil.Process(process.pid).children
    wait_for(lambda: sum("spawn_main" in " ".join(child.cmdline()) for child in children()) == 2)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (130, "", "")


def test_a_name_that_is_no_utf_8_is_read_like_any_other(
    tmp_path: Path, make_worker: Callable[..., Worker], draw_page: Callable[[Path, str], Path]
) -> None:
    names = [os.fsdecode("한.png".encode("cp949")), os.fsdecode(b"\xc7.png")]
    for name in names:
        draw_page(tmp_path / "zip" / name, "PAGE 10")
    given = [str(tmp_path / "zip"), str(tmp_path / "zip" / names[0])]
    folder, chosen = Folder(str(tmp_path / "out")), settings(inputs=given)
    (shard, last) = open_plan(folder, chosen, list_items(given)).pending()
    worker = make_worker()
    done = [worker.read(shard), worker.read(last)]
    assert [(one.pages, one.failed) for one in done] == [(2, []), (1, [])]
    sources = [row["image"]["source"] for row in FORMATS["jsonl"].read(folder.read("part-00000000.jsonl") or b"")]
    assert sources == [f"{tmp_path}/zip/\\xc7.png", rf"{tmp_path}/zip/\xc7\xd1.png"]
    assert list(open_plan(folder, chosen, []).pending()) == []  # it goes on where it was


@pytest.fixture
def make_worker(tmp_path: Path) -> Callable[..., Worker]:
    def make(out: str = "out", **changes: Any) -> Worker:
        url = out if "://" in out else str(tmp_path / out)
        options = WorkOptions(url, settings(), threads=1, retries=0, page_seconds=60)
        return Worker(options._replace(**changes))

    return make


def test_an_item_that_ends_its_process_is_left_out_after_three_times(
    make_worker: Callable[..., Worker], scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = make_worker()
    shard = Shard(0, list(list_items([str(scans / "0[0-3].png")])))
    load = worker._loader.load

    def deadly(item: Item) -> bytes:
        if item.name.endswith("02.png"):
            raise Killed
        return load(item)

    monkeypatch.setattr(worker._loader, "load", deadly)
    for _ in range(work.DEATHS):
        with pytest.raises(Killed):
            worker.read(shard)
        assert not (tmp_path / "out/done").exists()
    done = worker.read(shard)
    assert done.pages == 4
    (failed,) = done.failed
    assert "ended the process that read it 3 times" in failed["error"]["reason"]
    assert worker.done(shard) == done
    assert not list((tmp_path / "out/begun").iterdir())


def test_a_page_that_takes_too_long_ends_its_worker_and_is_left_out(run: Run, scans: Path, tmp_path: Path) -> None:
    """Here it is a pipe that never gives anything."""
    os.mkfifo(tmp_path / "stuck.png")
    page = scans / "00.png"
    done = run(page, tmp_path / "stuck.png", "--out", tmp_path / "out", "--page-seconds", 1, "--workers", 1, "--json")
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["failed"] == 1
    assert "too slow" in (tmp_path / "out/failed.jsonl").read_text()


def test_results_behind_a_url(make_worker: Callable[..., Worker], scans: Path) -> None:
    import fsspec

    worker = make_worker("memory://results")
    files = fsspec.filesystem("memory")
    try:
        plan = open_plan(Folder("memory://results"), settings(), list_items([str(scans / "0[0-2].png")]))
        done = [worker.read(shard) for shard in plan.pending()]
        assert [item.pages for item in done] == [2, 1]
        assert list(plan.pending()) == []
        assert [number for number, _ in plan.done()] == [0, 1]
        assert len(files.cat_file("/results/part-00000000.jsonl").splitlines()) == 2
        assert files.ls("/results/begun") == []
        folder = Folder("memory://results")
        folder.remove("part-00000000.jsonl")
        folder.remove("part-00000000.jsonl")
        assert folder.names("none") == []
        assert folder.read("none") is None
    finally:
        files.rm("/results", recursive=True)


def test_without_memory_a_page_fails_and_the_next_is_read(make_worker: Callable[..., Worker], scans: Path) -> None:
    worker = make_worker()
    worker._engine.memory_bytes, before = 1, worker._engine.memory_bytes
    try:
        done = worker.read(Shard(0, list(list_items([str(scans / "00.png")]))))
    finally:
        worker._engine.memory_bytes = before
    assert "are in use" in done.failed[0]["error"]["reason"]


def test_workers_that_cannot_start_are_not_started_for_ever(scans: Path, tmp_path: Path) -> None:
    from ocr.batch.local import read_locally

    options = WorkOptions(str(tmp_path / "out"), settings(detector="gone"), threads=1, retries=0, page_seconds=60)
    with pytest.raises(BatchError, match=r"workers end before they read anything \(exit code 1\)"):
        list(read_locally(iter([Shard(0, list(list_items([str(scans)])))]), options, 1))


def test_a_worker_that_cannot_write_ends_the_batch_in_one_line(
    run: Run, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Coverage of a worker that is terminated while it writes what it measured complains on the same stderr.
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    out = tmp_path / "out"
    out.mkdir()
    for name in ("begun", "done"):
        (out / name).write_text("a file where a folder has to be")
        done = run(scans, "--out", out, "--workers", 2)
        assert done.returncode == 2
        assert done.stderr.startswith(f"ocr batch: {out}/{name}")
        assert done.stderr.endswith("then run the same command again\n")
        assert done.stderr.count("\n") == 1
        (out / name).unlink()
    assert run(scans, "--out", out, "--workers", 2, "--json").returncode == 0


def test_errors_of_a_remote_store_are_one_line(monkeypatch: pytest.MonkeyPatch, make_worker: Any, scans: Path) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    class NoAnswer(Exception):
        """As clients of stores define their own."""

    def fail(*_: Any, **__: Any) -> None:
        raise NoAnswer("could not connect")

    worker = make_worker("memory://results")
    for name in ("isdir", "pipe_file", "_open"):
        monkeypatch.setattr(MemoryFileSystem, name, fail)
    with pytest.raises(BatchError, match=r"memory://scans: cannot be listed \(NoAnswer: could not connect\); check"):
        list(list_items(["memory://scans"]))
    shard = Shard(0, [Item("file", "memory://scans/00.png", "00.png")])
    with pytest.raises(BatchError, match=r"begun/00000000.json: cannot be written \(NoAnswer: could not connect\)"):
        worker.read(shard)
    with pytest.raises(ImageError, match=r"00.png: cannot be read after 1 try \(NoAnswer: could not connect\)"):
        worker._loader.load(shard.items[0])


def test_an_error_of_our_own_is_none_of_a_local_file(tmp_path: Path, make_worker: Any) -> None:
    folder = Folder(str(tmp_path / "out"))
    with pytest.raises(ZeroDivisionError):
        folder.write_lines("x", (f"{1 // zero}" for zero in [0]))
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(b"PAR1 but no more")
    with pytest.raises(ImageError, match=r"damaged.parquet#0: its Parquet file is damaged .*; copy the file again"):
        make_worker()._loader.load(Item("row", str(damaged), f"{damaged}#0", 0, 0))


def test_a_full_disk_is_told_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: str, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", path)

    folder = Folder(str(tmp_path / "out"))
    monkeypatch.setattr("ocr.batch.folder.write_bytes", full)
    with pytest.raises(
        BatchError, match=r"done/1: cannot be written \(No space left on device\); free some space, then"
    ):
        folder.write("done/1", b"x")


def test_behind_a_url_too_an_item_that_ends_every_worker_is_left_out(tmp_path: Path) -> None:
    """There items are marked only once their shard has ended a worker."""
    from ocr.batch.local import read_locally

    Image.new("RGB", (64, 64), "white").save(tmp_path / "blank.png")
    os.mkfifo(tmp_path / "stuck.png")
    options = WorkOptions(f"file://{tmp_path}/out", settings(), threads=1, retries=0, page_seconds=3)
    items = [Item("file", str(tmp_path / name), name) for name in ("blank.png", "stuck.png", "blank.png")]
    done = [one for one in read_locally(iter([Shard(0, items)]), options, 1) if isinstance(one, Done)]
    assert [one.pages for one in done] == [3]
    assert [(one["image"]["source"], one["error"]["reason"][:33]) for one in done[0].failed] == [
        ("stuck.png", "ended the process that read it 3 ")
    ]
    assert not list((tmp_path / "out/begun").iterdir())


def test_a_shard_that_ends_every_worker_outside_its_items_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ocr.batch import local

    pool = local._Pool(WorkOptions(str(tmp_path), settings(), threads=1, retries=0, page_seconds=1))
    monkeypatch.setattr(pool, "start", lambda shard: None)
    context = multiprocessing.get_context("spawn")

    def another_ends() -> None:
        process = context.Process(target=os._exit, args=(9,))
        process.start()
        hand = local._Hand(process, context.Pipe()[0])
        hand.shard = Shard(7, [Item("file", "a.png", "a.png")])
        pool.busy.append(hand)
        pool._bad_starts = 0
        pool._replace(hand)

    for _ in range(6):
        another_ends()
    with pytest.raises(BatchError, match=r"shard 00000007 ended 7 workers \(exit code 9\), and not by its items"):
        another_ends()


def test_pages_of_a_pdf_in_one_item(make_worker: Callable[..., Worker], ocr_data: Path) -> None:
    worker = make_worker()
    done = worker.read(Shard(0, list(list_items([str(ocr_data / "docs/ocrmypdf/multipage.pdf")]))))
    assert done.pages == 6
