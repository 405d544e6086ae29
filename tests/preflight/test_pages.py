"""The documentation of the rules is generated, and current."""

import subprocess
import sys
from pathlib import Path

from preflight.pages import pages

FOLDER = Path(__file__).parents[2] / "docs/preflight/rules"


def test_the_pages_are_current() -> None:
    """When this fails: python -m preflight.pages docs/preflight/rules"""
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()} == pages()


def test_pages_are_written(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "preflight.pages", str(tmp_path / "x")], check=True, timeout=120)
    assert len(list((tmp_path / "x").iterdir())) == len(pages())
    assert subprocess.run([sys.executable, "-m", "preflight.pages"], capture_output=True, timeout=120).returncode == 2
