"""The command table: light, complete, and honest about wrong use."""

import errno
import importlib
import os
import subprocess
import sys

import pytest

from ocr.cli import main as cli
from ocr.errors import OcrError


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = cli.main([name, "--help"])
    except SystemExit as stop:
        code = int(stop.code or 0)
    assert code == 0
    assert "ocr" in capsys.readouterr().out


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"  {name}" in out for name in cli.COMMANDS)
    assert cli.main([]) == 2
    assert cli.main(["--version"]) == 0


def test_an_unknown_command_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["raed"]) == 2
    assert capsys.readouterr().err.startswith("ocr: there is no command 'raed'; commands: read,")


def test_an_error_of_ours_is_one_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(rest: list[str]) -> int:
        raise OcrError(f"{rest[0]}: broken; mend it")

    module = importlib.import_module("ocr.cli.read")
    monkeypatch.setattr(module, "app", fail)
    assert cli.main(["read", "a.png"]) == 2
    assert capsys.readouterr().err == "ocr read: a.png: broken; mend it\n"

    def interrupt(rest: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "app", interrupt)
    assert cli.main(["read"]) == 130


@pytest.mark.parametrize(
    ("code", "place", "words"),
    [
        (errno.ENOSPC, "out.json", "ocr read: out.json: No space left on device; free some space"),
        (errno.EACCES, "out.json", "ocr read: out.json: Permission denied; change its permissions"),
        (errno.EROFS, None, "ocr read: the output: Read-only file system; name a place that can be written"),
        (errno.ENOENT, "a/b", "ocr read: a/b: No such file or directory; check the path"),
        (errno.ENOTDIR, "a/b", "ocr read: a/b: Not a directory; one of the folders in its path is a file"),
    ],
)
def test_a_place_that_cannot_be_written_is_one_line(
    code: int, place: str | None, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(rest: list[str]) -> int:
        raise OSError(code, os.strerror(code), place)

    monkeypatch.setattr(importlib.import_module("ocr.cli.read"), "app", fail)
    assert cli.main(["read"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(words)
    assert error.count("\n") == 1


def test_other_errors_of_the_system_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(rest: list[str]) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(importlib.import_module("ocr.cli.read"), "app", fail)
    with pytest.raises(OSError, match="Input/output error"):
        cli.main(["read"])


@pytest.mark.parametrize("command", ["--help", "train --help", "runs list --help"])
def test_a_reader_that_has_gone_is_no_error(command: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-m", "ocr.cli.main", *command.split()]
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert done.stderr == ""
    assert done.returncode == 1


def test_another_pipe_that_breaks_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(rest: list[str]) -> int:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr(importlib.import_module("ocr.cli.read"), "app", fail)
    with pytest.raises(BrokenPipeError):
        cli.main(["read"])


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from ocr.cli.main import main; main(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("torch", "numpy", "cv2", "typer", "pydantic", "hydra", "rich"):
        assert f"'{heavy}'" not in done.stderr
