"""`preflight mv OLD NEW`."""

import os
from dataclasses import replace
from pathlib import Path

from findings import fix as engine
from findings.counted import counted
from findings.finding import Finding
from findings.fix import Change
from preflight import api
from preflight.analysis.audit import Audit
from preflight.fixers import apply, rename
from preflight.scripts.history import git

_SHOWN = 30  # places to look at: of a common word there are hundreds


def run(root: Path | None, old: str, new: str, *, dry_run: bool, diff: bool) -> tuple[str, int]:
    """Rename everywhere, or nowhere: when the audit gets worse, everything is put back."""
    top, _ = api.locate([], root)
    request = api.Request(top, use_baseline=False, fixes=False)
    audit = api.open_audit(request)
    made = rename.plan(audit, old, new)
    if diff:
        return "".join(change.diff() for change in made.changes), 0
    lines = [f"{change.path}: {counted(_count(change), 'line')}" for change in made.changes]
    if made.move:
        lines.append(f"{made.move[0]} -> {made.move[1]}")
    left = _left(made.unsure)
    if dry_run:
        return "".join(f"would change {line}\n" for line in lines) + left, 0
    reason = _carry_out(request, audit, made)
    if reason:
        return f"nothing was changed: {reason}\n", 1
    return "".join(f"changed {line}\n" for line in lines) + left, 0


def _left(places: tuple[str, ...]) -> str:
    """The places that hold the old name and were left alone."""
    more = f"and {counted(len(places) - _SHOWN, 'more place')} to look at\n" if len(places) > _SHOWN else ""
    return "".join(f"left alone, look at {place}\n" for place in places[:_SHOWN]) + more


def _count(change: Change) -> int:
    return sum(a != b for a, b in zip(change.old.split("\n"), change.new.split("\n"), strict=False))


def _carry_out(request: api.Request, audit: Audit, made: rename.Rename) -> str:
    """Write, move, audit again; "" or why everything was put back."""
    before = apply.everything(request, audit)
    for change in made.changes:
        problem = apply.verify(change.path, change.new)
        if problem:
            return f"{change.path}: {problem}"
    root = request.root
    saved = {change.path: (root / change.path).read_bytes() for change in made.changes}
    moved = False
    kept = False
    try:
        for change in made.changes:
            (root / change.path).write_bytes(apply.encode(audit, change.path, change.new))
        if made.move:
            _move(root, *made.move)
            moved = True
        after = apply.everything(request)
        files = {f"{made.move[1]}": f"{made.move[0]}"} if made.move else {}
        reason = engine.worse(before, [_as_before(finding, files) for finding in after]) or ""
        kept = not reason
    finally:
        if not kept:
            if moved and made.move:
                _move(root, made.move[1], made.move[0])
            for path, data in saved.items():
                (root / path).write_bytes(data)
    return reason


def _as_before(finding: Finding, files: dict[str, str]) -> Finding:
    """The finding under the path that its file had before the move."""
    for new, old in files.items():
        if finding.path == new or finding.path.startswith(f"{new}/"):
            return replace(finding, path=old + finding.path[len(new) :])
    return finding


def _move(root: Path, source: str, target: str) -> None:
    (root / target).parent.mkdir(parents=True, exist_ok=True)
    if git(root, "mv", "--", source, target) is None:
        os.rename(root / source, root / target)
