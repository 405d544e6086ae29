"""A broken import as a finding: the part that IMP001 and IMP002 share."""

from findings.finding import Finding
from preflight.analysis.audit import Audit
from preflight.analysis.imports import Broken
from preflight.fixers.imports import moved_import


def finding(audit: Audit, broken: Broken, code: str) -> Finding:
    """The finding for one broken import, with the fix where there is a certain one."""
    item = broken.item
    fix = moved_import(audit, broken)
    return Finding(
        code, broken.severity, broken.path, item.line, item.column, broken.message(), broken.symbol, broken.cause, fix
    )
