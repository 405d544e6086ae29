"""The commands over runs and checkpoints, as a user types them."""

import json
import subprocess
import sys

import pytest
import yaml

from ocr.cli.main import main
from ocr.records.layout import card_path
from ocr.records.run import Run, edit_record, read_record


@pytest.fixture
def home(tmp_path, monkeypatch, make_checkpoint, make_run):
    """A working directory with two runs in outputs/."""
    monkeypatch.chdir(tmp_path)
    for n, (run_id, rate) in enumerate((("20260101-000000-aaa", 0.1), ("20260102-000000-bbb", 0.2))):
        folder = tmp_path / "outputs" / f"run{n}"
        make_run(folder, run_id, task="detection", overrides=["experiment=det_receipt", f"a.lr={rate}"], seed=7)
        config = {"a": {"lr": rate, "same": [1, 2]}, "run": {"id": run_id}, "list": [{"x": n}]}
        (folder / ".hydra").mkdir()
        (folder / ".hydra" / "resolved.yaml").write_text(yaml.safe_dump(config))
        edit_record(folder, lambda record: setattr(record, "config", ".hydra/resolved.yaml"))
        make_checkpoint(folder / "checkpoints", "epoch-00", hmean=0.5 + n / 10, run_id=run_id)
        for alias in ("best", "last"):
            (folder / "checkpoints" / f"{alias}.ckpt").symlink_to("epoch-00.ckpt")
    return tmp_path


@pytest.fixture
def ocr(home, capsys):
    def run(*arguments: str, code: int = 0) -> str:
        try:
            got = main(list(arguments))
        except SystemExit as leaving:
            got = leaving.code
        out, err = capsys.readouterr()
        assert (got or 0) == code, (out, err)
        assert "Traceback" not in err
        run.err = err
        return out

    return run


def test_checkpoints_are_listed_as_a_table_and_as_json(ocr):
    lines = ocr("checkpoints", "list", "--sort", "-hmean").splitlines()
    assert lines[0].split()[:4] == ["score", "monitor", "epoch", "step"]
    assert [line.split()[0] for line in lines[1:]] == ["0.6", "0.5"]
    assert lines[1].endswith("outputs/run1/checkpoints/epoch-00.ckpt")
    rows = json.loads(ocr("checkpoints", "list", "--where", "hmean>0.55", "--json"))
    assert [row["score"] for row in rows] == [0.6]
    assert json.loads(ocr("checkpoints", "best", "--format", "json"))[0]["score"] == 0.6
    assert ocr("checkpoints", "list", "--where", "hmean>0.9") == ""
    assert ocr.err == "nothing found\n"


def test_one_checkpoint_is_shown(ocr):
    text = ocr("checkpoints", "show", "20260102")
    assert "encoder: TimmBackbone(resnet18)\n" in text
    assert "val/hmean: 0.6 (n=3, p)\n" in text
    assert json.loads(ocr("checkpoints", "show", "best@epoch=0", "--json"))["run_id"] == "20260102-000000-bbb"


def test_validate_reads_every_byte(ocr, home):
    assert ocr("checkpoints", "validate").splitlines()[1].startswith("whole")
    path = home / "outputs" / "run0" / "checkpoints" / "epoch-00.ckpt"
    path.write_bytes(path.read_bytes()[::-1])
    out = ocr("checkpoints", "validate", code=1)
    assert "damaged: its SHA-256 begins with" in out
    assert ocr.err.startswith("outputs/run0/checkpoints/epoch-00.ckpt: damaged")
    ocr("checkpoints", "validate", "best@hmean>0.55")


def test_doctor_says_what_is_left_undone(ocr, home):
    assert ocr("checkpoints", "doctor") == ""
    path = home / "outputs" / "run0" / "checkpoints" / "epoch-00.ckpt"
    card_path(path).unlink()
    out = ocr("checkpoints", "doctor", "--dry-run", code=1)
    assert "no checkpoint; nothing" in out
    assert "damaged or no checkpoint" in ocr.err
    (finding,) = json.loads(ocr("checkpoints", "doctor", str(path), "--json", code=1))
    assert finding["path"] == str(path)


