"""A key is given twice in one mapping.

## What it does
Reports the second of two equal keys of a YAML mapping.

## Why it is bad
Hydra refuses the file; other readers take the last value without a word.

## Example
```yaml
lr: 0.1
lr: 0.01
```

## Fix safety
There is no fix: only you know which value is meant.
"""

from collections.abc import Iterator

from findings.finding import Finding
from findings.rule import Rule
from preflight.analysis.audit import Audit
from preflight.analysis.severity import in_config


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each doubled key."""
    for path in audit.project.tree.yaml:
        status = audit.project.yaml_status(path)
        for key, line, column in status[2] if status else ():
            severity = in_config(path)
            yield Finding("HYD013", severity, path, line, column, f"key '{key}' is given twice", key)


RULE = Rule("HYD013", "duplicate-key", "error", check, __doc__ or "")
