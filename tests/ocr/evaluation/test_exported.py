import shutil
import stat
import sys

import pytest

from ocr.errors import BundleError, CheckpointError
from ocr.evaluation.exported import cache_folder, export_once, open_model

# Stands for `PYTHON -m ocr.cli.main export CHECKPOINT --to FOLDER`; the real one needs torch and a trained model.
EXPORT = """#!/bin/sh
echo "$@" >> {log}
[ "$3" = export ] && [ "$5" = --to ] || exit 9
[ {code} = 0 ] || {{ echo "ocr export: the parity gate found a text that differs" >&2; echo >&2; exit {code}; }}
cp -r {bundle} "$6"
"""


@pytest.fixture
def export(tmp_path, monkeypatch, plain_detector):
    """Put a stand-in in the interpreter's place; returns how to make it and the log of its calls."""
    log = tmp_path / "calls"

    def install(code=0):
        script = tmp_path / "python"
        script.write_text(EXPORT.format(log=log, code=code, bundle=plain_detector.model_path.parent), encoding="utf-8")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(sys, "executable", str(script))
        return lambda: log.read_text(encoding="utf-8").splitlines()

    return install


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "best.ckpt"
    path.write_bytes(b"weights")
    return path


def test_a_checkpoint_is_exported_once(export, checkpoint, tmp_path, plain_detector):
    calls = export()
    first = open_model(checkpoint, task="detection", cache=tmp_path / "cache")
    second = open_model(str(checkpoint), task="detection", cache=tmp_path / "cache")
    assert first == second
    assert first.sha256 == plain_detector.sha256
    assert len(calls()) == 1


def test_other_weights_are_exported_again(export, checkpoint, tmp_path):
    calls = export()
    first = export_once(checkpoint, tmp_path / "cache")
    checkpoint.write_bytes(b"other weights")
    assert export_once(checkpoint, tmp_path / "cache") != first
    assert len(calls()) == 2


def test_what_an_interrupted_export_left_is_replaced(export, checkpoint, tmp_path):
    calls = export()
    folder = export_once(checkpoint, tmp_path / "cache")
    (folder / "card.json").unlink()
    open_model(checkpoint, task="detection", cache=tmp_path / "cache")
    assert len(calls()) == 2


def test_a_failed_export_is_told_in_one_line_and_leaves_nothing(export, checkpoint, tmp_path):
    export(code=2)
    with pytest.raises(CheckpointError, match=r"best.ckpt: `ocr export` failed \(2\): .* text that differs$"):
        open_model(checkpoint, task="detection", cache=tmp_path / "cache")
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_a_silent_failure_is_told_too(export, checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(CheckpointError, match="no message"):
        open_model(checkpoint, task="detection", cache=tmp_path / "cache")


def test_a_missing_checkpoint_and_a_missing_bundle_are_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"none.ckpt: cannot be read \(No such file"):
        open_model(tmp_path / "none.ckpt", task="detection", cache=tmp_path / "cache")
    with pytest.raises(BundleError, match="no such bundle"):
        open_model(tmp_path / "none", task="detection")


def test_a_bundle_of_another_task_is_refused(export, checkpoint, tmp_path):
    export()
    with pytest.raises(BundleError, match="a recognition bundle is needed"):
        open_model(checkpoint, task="recognition", cache=tmp_path / "cache")


def test_the_cache_follows_the_user_s(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "ocr" / "exports"
