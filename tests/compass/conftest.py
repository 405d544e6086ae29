"""A repository to work in, the command line, and a clock that stands still."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from compass import cli, clock
from compass.home import Home

COMMAND = get_command(cli.app)  # Built once: typer builds it anew at each call of the app.


@pytest.fixture(autouse=True)
def no_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process, unlike a power cut, loses nothing that it wrote; a busy disk takes long to say so."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        """The JSON document on standard output."""
        document: dict[str, Any] = json.loads(self.out)
        assert document["schema_version"] == 1
        return document


Compass = Callable[..., Ran]


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty repository, which is also the working directory."""
    root = tmp_path / "저장소 one"
    (root / ".git").mkdir(parents=True)
    monkeypatch.chdir(root)
    return Home(root)


@pytest.fixture
def compass(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Compass:
    """Run `compass WORDS` in this process."""

    monkeypatch.setattr(cli, "app", COMMAND)

    def run(*words: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["compass", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        code = ended.value.code
        return Ran(code if isinstance(code, int) else 0, out, err)

    return run


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Set the clock: `at("2026-01-25T14:02:00+09:00")`."""

    def set_clock(moment: str) -> None:
        monkeypatch.setattr(clock, "now", lambda: datetime.fromisoformat(moment))

    return set_clock


@pytest.fixture(scope="session")
def founding() -> Path:
    """The folder of the documents that the project started from; skips when it is absent."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "reference" / "documents"
    if not folder.is_dir():
        pytest.skip(f"the founding documents are not at {folder}")
    return folder
