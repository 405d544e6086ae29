"""Read YAML with the position of every key and value, safely: no tags, bounded aliases, one or several documents."""

import re
from typing import Any, NamedTuple

MAX_NODES = 50_000
MAX_DEPTH = 100  # the C reader recurses without a limit of its own: deep nesting would end the process
_HEADER = re.compile(r"#\s*@(\w+)[ \t]+(.*?)\s*$")
_DEEP_LINE = re.compile(rf"^[ \-?:]{{{MAX_DEPTH}}}", re.MULTILINE)
_TEMPLATE = re.compile(r"\{\{.*\}\}|\{%.*%\}")


class Node(NamedTuple):
    """A value with its place. `kind`: "map" (value: entries), "list" (value: nodes) or "leaf" (value: the scalar)."""

    kind: str
    line: int
    column: int
    value: Any
    quoted: bool = False

    def get(self, key: str) -> "Node | None":
        """The value under a key of a mapping; the last one when the key is doubled."""
        found = None
        if self.kind == "map":
            for entry in self.value:
                if entry.key == key:
                    found = entry.node
        return found


class Entry(NamedTuple):
    """A key of a mapping with its own place."""

    key: str
    line: int
    column: int
    node: Node


class YamlFile(NamedTuple):
    """A read file: its documents, header directives (`@package`), doubled keys and what is wrong with it."""

    error: tuple[int, int, str] | None
    template: bool
    documents: list[Node]
    header: list[tuple[str, str, int]]  # directive, value, line
    doubled: list[tuple[str, int, int]]


def thaw(raw: list[Any]) -> YamlFile:
    """Make a read file again from its JSON form."""
    error, template, documents, header, doubled = raw
    return YamlFile(error, template, [_thaw(node) for node in documents], header, doubled)


def _thaw(raw: list[Any]) -> Node:
    kind, line, column, value, quoted = raw
    if kind == "map":
        value = [Entry(key, kline, kcolumn, _thaw(node)) for key, kline, kcolumn, node in value]
    elif kind == "list":
        value = [_thaw(node) for node in value]
    return Node(kind, line, column, value, quoted)


def read(data: bytes) -> YamlFile:
    """Read the bytes of a YAML file; everything that can be wrong ends in `error`."""
    import yaml  # 40 ms: not needed when every file is known to the cache

    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + 1
        return YamlFile((line, 1, f"not UTF-8: {problem.reason}"), False, [], [], [])
    header = _header(text)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        if _may_be_deep(text):
            _check_depth(yaml.parse(text, Loader=loader))
        roots = [root for root in yaml.compose_all(text, Loader=loader) if root is not None]
        reader = _Reader()
        documents = [reader.node(root, ()) for root in roots]
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = " ".join(str(part) for part in (problem.context, problem.problem) if part)
        return YamlFile((*place, message), bool(_TEMPLATE.search(text)), [], header, [])
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        message = str(problem).splitlines()[0] if str(problem) else "nested too deeply"
        return YamlFile((1, 1, message), bool(_TEMPLATE.search(text)), [], header, [])
    return YamlFile(None, False, documents, header, reader.doubled)


def _may_be_deep(text: str) -> bool:
    """Whether nesting can go beyond the limit: each level needs a bracket, or a column at the beginning of a line."""
    return text.count("[") + text.count("{") > MAX_DEPTH or _DEEP_LINE.search(text) is not None


def _check_depth(events: Any) -> None:
    """ValueError when collections nest beyond the limit."""
    depth = 0
    for event in events:
        depth += {"SequenceStartEvent": 1, "MappingStartEvent": 1}.get(type(event).__name__, 0)
        depth -= {"SequenceEndEvent": 1, "MappingEndEvent": 1}.get(type(event).__name__, 0)
        if depth > MAX_DEPTH:
            raise ValueError(f"line {event.start_mark.line + 1}: nested more than {MAX_DEPTH} deep")


def _header(text: str) -> list[tuple[str, str, int]]:
    """Directives in the comment lines at the top, as Hydra reads them."""
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            break
        match = _HEADER.match(stripped)
        if match:
            found.append((match[1], match[2], number))
    return found


class _Reader:
    """Turns composed nodes into ours; counts them, because aliases can stand for billions."""

    def __init__(self) -> None:
        self.count = 0
        self.doubled: list[tuple[str, int, int]] = []
        self.done: set[int] = set()

    def node(self, raw: Any, above: tuple[int, ...]) -> Node:
        self.count += 1
        if self.count > MAX_NODES:
            raise ValueError(f"aliases make more than {MAX_NODES} nodes of this file")
        if id(raw) in above:
            raise ValueError("an alias holds itself")
        line, column = raw.start_mark.line + 1, raw.start_mark.column + 1
        if raw.id == "scalar":
            return Node("leaf", line, column, _scalar(raw), raw.style in ("'", '"'))
        above = (*above, id(raw))
        if raw.id == "sequence":
            return Node("list", line, column, [self.node(item, above) for item in raw.value])
        return Node("map", line, column, self._entries(raw, above))

    def _entries(self, raw: Any, above: tuple[int, ...]) -> list[Entry]:
        entries: list[Entry] = []
        merged: list[Entry] = []
        seen: set[str] = set()
        first = id(raw) not in self.done  # a mapping that aliases repeat reports its doubled keys once
        self.done.add(id(raw))
        for key_node, value_node in raw.value:
            key = _key(key_node)
            value = self.node(value_node, above)
            mark = key_node.start_mark
            if key == "<<" and key_node.tag.endswith(":merge"):
                for part in value.value if value.kind == "list" else [value]:
                    merged += part.value if part.kind == "map" else []
                continue
            if key in seen and first:
                self.doubled.append((key, mark.line + 1, mark.column + 1))
            seen.add(key)
            entries.append(Entry(key, mark.line + 1, mark.column + 1, value))
        return [entry for entry in merged if entry.key not in seen] + entries


def _key(node: Any) -> str:
    return str(node.value) if node.id == "scalar" else "?"


def _scalar(node: Any) -> Any:
    tag, text = node.tag.rpartition(":")[2], node.value
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() in ("true", "yes", "on")
    if tag in ("int", "float"):
        try:
            return int(text.replace("_", ""), 0) if tag == "int" else float(text.replace("_", ""))
        except ValueError:
            return text
    return text
