"""A config uses a resolver that nothing registers.

## What it does
Compares `${name:...}` in configs with the resolvers that OmegaConf and Hydra bring and with those that the code of the
repository registers. Where names are registered in ways the text does not show, nothing is said.

## Why it is bad
OmegaConf raises UnsupportedInterpolationType when the value is first read.

## Example
```yaml
width: ${mul:${height},2}  # nobody calls OmegaConf.register_new_resolver("mul", ...)
```

## Fix safety
There is no fix: register the resolver before the config is composed.
"""

from collections.abc import Iterator
from fnmatch import fnmatch

from findings.finding import Finding
from findings.rule import Rule
from preflight.analysis.audit import Audit
from preflight.analysis.severity import in_config
from preflight.config.interpolation import BUILT_IN
from preflight.files import context


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each use of an unknown resolver in a config that an entry point reaches."""
    names = [
        call.data[0] for _, summary in audit.project.sources() for call in summary.calls if call.kind == "resolver"
    ]
    if None in names:
        return
    seen = set()
    for composition in audit.compositions.all:
        for reference in audit.compositions.references(composition.composed.root):
            name = reference.resolver
            place = (reference.path, reference.line, reference.column, name)
            if not name or place in seen or name in BUILT_IN or any(fnmatch(name, str(known)) for known in names):
                continue
            seen.add(place)
            if context(reference.path) == "history":
                continue
            severity = in_config(reference.path, "warning")
            message = f"resolver '{name}' is registered nowhere in this repository"
            yield Finding("HYD011", severity, reference.path, reference.line, reference.column, message, name)


RULE = Rule("HYD011", "unknown-resolver", "warning", check, __doc__ or "")
