"""A `_target_` goes through a re-export instead of naming the file that defines it.

## What it does
The FQN law: a target names the module that defines the class. A target that reaches its class through an `__init__.py`,
a star import or a lazy `__getattr__` is reported with the defining path. Functions with `_partial_: true` are fine.
Off by default, because many projects re-export by design; switch it on with `fqn = true` in `[tool.preflight]`.

## Why it is bad
The target breaks when somebody tidies an `__init__.py`, and Hydra's own allow lists compare the real name.

## Example
```yaml
_target_: shop.model.Basket  # defined in shop.model.basket
```
Write `shop.model.basket.Basket`.

## Fix safety
Safe: the same object is named by the path that defines it.
"""

from collections.abc import Iterator

from findings.finding import Finding
from findings.rule import Rule
from preflight.analysis.audit import Audit
from preflight.analysis.severity import in_config
from preflight.fixers.targets import replaced_target


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each target that names a re-export."""
    for target in audit.targets.all:
        lead = audit.targets.lead(target.text)
        if lead.status != "found" or lead.defined is None or lead.written is None or lead.defined.place is None:
            continue
        if lead.defined.place == lead.written or (lead.defined.kind == "def" and target.partial):
            continue
        path = lead.defined.dotted
        message = f"target '{target.text}' is a re-export; it is defined as '{path}'"
        fix = replaced_target(audit, target, path)
        severity = in_config(target.path)
        yield Finding("HYD003", severity, target.path, target.line, target.column, message, target.text, "", fix)


RULE = Rule("HYD003", "target-fqn", "error", check, __doc__ or "", default=False)
