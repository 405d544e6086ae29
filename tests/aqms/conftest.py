"""A repository to work in, and the command line in this process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aqms import cli


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The JSON on standard output."""
        return json.loads(self.out)


Aqms = Callable[..., Ran]


@pytest.fixture(autouse=True)
def no_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process, unlike a power cut, loses nothing that it wrote; a busy disk takes long to say so."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with git and nothing in it, which is also the working directory."""
    place = tmp_path / "저장소 one"
    place.mkdir()
    monkeypatch.chdir(place)
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "tester@example.org")
    subprocess.run(["git", "init", "-q"], check=True)
    return place


@pytest.fixture
def aqms(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Aqms:
    """Run `aqms WORDS` in this process."""

    def run(*words: str) -> Ran:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["aqms", *words])
        try:
            code = cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


@pytest.fixture(scope="session")
def founding() -> dict[str, Path]:
    """The documents that the project started from, by the folder of their type; skips when they are absent."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "reference" / "documents"
    if not folder.is_dir():
        pytest.skip(f"the founding documents are not at {folder}")
    return {
        "tracking": folder / "hydra-refactor-tracker.md",
        "handovers": folder / "import-script-audit-handover.md",
        "blueprints": folder / "timestamp-migration-blueprint.md",
        "implementation_plans": folder / "architecture-refactoring-plan.md",
    }


@pytest.fixture
def git(root: Path) -> Callable[..., str]:
    """Run git in the repository; its standard output."""

    def run(*words: str) -> str:
        return subprocess.run(["git", *words], check=True, capture_output=True, text=True, cwd=root).stdout

    return run


@pytest.fixture
def put(root: Path) -> Callable[..., Path]:
    """Write a file of the repository, its folders too: `put(name, text, line_end="\\n")`."""

    def write(name: str, text: str, line_end: str = "\n") -> Path:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.replace("\n", line_end).encode())
        return path

    return write
