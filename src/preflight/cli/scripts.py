"""`preflight scripts` and `preflight scripts archive`."""

import json as jsonlib
from datetime import date
from pathlib import Path

from preflight import api
from preflight.scripts import archive as archiving
from preflight.scripts import report


def listing(root: Path | None, *, json: bool) -> str:
    """The judgement of every script."""
    top, _ = api.locate([], root)
    audit = api.open_audit(api.Request(top))
    found = report.judge(audit)
    audit.project.cache.save()
    if json:
        return jsonlib.dumps(report.as_data(found, date.today()), indent=2, ensure_ascii=False) + "\n"
    return report.markdown(found)


def archive(root: Path | None, paths: tuple[str, ...], *, dry_run: bool) -> tuple[str, int]:
    """Move scripts; what was or would be done, and 1 when something was refused."""
    top, _ = api.locate([], root)
    audit = api.open_audit(api.Request(top))
    found = report.judge(audit)
    missing = [path for path in paths if not any(s.file == path or s.file.startswith(f"{path}/") for s in found)]
    if missing:
        folders = ", ".join(audit.project.settings.scripts)
        raise api.UseError(f"{missing[0]}: no script of the folders {folders}; give a path relative to {top}")
    moves = archiving.plan(found, paths)
    if not dry_run:
        try:
            archiving.carry_out(audit, moves)
        except FileExistsError as error:
            raise api.UseError(f"{error}; rename one of them") from error
    verb = "would move" if dry_run else "moved"
    lines = [
        f"{move.source}: stays, {move.refused}" if move.refused else f"{verb} {move.source} -> {move.target}"
        for move in moves
    ]
    lines.append(f"{verb} {sum(not move.refused for move in moves)} of {len(moves)} scripts")
    return "".join(f"{line}\n" for line in lines), 1 if any(move.refused for move in moves) else 0
