"""An import inside a function hides a module that cannot be imported.

## What it does
Reports imports in functions whose module exists, but fails when it is imported: it, or something that it imports at its
top, is broken. The finding folds under the cause. (Imports in functions that are broken themselves are IMP001 and
IMP002.)

## Why it is bad
The program starts, tests that do not call the function pass, and the call fails in production.

## Example
```python
def export(run):
    from shop.export import to_csv  # shop/export.py has a broken import
```
Repair the cause.

## Fix safety
There is no fix here: it goes away with its cause.
"""

from collections.abc import Iterator

from findings.finding import Finding, Severity
from findings.rule import Rule
from preflight.analysis.audit import Audit
from preflight.files import context


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each import in a function that leads to an unsound module."""
    resolver = audit.project.resolver
    for path, summary in audit.project.sources():
        if context(path) in ("docs", "history"):
            continue
        for item in summary.imports:
            if not item.function or item.guard:
                continue
            resolution = resolver.imported(item, path)
            reason = audit.soundness.reason(resolution.places[0]) if resolution.status == "found" else None
            if reason is not None and reason.path != path:
                severity: Severity = "warning"
                message = f"'{item.module or '.'}' cannot be imported: {reason.path}:{reason.line} {reason.detail}"
                symbol = f"{item.module}.{item.name}" if item.name else item.module
                yield Finding(
                    "IMP011", severity, path, item.line, item.column, message, symbol, reason.cause, folded=True
                )


RULE = Rule("IMP011", "hidden-broken-import", "warning", check, __doc__ or "")
