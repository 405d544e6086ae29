"""The module of a `_target_` does not exist.

## What it does
Resolves every `_target_` in YAML and in Python dictionaries and structured configs, as Hydra would, but without
importing: first the module, then the attribute. A text that can be no such path (`Net`, `pkg.m:Net`, `pkg..m.Net`) is
reported too. Targets of installed and declared third parties are left alone; one of
a package that nothing declares is a warning where an environment says that it is not installed. Targets with
interpolations are unknown. Those in tests (broken on purpose), docs and saved runs are information.

## Why it is bad
`instantiate` fails with "Error locating target" when the config is used, long after the start.

## Example
```yaml
_target_: shop.models.basket.Basket  # the module is shop.model.basket
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
    """One finding for each target whose module is missing or whose text is no path."""
    for target in audit.targets.all:
        lead = audit.targets.lead(target.text)
        if lead.status == "module":
            message = f"target '{target.text}': there is no module '{lead.missing}'"
            yield finding(audit, target, lead, "HYD001", message)
        elif lead.status == "malformed":
            message = f"target '{target.text}' is no path of a module and a name in it, with points between"
            yield finding(audit, target, lead, "HYD001", message)
        elif lead.status == "undeclared" and not audit.third_parties.is_declared(lead.missing):
            message = f"target '{target.text}': nothing here or in the dependencies is called '{lead.missing}'"
            yield finding(audit, target, lead, "HYD001", message, "warning" if audit.project.environment else "info")


RULE = Rule("HYD001", "target-module", "error", check, __doc__ or "")
