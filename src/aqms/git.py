"""What git knows about files, where there is git."""

import os
import subprocess
from pathlib import Path


class GitError(RuntimeError):
    """git is missing, or refused."""


def run(root: Path, *words: str, data: bytes = b"") -> bytes:
    """Standard output of a git command in ``root``; raises GitError with git's own reason."""
    try:
        done = subprocess.run(["git", "-C", str(root), *words], input=data, capture_output=True, check=True)
    except OSError as error:
        raise GitError(f"git cannot be run ({error.strerror})") from error
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise GitError(reason[0]) from error
    return done.stdout


def names(output: bytes) -> list[str]:
    """The file names of a list that ends each with a zero byte."""
    return [name.decode("utf-8", "surrogateescape") for name in output.split(b"\0") if name]


def staged(root: Path) -> tuple[dict[str, bytes], list[str]]:
    """Content of each file below ``root`` that the next commit adds or changes, and the names that it takes away."""
    changed = names(run(root, "diff", "--cached", "--relative", "--name-only", "--diff-filter=ACMRT", "-z"))
    status = names(run(root, "diff", "--cached", "--relative", "--no-renames", "--name-only", "--diff-filter=D", "-z"))
    contents = {name: run(root, "cat-file", "blob", f":./{name}") for name in changed if name.endswith(".md")}
    return contents, status


def tracked(root: Path) -> set[str]:
    """The files below ``root`` that git tracks; none without git."""
    try:
        return set(names(run(root, "ls-files", "-z")))
    except GitError:
        return set()


def first_date(root: Path, name: str) -> str | None:
    """When a file was first committed, in ISO 8601; None when git does not know it."""
    try:
        dates = run(root, "log", "--follow", "--diff-filter=A", "--format=%aI", "--", name).decode().split()
    except GitError:
        return None
    return dates[-1] if dates else None


def move(root: Path, old: str, new: str, *, is_tracked: bool) -> None:
    """Rename a file, in git's index too when git tracks it; raises GitError, or OSError."""
    (root / new).parent.mkdir(parents=True, exist_ok=True)
    if is_tracked:
        run(root, "mv", "--", old, new)
    else:
        (root / old).rename(root / new)


def move_entry(root: Path, old: str, new: str) -> None:
    """Rename a file in git's index alone, for one that is already moved on disk; raises GitError."""
    top = os.fsdecode(run(root, "rev-parse", "--show-prefix")).rstrip("\n")  # What the index's names begin with.
    lines = []
    for entry in names(run(root, "ls-files", "-s", "-z", "--", f":(literal){old}")):
        mode, blob, stage = entry.partition("\t")[0].split()
        lines += [f"0 {'0' * len(blob)}\t{top}{old}\0", f"{mode} {blob} {stage}\t{top}{new}\0"]
    run(root, "update-index", "-z", "--index-info", data=os.fsencode("".join(lines)))
