"""Compose a config without Hydra, by its rules, keeping the place of every key.

Follows the defaults list depth first: overrides and later entries are known before earlier ones are opened, `_self_` is
last unless given, packages are relative to the config that holds the entry, a header is absolute. What cannot be
followed (structured configs, interpolated names) makes the part it lands in open: nothing is said about it.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from preflight.config.defaults import Default, clean_value, read
from preflight.config.tree import ConfigTrees
from preflight.config.yaml_reader import Node

MAX_DEPTH = 40


class Value(NamedTuple):
    """A composed value: "map" (children), "list" (items) or "leaf"; where its key is written."""

    kind: str
    path: str
    line: int
    column: int
    value: object  # leaf: the scalar
    children: "dict[str, Value]"
    items: "tuple[Value, ...]"
    open: bool  # may hold keys that the text does not show
    key_line: int
    key_column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A defaults entry that leads nowhere, or an override that matches nothing."""

    kind: str  # "missing" | "unmatched" | "option"
    path: str
    line: int
    column: int
    config: str


@dataclass(slots=True)
class Composed:
    """A composed config, the files in it, the choice made for each group, and what went wrong."""

    root: Value
    files: list[str] = field(default_factory=list)
    choices: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    complete: bool = True


class _Part(NamedTuple):
    """A config file to be merged at a package."""

    path: str
    package: str


@dataclass(slots=True)
class _State:
    root: str
    overrides: dict[str, tuple[str | list[str] | None, Default | None, str]]
    used: set[str] = field(default_factory=set)
    parts: list[_Part] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)  # packages that are open
    composed: Composed = field(default_factory=lambda: Composed(empty()))


def empty() -> Value:
    """A mapping without keys."""
    return Value("map", "", 0, 0, None, {}, (), False, 0, 0)


class Composer:
    """Composes the configs of one repository."""

    def __init__(self, trees: ConfigTrees) -> None:
        self.trees = trees
        self._defaults: dict[str, list[Default]] = {}
        self._values: dict[str, Value | None] = {}

    def compose(self, root: str, name: str, choices: dict[str, str] | None = None) -> Composed:
        """The config `name` in the folder `root`, with other options chosen for some groups."""
        state = _State(root, {group: (value, None, "") for group, value in (choices or {}).items()})
        folder = name.rpartition("/")[0]
        self._expand(state, name, folder, "", folder.replace("/", "."), None, 0)
        for key, (_, default, path) in state.overrides.items():
            if default is not None and key not in state.used and not default.optional and not key.startswith("hydra/"):
                problem = Problem("unmatched", path, default.line, default.column, key)
                state.composed.problems.append(problem)
        result = empty()
        for part in state.parts:
            content = self._content(part.path)
            if content is None:
                state.composed.complete = False
            else:
                result = merge(result, _wrapped(content, part.package))
        for package in state.opened:
            result = merge(result, _wrapped(empty()._replace(open=True), package))
        state.composed.root = result
        state.composed.files = [part.path for part in state.parts]
        return state.composed

    def whole(self, path: str, package: str) -> Composed | None:
        """A file by itself, at a package; None when it cannot be read."""
        content = self._content(path)
        return None if content is None else Composed(_wrapped(content, package), [path])

    def defaults(self, path: str) -> list[Default]:
        """The defaults list of a file."""
        if path not in self._defaults:
            read_file = self.trees.project.yaml(path)
            documents = read_file.documents if read_file else []
            self._defaults[path] = read(documents[0]) if documents else []
        return self._defaults[path]

    def _content(self, path: str) -> Value | None:
        if path not in self._values:
            read_file = self.trees.project.yaml(path)
            if read_file is None or read_file.error is not None:
                self._values[path] = None
            elif read_file.documents:
                value = convert(read_file.documents[0], path)
                children = {key: child for key, child in value.children.items() if key != "defaults"}
                self._values[path] = value._replace(children=children) if value.kind == "map" else empty()
            else:
                self._values[path] = empty()
        return self._values[path]

    def _header(self, path: str) -> str | None:
        read_file = self.trees.project.yaml(path)
        for directive, value, _ in read_file.header if read_file else ():
            if directive == "package" and value not in ("_group_",):
                return "_global_" if value in ("", "_global_") else f"_global_.{value.removeprefix('_global_.')}"
        return None

    def _expand(
        self,
        state: _State,
        config: str,
        group: str,
        parent_package: str,
        relative: str,
        package: str | None,
        depth: int,
    ) -> bool:
        """Open one config; False when there is none of this name."""
        path = self.trees.option(state.root, config)
        if path is None:
            return False
        header = self._header(path)
        own = final_package(parent_package, package if package is not None else header, relative)
        listed = self.defaults(path)
        for default in listed:
            if default.override and default.group:
                key = _key(default, group, own)
                state.overrides.setdefault(key, (default.value, default, path))
        if not any(default.is_self for default in listed):
            listed = [*listed, _SELF]
        pieces: list[list[_Part]] = []
        for default in reversed(listed):
            state.parts = []
            if default.is_self:
                state.parts = [_Part(path, own)]
            elif not default.override:
                self._child(state, default, path, group, own, depth)
            pieces.append(state.parts)
        kept = [part for piece in reversed(pieces) for part in piece]
        state.parts = kept
        return True

    def _child(self, state: _State, default: Default, path: str, group: str, own: str, depth: int) -> None:
        value, chooser = default.value, (default, path)  # who says the value, and where
        inner = default.group[1:] if default.group.startswith("/") else default.group
        absolute = default.group.startswith("/")
        whole = inner if absolute or not group else f"{group}/{inner}" if inner else group
        if default.group:
            key = _key(default, group, own)
            for candidate in (key, whole):
                if candidate in state.overrides:
                    value, overriding, where = state.overrides[candidate]
                    chooser = (overriding, where) if overriding is not None else chooser
                    state.used.add(candidate)
                    break
        package = "" if default.package == "_here_" else default.package
        names = value if isinstance(value, list) else [value]
        for name in reversed(names) if isinstance(value, list) else names:
            parts = state.parts
            state.parts = []
            self._option(state, default, name, chooser, group, own, (whole, inner, package), depth)
            state.parts = [*state.parts, *parts]
        if default.group and isinstance(value, str):
            state.composed.choices.setdefault(whole, value)
        elif default.group:
            state.composed.choices.setdefault(whole, "" if value is None else ",".join(value))

    def _option(
        self,
        state: _State,
        default: Default,
        name: str | None,
        chooser: tuple[Default, str],
        group: str,
        own: str,
        place: tuple[str, str, str | None],
        depth: int,
    ) -> None:
        whole, inner, package = place
        if name is None or name == "???" or name == "null":
            return
        relative = inner.replace("/", ".")
        if not default.group:  # a plain config name, whose folders are its group
            plain = clean_value(name.removeprefix("/"))
            folder = plain.rpartition("/")[0]
            config = plain if name.startswith("/") or not group else f"{group}/{plain}"
            relative, whole = folder.replace("/", "."), config.rpartition("/")[0]
        else:
            config = f"{whole}/{clean_value(name)}"
        if "${" in name or "${" in default.group or depth > MAX_DEPTH:
            state.opened.append("")
            state.composed.complete = False
            return
        if self._expand(state, config, whole, own, relative, package, depth + 1):
            return
        if self.trees.is_stored(config):
            state.opened.append(final_package(own, package, relative))
        elif not default.optional and not whole.startswith("hydra") and state.root not in self.trees.open_roots:
            said, path = chooser
            state.composed.problems.append(Problem("missing", path, said.line, said.column, config))
            state.opened.append(final_package(own, package, relative))
        elif not default.optional:
            state.opened.append(final_package(own, package, relative))


