"""An existing internal module has no such name.

## What it does
Looks every imported name up in the module it is asked of: definitions, assignments, re-exports, star imports with and
without `__all__`, submodules, readable `__getattr__` tables. Names bound under TYPE_CHECKING alone, annotations without
a value and names deleted again do not exist at run time. Modules whose names the text does not show are left alone, and
so is a module beside the importing file that shares its name with one of the standard library or of a dependency and
lacks what is asked: the other one is meant.

## Why it is bad
The import raises ImportError as soon as it runs. Often one emptied `__init__.py` is the cause of many: they are
reported together under that cause.

## Example
```python
from shop.core import Basket  # shop/core/__init__.py no longer imports Basket
```
Use `from shop.core.basket import Basket`.

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
    """One finding for each imported name that its module does not have."""
    for broken in audit.imports.broken:
        if broken.kind != "module":
            yield finding(audit, broken, "IMP002")


RULE = Rule("IMP002", "missing-name", "error", check, __doc__ or "")
