"""A misspelled `optional` or `override` in a defaults list.

## What it does
Reports words before the group of a defaults entry that are neither `optional` nor `override`.

## Why it is bad
Hydra drops such a word in silence: the override becomes a second entry, the optional config becomes required.

## Example
```yaml
defaults:
  - overide /model: resnet
```

## Fix safety
Safe: the word is corrected when it is close to one of the two.
"""

from collections.abc import Iterator
from difflib import get_close_matches

from findings.finding import Edit, Finding, Fix
from findings.rule import Rule
from preflight.analysis.audit import Audit
from preflight.analysis.severity import in_config
from preflight.config.defaults import read


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each unknown word."""
    for path in audit.project.tree.yaml:
        if b"defaults" not in (audit.project.data(path) or b""):
            continue
        file = audit.project.yaml(path)
        for default in read(file.documents[0]) if file and file.documents else ():
            for word in default.unknown:
                if default.group.endswith(":"):
                    continue
                near = get_close_matches(word.lower(), ("optional", "override"), 1, 0.5)
                hint = f"; did you mean '{near[0]}'?" if near else "; known are 'optional' and 'override'"
                severity = in_config(path)
                message = f"'{word}' before '{default.group or default.value}' is dropped in silence{hint}"
                fix = _fix(audit, path, default.line, word, near[0]) if near else None
                yield Finding("HYD009", severity, path, default.line, default.column, message, word, "", fix)


def _fix(audit: Audit, path: str, line: int, word: str, right: str) -> Fix | None:
    row = (audit.project.text(path) or "").split("\n")[line - 1]
    start = row.find(word)
    if start < 0:
        return None
    return Fix(f"write '{right}'", (Edit(path, line, start + 1, line, start + 1 + len(word), right),))


RULE = Rule("HYD009", "defaults-keyword", "error", check, __doc__ or "")
