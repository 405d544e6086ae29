"""A module serves names lazily through `__getattr__`.

## What it does
Reports a module-level `__getattr__`. Where its table can be read (comparisons with literals, a literal dictionary),
the names in it are followed like any others, and a name that leads nowhere is an error.

## Why it is bad
The name has two addresses, and the second fails late: Hydra targets, pickles and type checkers each follow another one.

## Example
```python
def __getattr__(name):
    if name == "Basket":
        from .basket import Basket
        return Basket
    raise AttributeError(name)
```
Import `shop.core.basket.Basket` where it is used.

## Fix safety
There is no fix: users of the short name have to change first (`preflight fix` does that for targets).
"""

from collections.abc import Iterator

from findings.finding import Finding, Severity
from findings.rule import Rule
from preflight.analysis import causes
from preflight.analysis.audit import Audit
from preflight.source.folders import Place


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each lazy module, and one error for each readable entry that leads nowhere."""
    for path, summary in audit.project.sources():
        if not summary.getattr_line:
            continue
        place = Place("package" if path.endswith("__init__.py") else "module", path)
        module = audit.project.resolver.dotted(place)
        message = f"'{module}' serves names through __getattr__; a second address for each of them"
        yield Finding("IMP009", "info", path, summary.getattr_line, 1, message, module)
        for name in sorted(summary.lazy or {}):
            defined = audit.project.resolver.define(place, name)
            if defined.kind == "missing":
                severity: Severity = "error"
                message = f"__getattr__ serves '{name}', but '{defined.dotted}' does not exist"
                cause = causes.missing_names(defined.dotted.rpartition(".")[0])
                yield Finding("IMP009", severity, path, summary.getattr_line, 1, message, f"{module}.{name}", cause)


RULE = Rule("IMP009", "lazy-names", "error", check, __doc__ or "")