_SELF = Default("", None, "_self_", False, False, (), 0, 0)


def _key(default: Default, group: str, own: str) -> str:
    """`group` or `group@package`, as overrides are matched."""
    inner = default.group[1:] if default.group.startswith("/") else default.group
    whole = inner if default.group.startswith("/") or not group else f"{group}/{inner}"
    if default.package is None:
        return whole
    package = "" if default.package == "_here_" else default.package
    final = final_package(own, package, inner.replace("/", "."))
    usual = whole.replace("/", ".")
    return whole if final == usual else f"{whole}@{final or '_global_'}"


def final_package(parent: str, package: str | None, relative: str) -> str:
    """Where the content of a config lands: relative to its parent, unless it says `_global_`."""
    own = relative if package is None else package
    joined = own if not parent else parent if not own else f"{parent}.{own}"
    position = joined.rfind("_global_")
    return joined if position < 0 else joined[position + len("_global_") + 1 :]


def convert(node: Node, path: str, key_line: int = 0, key_column: int = 0) -> Value:
    """A read node as a value."""
    place = (key_line or node.line, key_column or node.column)
    if node.kind == "map":
        children = {entry.key: convert(entry.node, path, entry.line, entry.column) for entry in node.value}
        return Value("map", path, node.line, node.column, None, children, (), False, *place)
    if node.kind == "list":
        items = tuple(convert(item, path) for item in node.value)
        return Value("list", path, node.line, node.column, None, {}, items, False, *place)
    return Value("leaf", path, node.line, node.column, node.value, {}, (), False, *place)


def merge(old: Value, new: Value) -> Value:
    """Mappings merge key by key; anything else replaces what was there."""
    if old.kind != "map" or new.kind != "map":
        return new
    if not old.children:
        return new._replace(open=new.open or old.open)
    children = dict(old.children)
    for key, child in new.children.items():
        known = children.get(key)
        children[key] = child if known is None else merge(known, child)
    return new._replace(children=children, open=old.open or new.open)


def _wrapped(value: Value, package: str) -> Value:
    for part in reversed(package.split(".")) if package else ():
        value = value._replace(
            kind="map", value=None, children={part: value}, items=(), open=False, key_line=value.key_line
        )
    return value
