"""`preflight fix`: print or make edits."""

import json as jsonlib

from findings.counted import counted
from preflight.api import Request
from preflight.fixers import apply


def run(request: Request, *, unsafe: bool, diff: bool, dry_run: bool, json: bool) -> tuple[str, int]:
    """What was done, and the exit code: 0 when nothing is left to repair, 1 when findings remain."""
    report = apply.run(request, unsafe=unsafe, dry_run=diff or dry_run)
    code = 1 if report.remaining or report.refused else 0
    if json:
        data = {
            "schema_version": 1,
            "tool": "preflight",
            "written": not (diff or dry_run),
            "files": [change.path for change in report.changes],
            "fixed": [finding.as_json() for finding in report.cured],
            "skipped": [{"path": f.path, "code": f.code, "reason": reason} for f, reason in report.skipped],
            "refused": [{"path": path, "reason": reason} for path, reason in report.refused],
            "remaining": report.remaining,
        }
        return jsonlib.dumps(data, indent=2, ensure_ascii=False) + "\n", code
    if diff:
        return "".join(change.diff() for change in report.changes), code
    return describe(report, dry_run=dry_run), code


def describe(report: apply.FixReport, *, dry_run: bool) -> str:
    """Lines for people."""
    verb = "would fix" if dry_run else "fixed"
    lines = []
    for finding in report.cured:
        title = finding.fix.title if finding.fix else ""
        lines.append(f"{finding.path}:{finding.line} {finding.code} {verb} {finding.symbol}: {title}")
    lines += [f"{path}: taken back, {reason}" for path, reason in report.refused]
    unsafe = sum(reason.startswith("unsafe") for _, reason in report.skipped)
    if unsafe:
        lines.append(f"{unsafe} more with --unsafe-fixes")
    files = len(report.changes)
    lines.append(f"{verb} {counted(len(report.cured), 'finding')} in {counted(files, 'file')}; {report.remaining} left")
    return "".join(f"{line}\n" for line in lines)
