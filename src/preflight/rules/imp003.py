"""A third-party package is imported that nothing declares.

## What it does
Compares the first word of every import from outside the repository with the standard library and with what
pyproject.toml, requirements files, setup.cfg, setup.py, conda files and a Pipfile declare, in all groups and extras.
Names that differ from their distribution (`cv2`, `PIL`, `yaml`) are known, and the chosen environment is asked who
provides them. Guarded imports are left alone: they are the way to use something optional. A repository that declares
nothing gets no finding.

## Why it is bad
It works on the machine of whoever installed the package by hand, and fails on a fresh one. A package that was part of
the repository once (a folder that was moved out) shows up here too.

## Example
```python
import tiktoken  # in no dependency list
```
Declare it, or import it inside `try`.

## Fix safety
There is no fix: only you know which list it belongs to.
"""

from collections.abc import Iterator

from findings.finding import Finding, Severity
from findings.rule import Rule
from preflight.analysis import causes
from preflight.analysis.audit import Audit
from preflight.analysis.imports import External
from preflight.files import context


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each unguarded import of an undeclared package."""
    if not audit.project.declared.needs or audit.project.declared.dynamic:
        return
    for external in audit.imports.external:
        if external.top == "setuptools" and external.path.rpartition("/")[2] == "setup.py":
            continue  # whoever runs this file has it
        if external.item.guard in ("", "main") and not audit.third_parties.is_declared(external.top):
            yield _finding(external)


def _finding(external: External) -> Finding:
    item = external.item
    severity: Severity = "info" if context(external.path) in ("docs", "history") else "warning"
    symbol = item.module if item.name in (None, "*") else f"{item.module}.{item.name}"
    message = f"package '{external.top}' is not declared; add what provides it to the dependencies, or guard the import"
    cause = causes.package(external.top, "not declared")
    return Finding("IMP003", severity, external.path, item.line, item.column, message, symbol, cause)


RULE = Rule("IMP003", "undeclared-package", "warning", check, __doc__ or "")
