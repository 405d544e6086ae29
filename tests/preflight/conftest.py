"""Repositories made of a few files, and audits of them."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from findings.engine import Outcome
from findings.selection import Selection
from preflight import api

Files = Mapping[str, str | bytes]


def write(root: Path, files: Files) -> Path:
    """Write files below a folder."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


@pytest.fixture
def repository(tmp_path: Path) -> Callable[[Files], Path]:
    """Make a repository of the given files."""

    def make(files: Files) -> Path:
        return write(tmp_path / "repository", files)

    return make


def audit(root: Path, *select: str) -> Outcome:
    """All findings of all severities, of the selected rules."""
    selection = Selection(select=select, min_severity="info")
    return api.run(api.Request(root, selection=selection, use_cache=False, use_baseline=False))


def codes(outcome: Outcome) -> list[str]:
    """`path:line CODE symbol` of every finding."""
    return [f"{f.path}:{f.line} {f.code} {f.symbol}" for f in outcome.findings]


@pytest.fixture
def run() -> Callable[..., Outcome]:
    """The audit function."""
    return audit
