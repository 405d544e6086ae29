"""Modules import each other in a circle when they are imported.

## What it does
Follows the imports that run at import time (not those in functions or under TYPE_CHECKING) and reports each circle of
modules once, at the import that closes it.

## Why it is bad
It works or fails depending on which module is imported first; a new import elsewhere can break it.

## Example
`a.py` has `from shop.b import B`, `b.py` has `from shop.a import A`: importing `b` first fails in `a`.

## Fix safety
There is no fix: move what both need into a third module.
"""

from collections.abc import Iterator

from findings.finding import Finding
from findings.rule import Rule
from preflight.analysis.audit import Audit
from preflight.analysis.circles import circles


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each circle."""
    for circle in circles(audit.project):
        names = " -> ".join([*circle.modules, circle.modules[0]])
        symbol = " ".join(sorted(circle.modules))
        message = f"modules import each other at import time: {names}"
        yield Finding("IMP007", "info", circle.path, circle.line, circle.column, message, symbol)


RULE = Rule("IMP007", "import-cycle", "info", check, __doc__ or "")
