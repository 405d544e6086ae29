"""A module exists twice.

## What it does
Reports a module file that a package folder of the same name hides, a dotted name that two source roots both provide,
and two modules of some size with the same content.

## Why it is bad
Python takes one of them. Whoever edits the other sees no effect; two copies of one class are not the same class.

## Example
`shop/basket.py` beside `shop/basket/__init__.py`: the file is never imported.

## Fix safety
There is no fix: only you know which one is meant.
"""

from collections.abc import Iterator

from findings.finding import Finding
from findings.rule import Rule
from preflight.analysis.audit import Audit
from preflight.files import context

_LEAST_LINES = 12


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each hidden, doubled or copied module."""
    project = audit.project
    for package, module in project.folders.hidden:
        message = f"the package '{package.rpartition('/')[0]}/' hides this module; it is never imported"
        yield Finding("IMP010", "warning", module, 1, 1, message, module)
    yield from _same_name(audit)
    yield from _same_content(audit)


def _same_name(audit: Audit) -> Iterator[Finding]:
    """Packages of one name in two source roots."""
    seen: dict[str, str] = {}
    for root in audit.project.roots:
        for name, place in sorted(audit.project.folders.entries.get(root, {}).items()):
            if place.kind not in ("package", "module") or name in ("__init__", "setup", "conftest", "tests"):
                continue
            first = seen.setdefault(name, place.path)
            if first != place.path and context(place.path) == context(first) == "code":
                message = f"'{name}' is also provided by {first}; which one is imported depends on the path"
                yield Finding("IMP010", "info", place.path, 1, 1, message, name)


def _same_content(audit: Audit) -> Iterator[Finding]:
    first: dict[bytes, str] = {}
    for path, summary in audit.project.sources():
        if summary.lines < _LEAST_LINES or not (summary.functions or summary.classes) or context(path) != "code":
            continue
        other = first.setdefault(audit.project.data(path) or b"", path)
        if other != path:
            yield Finding("IMP010", "info", path, 1, 1, f"same content as {other}; keep one of them", path)


RULE = Rule("IMP010", "duplicate-module", "warning", check, __doc__ or "")
