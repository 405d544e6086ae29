"""A target needs a keyword that nothing gives it.

## What it does
After composition, looks for parameters without a default that neither the config nor the code that instantiates the
node provides: in an entry point as it stands, or in every composition that holds the node. `???` counts as given, and
`_partial_: true` nodes are left alone.

## Why it is bad
`instantiate` raises TypeError for a missing argument.

## Example
```yaml
_target_: shop.model.basket.Basket   # def __init__(self, *, size): `size` is nowhere
```

## Fix safety
There is no fix: only you know the value.
"""

from collections.abc import Iterator

from findings.finding import Finding
from findings.rule import Rule
from preflight.analysis.audit import Audit
from preflight.analysis.severity import in_config
from preflight.files import context


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each parameter that nobody gives."""
    seen = set()
    for node in audit.compositions.nodes:
        missing = (node.missing or set()) | node.missing_as_it_stands
        place = (node.path, node.line, tuple(sorted(missing)))
        if not missing or place in seen or context(node.path) == "history":
            continue
        seen.add(place)
        for name in sorted(missing):
            where = f"{node.constructor.path}:{node.constructor.line}"
            message = f"'{node.target}' needs '{name}' ({where}), which nothing gives at '{node.key}'"
            severity = in_config(node.path)
            symbol = f"{node.target}:{name}"
            cause = f"{node.target} has another signature than configs expect"
            yield Finding("HYD006", severity, node.path, node.line, node.column, message, symbol, cause)


RULE = Rule("HYD006", "missing-keyword", "error", check, __doc__ or "")