def test_runs_are_listed_filtered_tagged_noted_and_archived(ocr, home):
    assert [r["id"][-3:] for r in json.loads(ocr("runs", "list", "--json"))] == ["bbb", "aaa"]
    ocr("runs", "tag", "20260101", "paper", "x", "paper")
    ocr("runs", "tag", "20260101", "x", "--remove")
    ocr("runs", "note", "20260101", "longer was better")
    record = read_record(home / "outputs" / "run0")
    assert (record.tags, record.notes) == (["paper"], ["longer was better"])
    assert "paper" in ocr("runs", "list", "--where", "tags=paper notes~LONGER")
    ocr("runs", "archive", "20260101")
    assert "aaa" not in ocr("runs", "list")
    assert "aaa" in ocr("runs", "list", "--all")
    ocr("runs", "archive", "20260101", "--undo")
    assert "aaa" in ocr("runs", "list")


def test_a_run_is_shown_and_the_command_that_repeats_it(ocr, home):
    assert "status: completed\n" in ocr("runs", "show", "latest")
    assert json.loads(ocr("runs", "show", "outputs/run0", "--json"))["seed"] == 7
    command = ocr("runs", "show", "20260101", "--repro")
    assert command.startswith(f"cd {home} && git checkout ")
    assert command.endswith("&& ocr train experiment=det_receipt a.lr=0.1 seed=7\n")


def test_two_runs_are_compared(ocr):
    text = ocr("runs", "diff", "20260101", "20260102", code=1)
    assert text.splitlines()[:3] == ["config", "  a.lr: 0.1 -> 0.2", "  list.0.x: 0 -> 1"]
    assert json.loads(ocr("runs", "diff", "20260101", "20260102", "--json", code=1))["config"]["a.lr"] == [0.1, 0.2]
    assert ocr("runs", "diff", "20260101", "20260101") == ""


def test_watch_lists_what_is_running(ocr, home):
    (home / "outputs" / "live").mkdir()
    Run.start(home / "outputs" / "live", run_id="live", name="n")
    text = ocr("runs", "watch", "--looks", "2", "--seconds", "0.1")
    assert text.count("1 running") == 2
    assert "20260101" not in text


def test_reindex_counts_and_reports(ocr, home):
    assert ocr("runs", "reindex") == "2 runs, 2 checkpoints\n"
    (home / "outputs" / "run0" / "run.json").write_text("{")
    ocr("runs", "reindex", code=1)
    assert ocr.err.startswith("outputs/run0: not a run record")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runs", "show", "nothing"], "nothing: no such file, folder or run below outputs; see `ocr runs list`"),
        (["runs", "show", "2026"], "2026: means 2 runs: "),
        (["runs", "list", "--root", "none"], "no such folder; name the one that holds the runs with --root"),
        (["runs", "list", "--where", "idd=1"], "no row has idd; did you mean id?"),
        (["runs", "list", "--sort", "idd"], "no row has idd"),
        (["checkpoints", "best", "--where", "epoch=9"], "no whole checkpoint with a score fits 'epoch=9'"),
        (["checkpoints", "show", "a.ckpt"], "a.ckpt: no such checkpoint"),
    ],
)
def test_wrong_use_is_one_line(ocr, arguments, message):
    assert ocr(*arguments, code=2) == ""
    assert message in ocr.err
    assert ocr.err.count("\n") == 1


def test_a_listing_in_which_nothing_changed_imports_neither_pydantic_nor_numpy(home):
    code = (
        "import sys; from ocr.cli.main import main\n"
        "code = main(['checkpoints', 'list'])\n"
        "heavy = {'pydantic', 'numpy', 'yaml', 'torch', 'rich'} & set(sys.modules)\n"
        "raise SystemExit(str(heavy) if heavy else code)"
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.stdout.count("epoch-00.ckpt") == 2
    assert (done.returncode, done.stderr) == (0, "")
