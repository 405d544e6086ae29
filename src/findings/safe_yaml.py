"""YAML that others wrote, read without being led astray: no aliases, no endless nesting."""

from typing import Any, ClassVar

import yaml

LARGEST = 1024 * 1024
_DEEPEST = 50
_SHORT = 2000  # characters; what is shorter cannot nest so deeply that composing it overflows the stack
# What reading YAML may raise: its own errors, numbers and dates that are none, keys that cannot be keys.
ERRORS = (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError)


class Constructor(yaml.constructor.SafeConstructor):
    """Plain JSON values; a time stamp stays as it was written, for YAML's own reading moves it to another zone."""

    def as_written(self, node: yaml.ScalarNode) -> str:
        """The text of a value."""
        return str(node.value)

    yaml_constructors: ClassVar = {
        **yaml.constructor.SafeConstructor.yaml_constructors,
        "tag:yaml.org,2002:timestamp": as_written,
        "tag:yaml.org,2002:binary": as_written,
    }


def compose(text: str) -> yaml.Node | None:
    """The one document in a text, with positions; raises one of ERRORS."""
    if len(text) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST // 1024} KiB; shorten it")
    if len(text) > _SHORT or "*" in text:
        refuse_traps(text)
    node: yaml.Node | None = yaml.compose(text, Loader=yaml.CSafeLoader)
    return node


def load(text: str) -> Any:
    """The content of a text in terms of JSON; raises one of ERRORS."""
    node = compose(text)
    return None if node is None else plain(Constructor().construct_object(node, deep=True))


def plain(value: Any) -> Any:
    """The value in terms of JSON: keys are text, sets are lists."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    return value


def refuse_traps(text: str, *, aliases: bool = False) -> None:
    """Raise ValueError for a text that nests so deeply that composing it would end the process, or has aliases."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if not aliases and isinstance(event, yaml.AliasEvent):
            raise ValueError("it refers to itself by an alias; write the value out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise ValueError(f"it nests deeper than {_DEEPEST} levels; flatten it")
