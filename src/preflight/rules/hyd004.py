"""A `_target_` exists, but its module cannot be imported.

## What it does
Follows the module of a good target through everything that it imports at import time. When that ends at a broken
import or at a file that does not parse, the target is unsound. The finding folds under the cause: it needs no work of
its own, and goes away when the cause is repaired.

## Why it is bad
`instantiate` reports "Error locating target" for a target that is spelled right, and people "repair" the config.

## Example
`shop.model.basket.Basket` is there, but `shop/model/basket.py` imports a name that `shop/core/__init__.py` lost.

## Fix safety
There is no fix here: repair the cause.
"""

from collections.abc import Iterator

from findings.finding import Finding
from findings.rule import Rule
from preflight.analysis.audit import Audit
from preflight.analysis.severity import in_config


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each target that exists and cannot be imported."""
    for target in audit.targets.all:
        lead = audit.targets.lead(target.text)
        if lead.status not in ("found", "names-module", "unknown") or lead.written is None:
            continue
        places = [lead.written, *([lead.defined.place] if lead.defined and lead.defined.place else [])]
        reason = next((found for found in map(audit.soundness.reason, places) if found is not None), None)
        if reason is None:
            continue
        severity = in_config(target.path, "warning")
        message = f"target '{target.text}' cannot be imported: {reason.path}:{reason.line} {reason.detail}"
        yield Finding(
            "HYD004", severity, target.path, target.line, target.column, message, target.text, reason.cause, folded=True
        )


RULE = Rule("HYD004", "unsound-target", "warning", check, __doc__ or "")
