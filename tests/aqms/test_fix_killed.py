"""A fix that is killed at any step is finished by the next one, and what somebody changed meanwhile stays."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aqms import cache
from aqms.fix import journal

PROGRAM = [sys.executable, "-c", "import sys; from aqms.cli import main; sys.exit(main())"]
DYING = [
    sys.executable,
    "-c",
    """
import os, pathlib, sys
from aqms import cli, git
left = int(sys.argv.pop())
def dying(module, name):
    real = getattr(module, name)
    def call(*given, **named):
        global left
        if not left:
            os._exit(9)
        left -= 1
        return real(*given, **named)
    setattr(module, name, call)
for place in ((os, "replace"), (pathlib.Path, "unlink"), (git, "move")):
    dying(*place)
sys.argv[1:] = ["fix", "old/hydra-research.md"]
sys.exit(cli.main())
""",
]
OLD = "old/hydra-research.md"
NEW = "docs/artifacts/research/2026-01-29_0000_research_hydra.md"
TEXT = (
    "---\ntitle: Hydra\ndate: 2026-01-29\ntype: research\ncategory: research\nstatus: active\nversion: '1.0'\n---\n\n"
    "# Hydra\n\n## Question\n\n[the readme](../README.md)\n\n## Findings\n\n![p](p.png)\n"
)
MENDED = TEXT.replace("../README.md", "../../../README.md").replace("p.png", "../../../old/p.png")
NOTE = f"{cache.FOLDER}/fix.json"


@pytest.fixture
def moving(put, git):
    """A committed document that `fix` moves, and a page that links to it."""
    put(OLD, TEXT)
    put("old/p.png", "")
    put("README.md", f"[it]({OLD})\n")
    put("top.md", f"[it]({OLD})\n")
    git("add", ".")
    git("commit", "-qm", "All")


def tree(root: Path, git) -> tuple[dict[str, str], str]:
    files = {p.relative_to(root).as_posix(): p.read_text("utf-8") for p in root.rglob("[!.]*.md")}
    return files, git("status", "--short")


def done(root: Path, git, state: str = "RM") -> None:
    """Everything is as a fix that nobody killed leaves it."""
    files, status = tree(root, git)
    assert files == {NEW: MENDED, "README.md": f"[it]({NEW})\n", "top.md": f"[it]({NEW})\n"}
    assert status.splitlines() == [" M README.md", f"{state} {OLD} -> {NEW}", " M top.md"]
    assert not (root / NOTE).exists()


def test_a_killed_rename_is_finished(root, aqms, git, moving, tmp_path, monkeypatch):
    real = shutil.which("git")
    for script in ("", f'"{real}" "$@"; '):
        wrapper = tmp_path / "bin" / "git"
        wrapper.parent.mkdir(exist_ok=True)
        words = f'for w in "$@"; do [ "$w" = mv ] && {{ {script} kill -9 $PPID; exit; }}; done; exec "{real}" "$@"\n'
        wrapper.write_text(f"#!/bin/bash\n{words}")
        wrapper.chmod(0o755)
        path = {**os.environ, "PATH": f"{wrapper.parent}:{os.environ['PATH']}"}
        assert subprocess.run([*PROGRAM, "fix", OLD], cwd=root, env=path).returncode == -9
        assert (root / OLD).exists() == (not script)
        ran = aqms("fix", OLD)
        assert (ran.code, ran.out) == (0, "no findings\n")
        assert ran.err == f"aqms: finished the fix that was killed: {OLD} -> {NEW}\n"
        done(root, git)
        git("reset", "-q", "--hard")


@pytest.mark.parametrize("step", range(8))
def test_a_kill_at_every_step_loses_nothing(root, aqms, git, moving, monkeypatch, step):
    """The process dies before the replacement, removal or rename with the number ``step``."""
    assert subprocess.run([*DYING, str(step)], cwd=root).returncode == (9 if step < 6 else 0)
    begun = tree(root, git)[0] != {OLD: TEXT, "README.md": f"[it]({OLD})\n", "top.md": f"[it]({OLD})\n"}
    assert begun == (step > 1)
    monkeypatch.setattr(journal, "_STILL", -1.0)
    aqms("fix", "README.md" if begun else OLD)
    done(root, git)
    assert list(root.rglob(".tmp-durable-*.md")) == []


def test_a_rename_that_git_did_on_disk_alone_is_finished_in_a_folder_of_the_repository(root, aqms, put, git, moving):
    step = journal.Step(OLD, NEW, journal.digest(TEXT.encode()), MENDED)
    (root / "sub/AgentQMS").mkdir(parents=True)
    shutil.move(root / "old", root / "sub/old")
    git("add", "-A")
    git("commit", "-qm", "Sub")
    place = root / "sub"
    (place / NEW).parent.mkdir(parents=True)
    (place / OLD).rename(place / NEW)
    (cache.folder(place) / "fix.json").write_text(json.dumps([vars(step)]))
    assert journal.finish(place) == {OLD: NEW}
    assert git("status", "--short").splitlines() == [f"RM sub/{OLD} -> sub/{NEW}"]


@pytest.mark.parametrize("change", ["edited", "gone", "in both places"])
def test_what_somebody_changed_after_the_kill_is_not_overwritten(root, aqms, git, moving, monkeypatch, change):
    def killed(*_args: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("aqms.git.move", killed)
        aqms("fix", OLD)
    path = root / (NEW if change == "in both places" else OLD)
    if change == "gone":
        path.unlink()
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("by hand")
    before = tree(root, git)
    ran = aqms("fix", "--all")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert f"{OLD}: it was changed or moved after a fix was killed" in ran.err
    assert f"remove {NOTE}" in ran.err
    assert tree(root, git) == before
    (root / NOTE).unlink()
    assert aqms("fix", "--all", "--dry-run").code == 0


def test_a_fix_that_was_undone_is_forgotten(root, aqms, git, moving, monkeypatch):
    def killed(*_args: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("aqms.git.move", killed)
        aqms("fix", OLD)
    assert aqms("fix", OLD, "--dry-run").code == 2
    git("reset", "-q", "--hard")
    assert aqms("fix", "--all").out == "no findings\n"
    assert (root / OLD).read_text("utf-8") == TEXT
    assert not (root / NOTE).exists()


@pytest.mark.parametrize("content", ["", "{}", "[1]", '[{"path": "../x", "target": "y", "old": "", "new": ""}]'])
def test_a_journal_that_no_fix_wrote_is_one_line(root, aqms, put, content):
    put(NOTE, content)
    ran = aqms("fix", "--all")
    assert (ran.code, ran.err) == (2, f"aqms: {NOTE} is not what a fix wrote; remove it\n")


def test_what_a_killed_write_leaves_is_no_document(root, aqms, put):
    put("docs/artifacts/research/.tmp-durable-0123456789abcdef.md", "half a doc")
    assert aqms("validate", "--all").out == "no findings\n"
