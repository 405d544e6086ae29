"""Interpolations: `${a.b}`, `${.c}`, `${resolver:arguments}`."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from preflight.config.compose import Value

_INNER = re.compile(r"(?<!\\)\$\{([^${}]*)\}")
_PATH = re.compile(r"\.*[\w\-\[\]'\"/@ ]+(?:\.[\w\-\[\]'\"/@ ]+)*|\.+")
_RESOLVER = re.compile(r"\s*([A-Za-z_][\w.]*)\s*:")

BUILT_IN = frozenset(
    (
        *("oc.env", "oc.create", "oc.decode", "oc.deprecated", "oc.dict.keys", "oc.dict.values", "oc.select", "env"),
        *("hydra", "now", "python_version"),
    )
)


class Reference(NamedTuple):
    """One interpolation: where it is, the key it is under, and what it asks for (a path, or a resolver)."""

    path: str
    line: int
    column: int
    key: str
    path_text: str
    resolver: str


def in_text(text: str) -> Iterator[tuple[str, str]]:
    """(path, resolver) of the innermost interpolations of a string; what cannot be read is left out."""
    for found in _INNER.finditer(text):
        inner = found[1]
        resolver = _RESOLVER.match(inner)
        if resolver:
            yield "", resolver[1]
        elif _PATH.fullmatch(inner) and not inner.startswith(("oc.", "hydra.")):
            before = text[: found.start()]
            if before.count("${") == before.count("}"):  # not part of a longer one
                yield inner.strip(), ""


Known = dict[tuple[int, str], list[Reference]]


def references(value: Value, key: str, known: Known) -> list[Reference]:
    """All interpolations below a value; `known` holds those of parts that compositions share, by their identity."""
    if value.kind == "leaf":
        if not isinstance(value.value, str) or "${" not in value.value:
            return []
        place = (value.path, value.line, value.column, key)
        return [Reference(*place, path, resolver) for path, resolver in in_text(value.value)]
    found = known.get((id(value), key))
    if found is None:
        found = known[id(value), key] = []
        for name, child in value.children.items():
            if key or name != "hydra":
                found += references(child, f"{key}.{name}" if key else name, known)
        for index, item in enumerate(value.items):
            found += references(item, f"{key}.{index}", known)
    return found


def resolves(root: Value, reference: Reference) -> bool:
    """Whether the path leads to a value, or may do so in ways the text does not show."""
    text = reference.path_text
    dots = len(text) - len(text.lstrip("."))
    parts = [part.strip("'\"") for part in re.split(r"[.\[\]]+", text.lstrip(".")) if part]
    if dots:
        above = reference.key.split(".")[: -dots or None]
        if dots > len(reference.key.split(".")):
            return False
        parts = [*above, *parts]
    return leads(root, parts, 0)


def leads(root: Value, parts: list[str], depth: int) -> bool:
    """Follow a path of keys; interpolated values on the way are followed once more."""
    value = root
    for index, part in enumerate(parts):
        if value.kind == "leaf":
            return _through(root, value, parts[index:], depth)
        if value.open or (index == 0 and part == "hydra"):
            return True
        if value.kind == "list":
            return part.lstrip("-").isdigit() and abs(int(part)) <= len(value.items)
        child = value.children.get(part)
        if child is None:
            return False
        value = child
    return True


def _through(root: Value, value: Value, rest: list[str], depth: int) -> bool:
    text = value.value
    if not isinstance(text, str):
        return False
    if text == "???":
        return True
    if "${" not in text:
        return False
    whole = re.fullmatch(r"\$\{([\w.]+)\}", text.strip())
    if whole is None or whole[1].startswith(".") or depth > 8:
        return True
    return leads(root, [*whole[1].split("."), *rest], depth + 1)
