"""One entry of a defaults list, read as Hydra reads it."""

import re
from typing import NamedTuple

from preflight.config.yaml_reader import Node

_KEYWORDS = ("optional", "override")


class Default(NamedTuple):
    """`override /group@package: value`; `group` is empty for a plain config name; `unknown` are misspelled keywords."""

    group: str
    package: str | None
    value: str | list[str] | None
    optional: bool
    override: bool
    unknown: tuple[str, ...]
    line: int
    column: int

    @property
    def is_self(self) -> bool:
        """Whether it is `_self_`."""
        return not self.group and self.value == "_self_"


def read(document: Node | None) -> list[Default]:
    """The defaults list of a config; an entry that is nothing Hydra knows is left out."""
    listed = document.get("defaults") if document is not None else None
    if listed is None or listed.kind != "list":
        return []
    found = []
    for item in listed.value:
        if item.kind == "leaf" and isinstance(item.value, str):
            found.append(_plain(item))
        elif item.kind == "map" and len(item.value) == 1:
            found.append(_keyed(item))
    return found


def _plain(item: Node) -> Default:
    words = item.value.split()
    name, _, package = (words[-1] if words else "").partition("@")
    unknown = tuple(word for word in words[:-1] if word not in _KEYWORDS)
    return Default("", package or None, name, "optional" in words[:-1], False, unknown, item.line, item.column)


def _keyed(item: Node) -> Default:
    entry = item.value[0]
    words = entry.key.split()
    group, _, package = (words[-1] if words else "").partition("@")
    keywords = words[:-1]
    value: str | list[str] | None = None
    if entry.node.kind == "list":
        value = [str(node.value) for node in entry.node.value if node.kind == "leaf"]
    elif entry.node.kind == "leaf" and entry.node.value is not None:
        value = str(entry.node.value)
    unknown = tuple(word for word in keywords if word not in _KEYWORDS)
    optional, override = "optional" in keywords, "override" in keywords
    return Default(group, package or None, value, optional, override, unknown, entry.line, entry.column)


def clean_value(value: str) -> str:
    """A config name without its suffix."""
    return re.sub(r"\.ya?ml$", "", value)
