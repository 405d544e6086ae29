"""What compass promises to its neighbours: a light start, documents that aqms accepts, no torch."""

import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "numpy",
    "cv2",
    "yaml",
    "ruamel",
    "rich",
    "filelock",
    "findings",
    "jsonschema",
    "markdown_it",
    "asyncio",
)
PROGRAM = """
import sys
from compass.cli import main
try:
    main()
except SystemExit:
    print(*sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize(
    "words", [("pulse-status",), ("pulse-list",), ("--help",), ("milestone", "list"), ("log", "show")]
)
@pytest.mark.parametrize("begun", [False, True])
def test_reading_verbs_start_without_anything_heavy(repo, compass, words, begun):
    if begun:
        compass("pulse-init", "--id", "a-b", "--obj", "g", "--milestone", "m")
    ran = subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in ran.stderr.split()}
    assert "compass" in loaded
    assert not loaded & set(HEAVY)


def test_documents_that_compass_writes_are_valid_for_aqms(repo, compass, at, monkeypatch):
    at("2026-01-29T14:02:00+09:00")
    compass("pulse-init", "--id", "a-b", "--obj", "g", "--milestone", "m")
    compass("pulse-export", "--next", "c-d")
    places = {
        "handovers/2026-01-29_1402_handover_a-b.md": next(repo.history.glob("*/*/SESSION_HANDOVER.md")).read_text(),
        "blueprints/2026-01-29_1402_blueprint_x-y.md": None,
    }
    for name, text in places.items():
        path = repo.root / "docs" / "artifacts" / name
        path.parent.mkdir(parents=True)
        if text is None:
            compass("blueprint", "init", str(path), "--title", "X y", "--phase", "A: b; c")
        else:
            path.write_text(text)
    words = [sys.executable, "-c", "from aqms.cli import main; main()", "validate", "--all"]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
