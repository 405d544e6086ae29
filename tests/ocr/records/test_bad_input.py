"""Bad input, for catalog, registry and migration alike: listed with its path and reason, and the rest goes on."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from ocr.cli.main import main
from ocr.records.catalog import INDEX, Catalog
from ocr.records.find import checkpoint_path, run_folder
from ocr.records.layout import RECORD, WHOLE, card_path
from ocr.records.run import claim_folder, edit_record, read_record

NAMES = ["with space", "quote'\"`", "new\nline", "한국어 영수증", "-dash", "100%s {0} $HOME", "tab\tbell\a", "ünï.ckpt"]


def states(root: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a folder but the index, with its time and bytes."""
    kept = (path for path in root.rglob("*") if path.is_file() and not path.name.startswith(INDEX))
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in kept}


@pytest.fixture
def outputs(tmp_path, make_checkpoint, make_run, monkeypatch) -> Path:
    """Three runs of today in outputs/, and an old one in outputs.old/."""
    monkeypatch.chdir(tmp_path)
    for n in range(3):
        folder = tmp_path / "outputs" / f"run{n}"
        make_run(folder, f"r{n}")
        make_checkpoint(folder / "checkpoints", "epoch-00", run_id=f"r{n}")
    return tmp_path / "outputs"


@pytest.fixture
def old_outputs(tmp_path, make_checkpoint, old_card):
    """Three old runs in outputs.old/."""
    for n in range(3):
        folder = tmp_path / "outputs.old" / f"det_2025100{n + 1}_101010" / "checkpoints"
        path = make_checkpoint(folder, "epoch-00_step-000077", card=False)
        old_card |= {"checkpoint_path": f"checkpoints/{path.name}", "created_at": f"2025-10-0{n + 1}T10:10:10"}
        path.with_name(f"{path.stem}.metadata.yaml").write_text(yaml.safe_dump(old_card))
    return tmp_path / "outputs.old"


