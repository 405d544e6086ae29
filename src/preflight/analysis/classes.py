"""Members and constructors of classes, followed through bases inside the repository."""

from typing import NamedTuple

from preflight.project import Project
from preflight.source.folders import Place
from preflight.source.resolution import Defined
from preflight.source.summary import ClassInfo, Param, Signature

_EMPTY_BASES = frozenset(("object", "ABC", "abc.ABC", "Protocol", "typing.Protocol", "Generic", "typing.Generic"))
_ATTRS = frozenset(("define", "attrs.define", "attr.s", "attr.define", "attrs.frozen", "frozen"))
_DATACLASS = _ATTRS | {"dataclass", "dataclasses.dataclass"}
_HARMLESS = frozenset(
    (
        *("final", "typing.final", "total_ordering", "functools.total_ordering", "runtime_checkable", "classmethod"),
        *("staticmethod", "torch.no_grad", "no_grad", "lru_cache", "functools.lru_cache", "cache", "functools.cache"),
        *("contextmanager", "contextlib.contextmanager", "abstractmethod", "abc.abstractmethod", "override"),
    )
)
MEMBERS_OF_ALL = frozenset(("__init__", "__class__", "__name__", "__doc__", "__call__", "mro", "__new__"))


class Constructor(NamedTuple):
    """What calling a target takes, and where that is written."""

    signature: Signature
    path: str
    line: int


class Classes:
    """Class questions over one repository."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def info(self, place: Place, name: str) -> ClassInfo | None:
        """The class of this (possibly nested) name in a module."""
        summary = self.project.summary(place.path)
        return summary.class_info(name) if summary else None

    def bases(self, place: Place, info: ClassInfo) -> list[tuple[Place, str] | None]:
        """Where each base is defined; None for one that is outside or unknown. Bases without content are left out."""
        found: list[tuple[Place, str] | None] = []
        for base in info.bases:
            if base in _EMPTY_BASES:
                continue
            defined = self._resolve(place, base)
            inside = defined is not None and defined.place is not None and defined.kind == "class"
            found.append((defined.place, defined.name) if inside and defined and defined.place else None)
        return found

    def _resolve(self, place: Place, dotted: str) -> Defined | None:
        first, *rest = dotted.split(".")
        defined = self.project.resolver.define(place, first)
        for part in rest:
            if defined.kind == "module" and defined.place is not None:
                defined = self.project.resolver.define(defined.place, part)
            elif defined.kind == "class" and defined.place is not None:
                nested = f"{defined.name}.{part}"
                if self.info(defined.place, nested) is None:
                    return None
                defined = defined._replace(name=nested, dotted=f"{defined.dotted}.{part}")
            else:
                return None
        return defined

    def member(self, place: Place, name: str, attribute: str, seen: frozenset[str] = frozenset()) -> str:
        """Kind of a class member ("method", "classmethod", "class", ...), "missing", or "unknown"."""
        info = self.info(place, name)
        key = f"{place.path}:{name}"
        if info is None or key in seen or info.opaque:
            return "unknown"
        if attribute in info.members:
            return info.members[attribute]
        if attribute in MEMBERS_OF_ALL:
            return "attribute"
        if "__getattr__" in info.members or any(d not in _DATACLASS | _HARMLESS for d in info.decorators):
            return "unknown"
        kinds = [
            "unknown" if base is None else self.member(*base, attribute, seen | {key})
            for base in self.bases(place, info)
        ]
        return next(
            (kind for kind in kinds if kind not in ("missing", "unknown")),
            "unknown" if "unknown" in kinds else "missing",
        )

    def constructor(self, place: Place, name: str, kind: str) -> Constructor | None:
        """What calling a class, function or class method takes; None when the text does not show it."""
        summary = self.project.summary(place.path)
        if summary is None or summary.error is not None:
            return None
        if kind == "def" and "." not in name:
            function = summary.function(name)
            if function is None or not _harmless(function.decorators):
                return None
            bound = summary.binding(name)
            return Constructor(function, place.path, bound.line if bound else 1)
        owner, _, method = name.rpartition(".")
        holder = summary.class_info(owner) if summary.class_info(name) is None else None
        if holder is not None:
            own = holder.methods.get(method)
            if own is None or not _harmless(own.decorators) or holder.members[method] == "method":
                return None
            return Constructor(own, place.path, holder.line)
        return self._class(place, name, frozenset())

    def _class(self, place: Place, name: str, seen: frozenset[str]) -> Constructor | None:
        info = self.info(place, name)
        key = f"{place.path}:{name}"
        if info is None or key in seen or info.opaque:
            return None
        others = [d for d in info.decorators if d not in _DATACLASS and not _harmless([d])]
        if others or "__new__" in info.members:
            return None
        if "__init__" in info.members and (info.init is None or info.members["__init__"] != "method"):
            return None
        if any(decorator in _DATACLASS for decorator in info.decorators) and info.init is None:
            fields = self._fields(place, name, seen)
            return None if fields is None else Constructor(Signature(fields, False, False, []), place.path, info.line)
        if info.init is not None:
            return Constructor(info.init, place.path, info.line) if _harmless(info.init.decorators) else None
        for base in self.bases(place, info):
            if base is None:
                return None
            inherited = self._class(*base, seen | {key})
            if inherited is None:
                return None
            if inherited.signature.params or inherited.signature.varkw or inherited.signature.varargs:
                return inherited
        return Constructor(Signature([], False, False, []), place.path, info.line)

    def _fields(self, place: Place, name: str, seen: frozenset[str]) -> list[Param] | None:
        """Fields of a dataclass and of those that it extends, in order; a field given again keeps its place."""
        info = self.info(place, name)
        key = f"{place.path}:{name}"
        if info is None or key in seen:
            return None
        fields: dict[str, Param] = {}
        for base in reversed(self.bases(place, info)):
            if base is None:
                return None
            inherited = self._fields(*base, seen | {key})
            if inherited is None:
                return None
            fields |= {param.name: param for param in inherited}
        own = dict(info.fields)
        if any(decorator in _ATTRS for decorator in info.decorators):
            if "?" in own or "attr.s" in info.decorators:  # which names are fields depends on its arguments
                return None
            own = {field.lstrip("_"): required for field, required in own.items()}
        elif not any(decorator in _DATACLASS for decorator in info.decorators):
            own = {}
        fields |= {field: Param(field, "a", required) for field, required in own.items() if field not in ("_", "?", "")}
        return list(fields.values())


def _harmless(decorators: list[str]) -> bool:
    return all(decorator in _HARMLESS or "regist" in decorator.lower() for decorator in decorators)
