"""Build objects from the resolved config: the one place that turns a ``_target_`` into a call.

The config is data. A name in it is imported only when it is one of the targets of the shipped config tree (or one named
in ``OCR_ALLOW_TARGETS``, comma-separated), so that a config from elsewhere cannot run what it likes. The signature of
the target is the schema: a key it does not know fails before anything is built. Hydra's own instantiate is not used, as
its rules differ between 1.3 and 1.4 and neither checks keys; `VERSION_BASE` hides the other difference.
"""

import difflib
import functools
import importlib
import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from typing import Any

import hydra
import yaml

from ocr.errors import ConfigError
from ocr.records.legacy_targets import current, translate
from ocr.schema import Strict, from_plain

# Without it Hydra 1.3 changes the working directory; 1.4 deprecates it and behaves as "1.3" says.
VERSION_BASE: dict[str, Any] = {"version_base": "1.3"} if hydra.__version__.startswith("1.3.") else {}

_DIRECTIVES = {"_target_", "_partial_"}
ALLOW_VARIABLE = "OCR_ALLOW_TARGETS"

Source = Callable[[str], str]


@functools.cache
def shipped_targets() -> frozenset[str]:
    """Every ``_target_`` named in the config tree of this package."""
    found: set[str] = set()

    def collect(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("_target_"), str):
                found.add(node["_target_"])
            for child in node.values():
                collect(child)
        elif isinstance(node, list):
            for child in node:
                collect(child)

    def walk(folder: Any) -> None:
        for entry in folder.iterdir():
            if entry.is_dir():
                walk(entry)
            elif entry.name.endswith(".yaml"):
                collect(yaml.load(entry.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))

    walk(files("ocr.configs"))
    return frozenset(found)


def find_target(name: str) -> Callable[..., Any]:
    """Import what a ``_target_`` names; ConfigError when it is not allowed or not there."""
    allowed = shipped_targets() | set(filter(None, os.environ.get(ALLOW_VARIABLE, "").split(",")))
    if name not in allowed:
        near = difflib.get_close_matches(name, allowed, 1)
        raise ConfigError(
            f"_target_ {name} is not among the targets of the shipped configs"
            + (f" (nearest: {near[0]})" if near else "")
            + f"; to run code of your own, name it in {ALLOW_VARIABLE}"
        )
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise ConfigError(f"_target_ {name}: no module named {error.name}") from error
    except AttributeError as error:
        raise ConfigError(f"_target_ {name}: {module} has no {attribute}") from error
    if not callable(found):
        raise ConfigError(f"_target_ {name} cannot be called")
    return found  # type: ignore[no-any-return]


def check(config: Mapping[str, Any], source: Source = lambda _key: "config") -> None:
    """Compare every node that has a ``_target_`` with the signature of its target; raise one ConfigError for all.

    `source` gives the file a key was set in, for the message.
    """
    problems: list[str] = []
    for key, node in _targets(translate(config), ""):
        try:
            target = find_target(node["_target_"])
        except ConfigError as error:
            problems.append(f"{source(f'{key}._target_')}: {key}: {error}")
            continue
        known, open_ended = _parameters(target)
        for name in node:
            if name in _DIRECTIVES or name in known or open_ended:
                continue
            near = difflib.get_close_matches(name, known, 1, cutoff=0.5)
            advice = f"did you mean {near[0]}?" if near else f"it takes {', '.join(sorted(known)) or 'nothing'}"
            problems.append(
                f"{source(f'{key}.{name}')}: {key}.{name}: {node['_target_']} has no parameter {name}; {advice}"
            )
    if problems:
        raise ConfigError(" | ".join(problems))


def instantiate(node: Any, **run_time: Any) -> Any:
    """Build a node of the resolved config, the innermost nodes first; `run_time` adds arguments to the outermost.

    ``_partial_: true`` gives a callable that still waits for arguments. Nodes without a ``_target_`` come back as plain
    dicts, lists and values. Raises ConfigError when a target refuses a value.
    """
    if isinstance(node, list):
        return [instantiate(child) for child in node]
    if not isinstance(node, dict):
        return node
    node = current(node)
    built = {name: instantiate(child) for name, child in node.items() if name not in _DIRECTIVES}
    if "_target_" not in node:
        return built
    target = find_target(node["_target_"])
    arguments = built | run_time
    if node.get("_partial_", False):
        return functools.partial(target, **arguments)
    try:
        inspect.signature(target).bind(**arguments)
    except TypeError as error:
        raise ConfigError(f"{node['_target_']}: {error}") from error
    try:
        if isinstance(target, type) and issubclass(target, Strict):  # made without checks of its own
            return from_plain(target, arguments)
        return target(**arguments)
    except ValueError as error:
        raise ConfigError(f"{node['_target_']}: {_one_line(error)}") from error


def _targets(node: Any, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        if "_target_" in node:
            yield key, node
        for name, child in node.items():
            yield from _targets(child, f"{key}.{name}" if key else str(name))
    elif isinstance(node, list):
        for n, child in enumerate(node):
            yield from _targets(child, f"{key}.{n}")


def _parameters(target: Callable[..., Any]) -> tuple[set[str], bool]:
    parameters = inspect.signature(target).parameters.values()
    named = {p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)}
    return named, any(p.kind is p.VAR_KEYWORD for p in parameters)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
