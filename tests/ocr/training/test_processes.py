"""What needs processes of its own: several ranks of one run, and the runners as scripts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ocr.records.run import read_record

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
def test_two_processes_make_one_run(tiny_home):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent / "tiny"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "runners" / "train.py"), "model=tiny", "data=tiny", "logger=[csv]"]
    settings = ["trainer.devices=2", "trainer.strategy=ddp", "trainer.max_epochs=2"]
    done = subprocess.run(
        [*command, *settings], env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Training complete!") == 1
    (file,) = tiny_home.glob("outputs/*/*/run.json")
    record = read_record(file.parent)
    assert (record.status, record.step) == ("completed", 8)  # half the steps of one process
    assert sorted(p.name for p in file.parent.rglob("*.metadata.json")) == sorted(
        Path(name).with_suffix(".metadata.json").name for name in record.checkpoints
    )


@pytest.mark.parametrize("name", ["train", "evaluate", "predict"])
def test_a_runner_refuses_the_code_of_another_tree(tmp_path, name):
    (tmp_path / "ocr").mkdir()
    (tmp_path / "ocr" / "__init__.py").write_text("")
    done = subprocess.run(
        [sys.executable, str(ROOT / "runners" / f"{name}.py")],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    own = ROOT / "src" / "ocr"
    assert done.stderr == f"ocr comes from {tmp_path / 'ocr'}, not from {own}: install this tree with `make setup`\n"


@pytest.mark.parametrize(("name", "command"), [("train", "train"), ("evaluate", "eval"), ("predict", "read")])
def test_a_runner_is_its_command(monkeypatch, name, command):
    import runpy

    import ocr.cli.main as cli

    seen = []
    monkeypatch.setattr(cli, "main", lambda argv: seen.append(argv) or 7)
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "a=1", "--b"])
    monkeypatch.syspath_prepend(str(ROOT / "runners"))
    with pytest.raises(SystemExit) as leaving:
        runpy.run_path(str(ROOT / "runners" / f"{name}.py"), run_name="__main__")
    assert (leaving.value.code, seen) == (7, [[command, "a=1", "--b"]])
