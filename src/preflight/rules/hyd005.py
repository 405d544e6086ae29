"""A config gives a target a keyword that it does not take.

## What it does
Composes every entry point with every option of every group, without Hydra, and compares the keys beside each `_target_`
with the signature of what it names, through inheritance and dataclasses. Keys that code adds or takes out
(`instantiate(cfg.x, extra=...)`, `cfg.x.pop("key")`) are understood, and so are `_args_` (too many, or one that a key
gives again, are reported) and `_partial_`. A node whose class is taken with `get_class` is left alone: its siblings are
no arguments. Signatures that the text does not show (outside classes, decorators, names bound twice) are never judged.

## Why it is bad
`instantiate` raises TypeError, but only when that option is chosen.

## Example
```yaml
_target_: shop.model.basket.Basket
colour: red   # def __init__(self, *, color)
```

## Fix safety
Safe when exactly one free parameter has nearly the same name: the key is renamed.
"""

from collections.abc import Iterator
from difflib import get_close_matches

from findings.finding import Edit, Finding, Fix
from findings.rule import Rule
from preflight.analysis.audit import Audit
from preflight.analysis.composed import Node
from preflight.analysis.severity import in_config
from preflight.config.compose import Value
from preflight.files import context


def check(audit: Audit) -> Iterator[Finding]:
    """One finding for each key that a target does not take, or takes from `_args_` already."""
    seen = set()
    for node in audit.compositions.nodes:
        for name, value in sorted(node.unknown.items()):
            place = (value.path, value.key_line, value.key_column, node.target)
            if place in seen or context(value.path) == "history":
                continue
            seen.add(place)
            free = [p.name for p in node.constructor.signature.params if p.kind != "p" and p.name not in node.given]
            near = get_close_matches(name, free, 2, 0.7)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            where = f"{node.constructor.path}:{node.constructor.line}"
            message = f"'{node.target}' takes no keyword '{name}' ({where}){hint}"
            symbol = f"{node.target}:{name}"
            fix = _renamed(audit, value, name, near[0]) if len(near) == 1 else None
            severity = in_config(value.path)
            yield Finding(
                "HYD005", severity, value.path, value.key_line, value.key_column, message, symbol, _cause(node), fix
            )
        for name, (value, problem) in sorted(node.clashes.items()):
            place = (value.path, value.key_line, value.key_column, node.target)
            if place in seen or context(value.path) == "history":
                continue
            seen.add(place)
            message = f"'{node.target}' {problem} ({node.constructor.path}:{node.constructor.line})"
            symbol, severity = f"{node.target}:{name}", in_config(value.path)
            yield Finding(
                "HYD005", severity, value.path, value.key_line, value.key_column, message, symbol, _cause(node)
            )


def _cause(node: Node) -> str:
    return f"{node.target} has another signature than configs expect"


def _renamed(audit: Audit, value: Value, old: str, new: str) -> Fix | None:
    text = audit.project.text(value.path)
    row = (text or "").split("\n")[value.key_line - 1] if text else ""
    start = value.key_column - 1
    if row[start : start + len(old)] != old:
        return None
    edit = Edit(value.path, value.key_line, start + 1, value.key_line, start + 1 + len(old), new)
    return Fix(f"rename the key to {new}", (edit,))


RULE = Rule("HYD005", "unknown-keyword", "error", check, __doc__ or "")
