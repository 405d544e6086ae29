"""An entry of a defaults list leads to no config, or an `override` matches nothing.

## What it does
Follows the defaults lists of every entry point with every option of every group: groups relative and absolute, options
lists, packages, `optional`, overrides, the search path, and configs that code registers in the ConfigStore. An entry is
reported when no composition that holds its file finds the config. Groups of Hydra itself and search paths that lead
outside are left alone.

## Why it is bad
Hydra stops with "Could not find", or "Could not override", as soon as that option is chosen.

## Example
```yaml
defaults:
  - model: resnet  # there is no model/resnet.yaml
```

## Fix safety
There is no fix: only you know which option is meant.
"""

import posixpath
from collections.abc import Iterator
from difflib import get_close_matches

from findings.finding import Finding
from findings.rule import Rule
from preflight.analysis.audit import Audit
from preflight.analysis.severity import in_config
from preflight.config.compose import Problem


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each entry that leads nowhere."""
    for problem in audit.compositions.problems():
        severity = in_config(problem.path)
        message = _message(audit, problem)
        yield Finding("HYD008", severity, problem.path, problem.line, problem.column, message, problem.config)


def _message(audit: Audit, problem: Problem) -> str:
    if problem.kind == "unmatched":
        return f"override of '{problem.config}' matches no entry of the defaults list"
    group, _, name = problem.config.rpartition("/")
    trees = audit.compositions.trees
    options = sorted({option for root in trees.roots for option in trees.options(root, group)})
    near = get_close_matches(name, options, 1, 0.6)
    listed = f"; did you mean '{near[0]}'?" if near else f"; '{group}' has {', '.join(options)}" if options else ""
    return f"there is no config '{posixpath.join(group, name)}'{listed}"


RULE = Rule("HYD008", "missing-default", "error", check, __doc__ or "")
