"""An interpolation leads nowhere after composition.

## What it does
Follows `${a.b}` and `${.c}` in every composition of every entry point. One is reported when no composition that holds
it has a value there. Parts that code registers, `hydra.*`, nested interpolations and mandatory values are left alone.

## Why it is bad
OmegaConf raises InterpolationKeyError when the value is first read, often in the middle of a run.

## Example
```yaml
batch_size: ${data.batchsize}  # the key is data.batch_size
```

## Fix safety
There is no fix: only you know which key is meant.
"""

from collections.abc import Iterator

from findings.finding import Finding
from findings.rule import Rule
from preflight.analysis.audit import Audit
from preflight.analysis.severity import in_config
from preflight.files import context


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each interpolation that nothing answers."""
    seen = set()
    for reference in audit.compositions.unresolved():
        place = (reference.path, reference.line, reference.column, reference.path_text)
        if place in seen or context(reference.path) == "history":
            continue
        seen.add(place)
        severity = in_config(reference.path)
        message = f"'${{{reference.path_text}}}' leads nowhere in any composition (asked at '{reference.key}')"
        yield Finding(
            "HYD010", severity, reference.path, reference.line, reference.column, message, reference.path_text
        )


RULE = Rule("HYD010", "dead-interpolation", "error", check, __doc__ or "")
