"""Write another `_target_` into a config, keeping quotes, comments and layout."""

from findings.finding import Edit, Fix
from preflight.analysis.audit import Audit
from preflight.analysis.targets import Target


def replaced_target(audit: Audit, target: Target, path: str) -> Fix | None:
    """The fix that writes `path` in place of the target; None where the text at its place is not the target itself."""
    text = audit.project.text(target.path) if audit.fixes else None
    if text is None:
        return None
    lines = text.split("\n")
    row = lines[target.line - 1] if target.line <= len(lines) else ""
    start = row.find(target.text, target.column - 1)
    before = row[target.column - 1 : start] if start >= 0 else "?"
    if start < 0 or before.strip("\"'&*abcdefghijklmnopqrstuvwxyz_0123456789 "):
        return None
    edit = Edit(target.path, target.line, start + 1, target.line, start + 1 + len(target.text), path)
    return Fix(f"name {path}", (edit,))
