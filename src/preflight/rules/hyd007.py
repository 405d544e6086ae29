"""A keyword disappears in the `**kwargs` of its target.

## What it does
After composition, reports keys that the target does not name and takes only because it has `**kwargs`.

## Why it is bad
A misspelled key is accepted in silence, and the default stays in force.

## Example
```yaml
_target_: shop.model.basket.Basket   # def __init__(self, size=1, **kwargs)
siez: 3
```
Write constructors without `**kwargs` and with keyword-only parameters.

## Fix safety
There is no fix: the key may be meant for a base class.
"""

from collections.abc import Iterator

from findings.finding import Finding
from findings.rule import Rule
from preflight.analysis.audit import Audit


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each key that only `**kwargs` takes."""
    seen = set()
    for node in audit.compositions.nodes:
        for name, value in sorted(node.swallowed.items()):
            place = (value.path, value.key_line, value.key_column, node.target)
            if place not in seen:
                seen.add(place)
                message = f"'{node.target}' takes '{name}' only through its **kwargs"
                yield Finding(
                    "HYD007", "info", value.path, value.key_line, value.key_column, message, f"{node.target}:{name}"
                )


RULE = Rule("HYD007", "swallowed-keyword", "info", check, __doc__ or "")
