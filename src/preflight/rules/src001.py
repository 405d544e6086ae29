"""A file cannot be read: it does not parse, or is no text, or is not readable at all.

## What it does
Reports every Python and YAML file that does not parse, has null bytes or an encoding that fails, is over the size limit
or may not be opened, build files that are broken, and (as warnings) notebooks with a cell that does not parse. What can
still be read of such a file is audited all the same, so that breaking a file never makes the report shorter. Where the
project asks for a newer Python than the one that runs preflight, a file that does not parse is a warning, and no name
is missing from it.

## Why it is bad
A file that does not parse cannot be imported. An audit that skips it reports success.

## Example
An import that was commented out by its first line only:
```python
# from shop.basket import (
    Basket,
)
```

## Fix safety
There is no fix: a guess could change what the file means.
"""

import sys
from collections.abc import Iterator

from findings.finding import Finding, Severity
from findings.rule import Rule
from preflight.analysis import causes
from preflight.analysis.audit import Audit
from preflight.files import context


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each file that cannot be read."""
    project = audit.project
    for path, summary in project.sources():
        if summary.error is not None:
            line, column, message = summary.error
            newer = project.wants_newer_python(path)
            version = (
                f" with Python {sys.version_info[0]}.{sys.version_info[1]}, and is for a newer one" if newer else ""
            )
            severity: Severity = "warning" if newer and _severity(path) == "error" else _severity(path)
            yield _finding(path, line, column, f"does not parse{version}: {message}", severity)
    for path, summary in project.notebooks():
        if summary.error is not None:
            line, column, message = summary.error
            severity = "info" if _severity(path) == "info" else "warning"
            yield _finding(path, line, column, f"a cell does not parse: {message}", severity)
    for path in project.tree.yaml:
        status = project.yaml_status(path)
        if status is not None and status[0] is not None:
            line, column, message = status[0]
            kind = "is a template that cannot be read as YAML" if status[1] else "does not parse"
            severity = "info" if status[1] else _severity(path)
            if severity == "error" and not audit.is_config(path):
                severity = "warning"
            yield _finding(path, line, column, f"{kind}: {message}", severity)
    for path, reason in sorted(set(project.unreadable)):
        yield _finding(path, 1, 1, f"cannot be read: {reason}", "error")
    for path, size in sorted(project.too_large.items()):
        limit = project.settings.max_file_kb
        yield _finding(
            path, 1, 1, f"not read: {size // 1024} kB, over the limit of {limit} kB (max_file_kb)", "warning"
        )
    for path, line, column, message in project.declared.broken:
        yield _finding(path, line, column, f"does not parse: {message}", "error")


def _severity(path: str) -> Severity:
    return "info" if context(path) in ("docs", "history") else "error"


def _finding(path: str, line: int, column: int, message: str, severity: Severity) -> Finding:
    return Finding("SRC001", severity, path, max(line, 1), max(column, 1), message, path, causes.unparsable(path))


RULE = Rule("SRC001", "unreadable-file", "error", check, __doc__ or "")
