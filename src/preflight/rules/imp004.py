"""A declared package is not installed in the chosen environment.

## What it does
With `--python`, or when the project has an environment of its own (`.venv`, `venv`, `env`), compares every import of a
declared third-party package with what is installed there, by metadata. Nothing is imported. Packages of extras and
groups are information, those of the core dependencies are warnings.

## Why it is bad
The code is right and the environment is not: an audit that imports would blame every module above the import.

## Example
`import lightning` with `lightning>=2.4` in pyproject.toml and an environment made without it: install the project
again.

## Fix safety
There is no fix in the code; `preflight check --statistics` prints the command that cures it.
"""

from collections.abc import Iterator

from findings.finding import Finding, Severity
from findings.rule import Rule
from preflight.analysis import causes
from preflight.analysis.audit import Audit


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each import of a declared package that the environment lacks."""
    environment = audit.project.environment
    if environment is None:
        return
    for external in audit.imports.external:
        needs = audit.project.declared.providers(external.top)
        if not needs or external.top in environment.names:
            continue
        item = external.item
        core = any(need.group == "core" for need in needs) and item.guard in ("", "main")
        severity: Severity = "warning" if core else "info"
        message = (
            f"'{external.top}' is declared ({needs[0].name}, {needs[0].group}) but not installed in {environment.label}"
        )
        cause = causes.package(external.top, "not installed")
        yield Finding("IMP004", severity, external.path, item.line, item.column, message, item.module, cause)


RULE = Rule("IMP004", "not-installed", "warning", check, __doc__ or "")