def command(obedient: list[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `ocr` where file modes count."""
    code = [sys.executable, "-m", "ocr.cli.main", *arguments]
    return subprocess.run([*obedient, *code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "unreadable", "kept"),
    [
        (["checkpoints", "list"], "outputs/run1/checkpoints", "outputs/run2/checkpoints/epoch-00.ckpt"),
        (["checkpoints", "validate"], "outputs/run1", "outputs/run2/checkpoints/epoch-00.ckpt"),
        (
            ["checkpoints", "validate"],
            "outputs/run1/checkpoints/epoch-00.ckpt",
            "outputs/run2/checkpoints/epoch-00.ckpt",
        ),
        (["checkpoints", "list"], "outputs/run1/checkpoints/epoch-00.metadata.json", "outputs/run2/checkpoints"),
        (["runs", "list"], "outputs/run1", "outputs/run2"),
        (["runs", "list"], "outputs/run1/run.json", "outputs/run2"),
        (["migrate", "outputs", "outputs.old", "--to", "new"], "outputs.old/det_20251002_101010", "new"),
        (
            ["migrate", "outputs", "outputs.old", "--to", "new"],
            "outputs.old/det_20251002_101010/checkpoints/epoch-00_step-000077.ckpt",
            "new",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value.rpartition("/")[2],
)
def test_what_may_not_be_read_is_named_and_the_rest_goes_on(
    outputs, old_outputs, obedient, arguments, unreadable, kept, tmp_path
):
    before = states(tmp_path)
    mode = os.stat(unreadable).st_mode
    os.chmod(unreadable, 0)
    done = command(obedient, *arguments)
    os.chmod(unreadable, mode)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done
    (line,) = (line for line in done.stderr.splitlines() if "ermission denied" in line)
    assert unreadable.removesuffix("/run.json").removesuffix(".metadata.json") in line
    assert kept in done.stdout
    if "list" in arguments:  # nothing of it is remembered
        assert command(obedient, *arguments).returncode == 0
    after = states(tmp_path)
    assert {path: after[path] for path in before} == before
    if arguments[0] == "migrate":
        assert len(list(Path("new").glob("2025-10-0[13]/*/run.json"))) == 2


@pytest.mark.parametrize("name", NAMES)
def test_names_are_listed_found_and_printed_on_one_line(outputs, name, make_checkpoint, make_run, capsys):
    folder = outputs / name
    make_run(folder, "odd", notes=[name], tags=[name])
    edit_record(folder, lambda record: setattr(record, "name", name))
    path = make_checkpoint(folder / "checkpoints", name, hmean=0.9, run_id="odd")
    (folder / "checkpoints" / "last.ckpt").symlink_to(path.name)
    catalog = Catalog([outputs])
    assert catalog.best()[0]["path"] == str(path)
    assert [row["name"] for row in catalog.find_runs("id=odd")] == [name]
    assert catalog.problems == []
    assert checkpoint_path("odd", [outputs]) == path
    assert run_folder(str(folder), [outputs]) == folder
    for arguments in (["checkpoints", "list"], ["runs", "list"], ["checkpoints", "validate"]):
        with pytest.raises(SystemExit, match="0"):
            main(arguments)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 5
        assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("text", ["", "{", '{"schema_version": 99}', "[]", "null", "\udc00", '{"id": "a"}'])
def test_a_record_that_is_none_is_named_and_the_rest_goes_on(outputs, text, capsys):
    (outputs / "run1" / RECORD).write_bytes(text.encode(errors="surrogatepass"))
    before = states(outputs)
    with pytest.raises(SystemExit, match="1"):
        main(["runs", "list", "--json"])
    said = capsys.readouterr()
    assert said.err.startswith("outputs/run1: not a run record: ")
    assert said.out.count('"state": "whole"') == 2
    assert states(outputs) == before


def test_a_record_that_is_a_circle_of_links_is_named(outputs):
    (outputs / "loop").mkdir()
    (outputs / "loop" / RECORD).symlink_to(RECORD)
    (outputs / "loop" / "inner").mkdir()
    shutil.copy(outputs / "run0" / RECORD, outputs / "loop" / "inner" / RECORD)
    catalog = Catalog([outputs])
    assert len(catalog.runs()) == 3  # one of them in two folders
    problem, copied = catalog.problems
    assert copied.reason.startswith("not listed: it has the id of ")
    assert problem == (f"{outputs}/loop/{RECORD}", "cannot be read: Too many levels of symbolic links")


def test_a_clock_that_goes_backwards_hides_nothing(outputs):
    catalog = Catalog([outputs])
    assert {row["score"] for row in catalog.find()} == {0.5}
    card = card_path(outputs / "run1" / "checkpoints" / "epoch-00.ckpt")
    card.write_text(card.read_text().replace('"value": 0.5', '"value": 0.6'))
    os.utime(card, (1, 1))
    future = datetime.now(UTC) + timedelta(days=900)

    def turn_back(record):
        record.started, record.ended, record.name = future, future - timedelta(days=2000), "turned"

    edit_record(outputs / "run1", turn_back)
    os.utime(outputs / "run1" / RECORD, (1, 1))
    assert sorted(row["score"] for row in catalog.find()) == [0.5, 0.5, 0.6]
    assert catalog.find_runs(limit=1)[0]["name"] == "turned"
    assert catalog.problems == []
    now = datetime(2026, 1, 2, 3, 4, 5)
    folders = [claim_folder(outputs, moment) for moment in (now, now - timedelta(seconds=1), now)]
    assert [folder.name for folder in folders] == ["03-04-05", "03-04-04", "03-04-05-1"]
    assert read_record(outputs / "run1").updated < future


def test_an_index_that_cannot_be_written_or_is_damaged_inside_costs_time_only(
    outputs, make_checkpoint, make_run, obedient
):
    for n in range(40):  # more than one page
        make_run(outputs / "more" / str(n), f"m{n}")
    assert len(Catalog([outputs]).find_runs()) == 43
    make_run(outputs / "new", "new")
    index = outputs / INDEX
    index.chmod(0o400)
    outputs.chmod(0o500)
    done = command(obedient, "runs", "list")
    outputs.chmod(0o700)
    index.chmod(0o600)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 45), done.stderr
    content = bytearray(index.read_bytes())
    content[4096:] = b"\x55" * (len(content) - 4096)
    index.write_bytes(content)
    assert len(Catalog([outputs]).find_runs()) == 44
    assert len(Catalog([outputs]).find_runs()) == 44
    with closing(sqlite3.connect(index)) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_card_without_its_checkpoint_and_a_checkpoint_without_its_card_are_both_named(outputs, capsys):
    (outputs / "run1" / "checkpoints" / "epoch-00.ckpt").unlink()
    card_path(outputs / "run2" / "checkpoints" / "epoch-00.ckpt").unlink()
    with pytest.raises(SystemExit, match="1"):
        main(["checkpoints", "validate", "--json"])
    said = capsys.readouterr()
    assert sorted(said.err.splitlines()) == [
        "outputs/run1/checkpoints/epoch-00.metadata.json: a card, but its checkpoint is not there",
        "outputs/run2/checkpoints/epoch-00.ckpt: no card: run doctor",
    ]
    assert said.out.count(f'"state": "{WHOLE}"') == 1
