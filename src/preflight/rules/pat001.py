"""A pattern that this project forbids is used.

## What it does
Finds the patterns of `[tool.preflight.forbid]`: a shape of code (`reciprocal(1 + exp(...))`), a dotted name, a module
imported at module level, or a regular expression. Each has a remedy, which is the message.

## Why it is bad
The project says so in its settings; the remedy tells why.

## Example
```toml
[tool.preflight.forbid.unstable-step]
shape = "reciprocal(1 + exp(...))"
remedy = "use torch.sigmoid(k * (p - t)): this form overflows"
```

## Fix safety
There is no fix.
"""

from collections.abc import Iterator

from findings.finding import Finding
from findings.rule import Rule
from preflight.analysis.audit import Audit
from preflight.files import context, excluded


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each use of a forbidden pattern."""
    patterns = {pattern.name: pattern for pattern in audit.project.settings.forbid}
    for path, summary in audit.project.sources():
        if context(path) == "history":
            continue
        for name, line, column in summary.matches:
            pattern = patterns.get(name)
            if pattern is not None and not excluded(path, pattern.excluded):
                yield Finding("PAT001", "error", path, line, column, f"{name}: {pattern.remedy}", name)


RULE = Rule("PAT001", "forbidden-pattern", "error", check, __doc__ or "")
