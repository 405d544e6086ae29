"""Move scripts that nothing refers to into `archive/scripts/`, with their git history."""

import os
from dataclasses import dataclass
from pathlib import Path

from preflight.analysis.audit import Audit
from preflight.scripts.history import git
from preflight.scripts.report import Script

FOLDER = "archive/scripts"


@dataclass(frozen=True, slots=True)
class Move:
    """One script: where it goes, or why it stays."""

    source: str
    target: str
    refused: str = ""


def plan(scripts: list[Script], paths: tuple[str, ...]) -> list[Move]:
    """What to move: the named scripts, or those labelled "archive"; one that something refers to is refused by name.

    References from other scripts that are moved at the same time do not count.
    """
    chosen = [script for script in scripts if (_named(script, paths) if paths else script.label == "archive")]
    leaving = {script.file for script in chosen}
    moves = []
    for script in chosen:
        users = [user for user in script.references if user not in leaving]
        target = f"{FOLDER}/{script.file.partition('/')[2]}"
        refused = f"{users[0]}{f' and {len(users) - 1} more' if len(users) > 1 else ''} refer to it" if users else ""
        moves.append(Move(script.file, target, refused))
    return moves


def _named(script: Script, paths: tuple[str, ...]) -> bool:
    return any(script.file == path or script.file.startswith(f"{path.rstrip('/')}/") for path in paths)


def carry_out(audit: Audit, moves: list[Move]) -> None:
    """Move the files: by `git mv` where they are tracked, else by renaming. A target that exists is an OSError."""
    root = audit.project.root
    for move in moves:
        if move.refused:
            continue
        target = root / move.target
        if target.exists():
            raise FileExistsError(f"{move.target} is there already")
        target.parent.mkdir(parents=True, exist_ok=True)
        if git(root, "mv", "--", move.source, move.target) is None:
            os.rename(Path(root, move.source), target)
