"""Every `_target_` of a repository, in YAML and in Python, and what it leads to."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import NamedTuple

from preflight.analysis import causes
from preflight.analysis.classes import Classes
from preflight.analysis.imports import Imports
from preflight.analysis.names import Moved
from preflight.config.yaml_reader import Node
from preflight.environment import STANDARD
from preflight.project import Project
from preflight.source.folders import Place
from preflight.source.resolution import Defined, Resolution

_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_MALFORMED = re.compile(r"[\w.: ]*\w[\w.: ]*")  # a path all the same, not a placeholder


class Target(NamedTuple):
    """One `_target_`: where it is, the keys beside it, and the node that holds it (None in Python)."""

    text: str
    path: str
    line: int
    column: int
    key: str  # dotted path of the node in its file
    keys: tuple[str, ...]
    partial: bool
    node: Node | None


class Lead(NamedTuple):
    """What a target string leads to: found | module | attribute | external | unknown | names-module | malformed.

    "module" and "attribute" say which part is missing; `missing` is the dotted name that is not there, `cause` its root
    cause; `defined` is the end of the chain of re-exports, `written` the module the string goes through.
    """

    status: str
    missing: str = ""
    cause: str = ""
    defined: Defined | None = None
    written: Place | None = None
    moved: Moved | None = None
    near: str = ""


class Targets:
    """All targets, resolved once per string."""

    def __init__(self, project: Project, imports: Imports) -> None:
        self.project = project
        self.imports = imports
        self.classes = Classes(project)
        self.all: list[Target] = sorted(self._collect(), key=lambda target: (target.path, target.line, target.column))
        self._leads: dict[str, Lead] = {}
        self._known_tops = {external.top for external in imports.external}

    def _collect(self) -> Iterator[Target]:
        for path, summary in self.project.sources():
            for call in summary.calls:
                if call.kind == "target":
                    yield Target(call.data[0], path, call.line, call.column, "", tuple(call.data[1]), False, None)
        for path in self.project.tree.yaml:
            data = self.project.data(path)
            if data is not None and b"_target_" in data:
                read = self.project.yaml(path)
                for document in read.documents if read else ():
                    yield from _in_node(document, path, "")

    def lead(self, text: str) -> Lead:
        """What a target string leads to."""
        known = self._leads.get(text)
        if known is None:
            known = self._leads[text] = self._lead(text)
        return known

    def _lead(self, text: str) -> Lead:
        if not _DOTTED.fullmatch(text):
            return Lead("malformed" if _MALFORMED.fullmatch(text) else "unknown")
        parts = text.split(".")
        resolution = self.project.resolver.absolute(parts[0])
        if resolution.status in ("external", "stdlib") or (resolution.status == "unknown" and not resolution.places):
            return self._external(parts, resolution.status)
        if resolution.status == "missing":
            return Lead("module", parts[0], causes.missing_module(parts[0]))
        best = self._best(resolution.places, parts)
        if best.status in ("module", "attribute"):  # a script run from another folder finds another module of that name
            best = self._best((*resolution.places, *self.project.resolver.loose(parts[0])), parts)
        missing = best.status in ("module", "attribute")
        if missing and resolution.weak:
            return Lead("external")
        return Lead("unknown") if missing and self._elsewhere(parts[0], resolution, best) else best

    def _best(self, places: tuple[Place, ...], parts: list[str]) -> Lead:
        """What the string leads to from the one of several places where it gets furthest."""
        leads = [self._follow(place, parts) for place in places]
        return min(leads, key=lambda lead: (_ORDER.index(lead.status), -lead.missing.count(".")))

    def _elsewhere(self, top: str, resolution: Resolution, lead: Lead) -> bool:
        """Whether what is missing may come from outside the repository."""
        namespace = all(place.kind == "namespace" for place in resolution.places)
        if namespace and lead.written is not None and lead.written.kind in ("package", "module"):
            return self.project.provides(top, exact=True)  # others share the namespace, not the package in it
        return resolution.status == "unknown" or self.project.provides(top, exact=not namespace)

    def _external(self, parts: list[str], status: str) -> Lead:
        top = parts[0]
        if status == "stdlib" or top in STANDARD or top in self._known_tops or self.project.provides(top, exact=False):
            return Lead("external")
        scripts = tuple(place for place in self.project.resolver.loose(top) if place.kind in ("module", "package"))
        if scripts:
            return self._best(scripts, parts)
        inside = [name for name in self.project.resolver.top_names() if len(name) > 2]
        near = get_close_matches(top, inside, 1, 0.7)
        if near and self._lead(".".join([near[0], *parts[1:]])).status == "found":
            return Lead("module", top, causes.missing_module(top), near=".".join([near[0], *parts[1:]]))
        return Lead("undeclared", top) if self.project.declared.needs else Lead("unknown")

    def _follow(self, start: Place, parts: list[str]) -> Lead:
        """Walk as Hydra does: an attribute of a package goes before a submodule of that name."""
        resolver = self.project.resolver
        place, written = start, start
        for index, part in enumerate(parts[1:], 1):
            defined = resolver.define(place, part)
            if defined.kind == "missing":
                return self._missing(place, parts, index, defined)
            if defined.kind in ("unknown", "lazy"):
                return Lead("unknown", written=written)
            if defined.kind == "external":
                return Lead("external", defined=defined, written=written)
            assert defined.place is not None
            if defined.kind != "module":
                return self._inside(defined, place, parts, index)
            place = written = defined.place
        return Lead("names-module", ".".join(parts), written=written)

    def _missing(self, place: Place, parts: list[str], index: int, defined: Defined) -> Lead:
        resolver = self.project.resolver
        found = resolver.lookup(place, parts[index])
        module = resolver.dotted(place)
        if found.status == "found":  # bound by an import that is itself broken
            source = found.binding.source if found.binding else None
            cause = causes.missing_names(source[0]) if source else causes.missing_names(module)
            for broken in self.imports.broken:
                if found.place is not None and broken.path == found.place.path and broken.item.name == parts[index]:
                    cause = broken.cause
            return Lead("attribute", ".".join(parts[: index + 1]), cause, written=place)
        last = index == len(parts) - 1 or not place.is_package
        missing = ".".join(parts[: index + 1])
        name = parts[-1] if not last else parts[index]
        moved = self.imports.index.definition(name, module)
        if moved is not None and moved.module == ".".join(parts[:-1]):
            moved = None
        near = ""
        if moved is None:
            options = list((self.project.summary(place.path) or _NOTHING).names) if place.kind != "namespace" else []
            options += [
                name for name in self.project.folders.entries.get(place.folder or "\0", {}) if name != "__init__"
            ]
            close = get_close_matches(parts[index], options, 1, 0.75)
            near = ".".join([*parts[:index], close[0], *parts[index + 1 :]]) if close else ""
        if last:
            return Lead("attribute", missing, causes.missing_names(module or place.path), defined, place, moved, near)
        return Lead("module", missing, causes.missing_module(missing), defined, place, moved, near)

    def _inside(self, defined: Defined, place: Place, parts: list[str], index: int) -> Lead:
        """The rest of the string names members of a class."""
        name = defined.name
        for position in range(index + 1, len(parts)):
            if defined.kind != "class" or defined.place is None:
                if defined.kind == "def":
                    missing = ".".join(parts[: position + 1])
                    return Lead("attribute", missing, causes.missing_names(".".join(parts[:position])), written=place)
                return Lead("unknown", written=place)
            kind = self.classes.member(defined.place, name, parts[position])
            if kind == "missing":
                missing = ".".join(parts[: position + 1])
                return Lead("attribute", missing, causes.missing_names(".".join(parts[:position])), written=place)
            if kind == "unknown":
                return Lead("unknown", written=place)
            name = f"{name}.{parts[position]}"
            nested = "class" if kind == "class" else "def"
            defined = Defined(defined.place, name, nested, f"{defined.dotted}.{parts[position]}")
        return Lead("found", defined=defined, written=place)


_ORDER = ("found", "external", "unknown", "names-module", "attribute", "module", "undeclared")


class _Nothing(NamedTuple):
    names: dict[str, object]


_NOTHING = _Nothing({})


def _in_node(node: Node, path: str, key: str) -> Iterator[Target]:
    if node.kind == "map":
        target = node.get("_target_")
        if target is not None and target.kind == "leaf" and isinstance(target.value, str):
            partial = node.get("_partial_")
            keys = tuple(entry.key for entry in node.value)
            is_partial = partial is not None and partial.value is True
            yield Target(target.value, path, target.line, target.column, key, keys, is_partial, node)
        for entry in node.value:
            yield from _in_node(entry.node, path, f"{key}.{entry.key}" if key else entry.key)
    elif node.kind == "list":
        for index, item in enumerate(node.value):
            yield from _in_node(item, path, f"{key}[{index}]")
