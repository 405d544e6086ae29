"""The few things a plan asks of git."""

import subprocess
from pathlib import Path

from compass.errors import CompassError


def git(root: Path, *words: str) -> str:
    """What `git WORDS` prints, run in `root`; CompassError with git's last line when it fails or is missing."""
    done = _run(root, *words)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise CompassError(f"git {words[0]} failed: {lines[-1] if lines else f'exit code {done.returncode}'}")
    return done.stdout


def top(folder: Path) -> Path:
    """The root of the working tree that holds `folder`; CompassError outside of one and without a commit."""
    done = _run(folder, "rev-parse", "--show-toplevel")
    if done.returncode != 0:
        raise CompassError(
            f"{folder.resolve()} is in no git repository: plans are run and rolled back in one; `git init`"
        )
    root = Path(done.stdout.strip())
    if _run(root, "rev-parse", "--verify", "HEAD").returncode != 0:
        raise CompassError(f"{root} has no commit yet: commit what is there, so that a plan can return to it")
    return root


def head(root: Path) -> str:
    """The commit that is checked out."""
    return git(root, "rev-parse", "HEAD").strip()


def branch(root: Path) -> str:
    """The branch that is checked out, `HEAD` when none is."""
    return git(root, "rev-parse", "--abbrev-ref", "HEAD").strip()


def holds(root: Path, commit: str) -> bool:
    """Whether what is checked out was built on `commit`."""
    return _run(root, "merge-base", "--is-ancestor", commit, "HEAD").returncode == 0


def changed(root: Path, *, without: tuple[str, ...] = ()) -> list[str]:
    """Paths that differ from the last commit, untracked ones included; below `without` (files or folders) nothing."""
    words = git(root, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames").split("\0")
    paths = [word[3:] for word in words if word]
    return sorted(path for path in paths if not any(path == name or path.startswith(f"{name}/") for name in without))


def commit(root: Path, paths: list[str], message: str) -> str:
    """Commit exactly these paths, whatever else is staged; returns the new commit."""
    literal = [f":(literal,top){path}" for path in paths]
    # A removal that is staged already is unknown to `git add`.
    known = git(root, "ls-files", "-z", "--cached", "--others", "--", *literal)
    if known:
        git(root, "add", "-A", "--", *(f":(literal,top){path}" for path in known.rstrip("\0").split("\0")))
    git(root, "commit", "-q", "-m", message, "--", *literal)
    return head(root)


def revert(root: Path, commits: list[str]) -> None:
    """Revert commits in the given order, one commit each; on a conflict all is left as it was (CompassError)."""
    before = head(root)
    for one in commits:
        done = _run(root, "revert", "--no-edit", one)
        if done.returncode != 0:
            _run(root, "revert", "--abort")
            git(root, "reset", "-q", "--keep", before)
            raise CompassError(
                f"commit {one[:10]} cannot be reverted, later commits touch the same lines; nothing was rolled back; "
                "`compass plan rollback FILE --reset` returns to the recorded commit and keeps a backup branch"
            )


def _run(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["git", "-C", str(root), *words],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
    except FileNotFoundError:
        raise CompassError("git is not installed; plans are run and rolled back with it") from None
