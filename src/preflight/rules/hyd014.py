"""A directive in a config has no effect.

## What it does
Reports `# @package _group_` (the default since Hydra 1.1, and a literal package of that name since 1.2), a `@package`
line that stands below the first key, where Hydra does not look, and misspelled directives in the header.

## Why it is bad
The config lands in another package than its first line says.

## Example
```yaml
lr: 0.1
# @package _global_
```

## Fix safety
Safe for `# @package _group_`: the line is removed. There is no fix for the others.
"""

import re
from collections.abc import Iterator

from findings.finding import Edit, Finding, Fix
from findings.rule import Rule
from preflight.analysis.audit import Audit
from preflight.analysis.severity import in_config
from preflight.files import context

_LINE = re.compile(r"#\s*@(\w+)\b(.*)")


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each dead directive of a config below a config folder."""
    for path in audit.project.tree.yaml:
        data = audit.project.data(path) or b""
        if b"@pa" not in data or context(path) == "history" or not audit.is_config(path):
            continue
        lines = data.decode("utf-8", "replace").split("\n")
        content = next(
            (n for n, row in enumerate(lines) if row.strip() and not row.strip().startswith("#")), len(lines)
        )
        for number, row in enumerate(lines):
            found = _LINE.fullmatch(row.strip())
            if found is None:
                continue
            message, fix = _problem(path, number, found[1], found[2].strip(), number > content)
            if message:
                severity = in_config(path, "warning")
                column = row.index("#") + 1
                yield Finding("HYD014", severity, path, number + 1, column, message, row.strip(), "", fix)


def _problem(path: str, number: int, word: str, value: str, below: bool) -> tuple[str, Fix | None]:
    if word == "package" and value == "_group_":
        edit = Edit(path, number + 1, 1, number + 2, 1, "")
        return "'@package _group_' has no effect, or names a package '_group_': remove it", Fix(
            "remove the line", (edit,)
        )
    if word == "package" and below:
        return "'@package' below the first key has no effect; move it to the top", None
    if word != "package" and word.startswith("pa") and not below:
        return f"'@{word}' is no directive; did you mean '@package'?", None
    return "", None


RULE = Rule("HYD014", "dead-directive", "warning", check, __doc__ or "")
