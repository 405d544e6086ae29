"""An internal module that is imported does not exist.

## What it does
Follows every import of the repository's own modules (absolute, relative, `importlib.import_module("literal")`, in
functions, in tests) through source roots, packages, namespace packages and stubs, and reports one finding for each
imported name whose module is not there, or which a relative import looks for above the top-level package. When exactly
one module defines the name now, the message says which. Guarded, typing-only and skipped imports are warnings that name
their guard; imports that a test asserts to fail are left alone. What the text cannot decide (changed `__path__`,
generated files, folders that lead outside) is never reported.

## Why it is bad
The import raises ModuleNotFoundError as soon as it runs. Everything above it fails too, which is why importing audits
blame dozens of good files for one missing one.

## Example
```python
from shop.core.registry import register  # shop/core/registry.py was moved to shop/registry.py
```
Use `from shop.registry import register`.

## Fix safety
Safe when one module alone defines the name, for more than type checkers, and does not import this one in turn: the
import is pointed there. Commenting the import out, together with the statements that use it, is unsafe.
"""

from collections.abc import Iterator

from findings.finding import Finding
from findings.rule import Rule
from preflight.analysis.audit import Audit
from preflight.rules.broken import finding


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each name imported from a module that is missing."""
    for broken in audit.imports.broken:
        if broken.kind == "module":
            yield finding(audit, broken, "IMP001")


RULE = Rule("IMP001", "missing-module", "error", check, __doc__ or "")
