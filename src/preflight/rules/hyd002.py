"""The module of a `_target_` exists, but has no such attribute.

## What it does
Looks the last part of a target up in its module, through re-exports, aliases, nested classes and class methods. A
target that names a module is reported here too, and one that Hydra cannot reach because a package attribute hides the
submodule of the same name.

## Why it is bad
`instantiate` fails with "Error locating target" when the config is used.

## Example
```yaml
_target_: shop.model.basket.Baskett
```

## Fix safety
Safe when one module alone defines the name: the target is pointed there.
"""

from collections.abc import Iterator

from findings.finding import Finding
from findings.rule import Rule
from preflight.analysis.audit import Audit
from preflight.rules.target import finding


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each target whose attribute is missing."""
    for target in audit.targets.all:
        lead = audit.targets.lead(target.text)
        if lead.status == "attribute":
            above, _, name = lead.missing.rpartition(".")
            yield finding(audit, target, lead, "HYD002", f"target '{target.text}': '{above}' has no '{name}'")
        elif lead.status == "names-module":
            yield finding(
                audit, target, lead, "HYD002", f"target '{target.text}' names a module, which cannot be called"
            )


RULE = Rule("HYD002", "target-attribute", "error", check, __doc__ or "")
