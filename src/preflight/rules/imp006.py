"""An optional package is imported without a guard on the way from an entry point.

## What it does
Starts at every command of `[project.scripts]` and follows the imports that run when its module is imported. A package
on the way that is declared in an extra only (or named by `optional` in the settings) and is not inside `try`, a
function, or TYPE_CHECKING is a finding. Code that only runs when somebody installed the extra is not reached.

## Why it is bad
The command does not even start for users without the extra, although they do not use what needs it.

## Example
```python
import wandb  # extra "tracking"; cli.py imports this module at its top
```
Import it inside the function that uses it, or in `try` with a message that names the extra.

## Fix safety
There is no fix: moving an import changes when it runs.
"""

from collections.abc import Iterator

from findings.finding import Finding
from findings.rule import Rule
from preflight.analysis import causes
from preflight.analysis.audit import Audit
from preflight.source.summary import is_import_time


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each unguarded import of an optional package that an entry point reaches."""
    reached = _reached(audit)
    for external in audit.imports.external:
        if external.path not in reached or not is_import_time(external.item):
            continue
        needs = audit.project.declared.providers(external.top)
        if needs and all(need.group.startswith("extra:") for need in needs):
            extra = needs[0].group.partition(":")[2]
            item = external.item
            command = reached[external.path]
            message = (
                f"'{external.top}' comes with the extra '{extra}' only, yet the command '{command}' imports it at start"
            )
            cause = causes.package(external.top, "optional")
            yield Finding("IMP006", "warning", external.path, item.line, item.column, message, item.module, cause)


def _reached(audit: Audit) -> dict[str, str]:
    """Files that a command imports at its start, with the name of the command."""
    reached: dict[str, str] = {}
    for command, target in sorted(audit.project.declared.scripts.items()):
        resolution = audit.project.resolver.absolute(target.partition(":")[0].strip())
        waiting = [path for place in resolution.places for path in audit.soundness.chain(place)]
        while waiting:
            path = waiting.pop()
            if path not in reached:
                reached[path] = command
                waiting += audit.soundness.edges.get(path, [])
    return reached


RULE = Rule("IMP006", "eager-optional", "warning", check, __doc__ or "")
