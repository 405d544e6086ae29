"""Follow imports and dotted names through the repository: the one resolver for code and configs.

Answers are "found", "missing" or "unknown"; only a missing name in something that surely belongs to the repository is
ever reported. Third-party names are "external" and are judged from declarations and metadata.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from preflight.environment import STANDARD
from preflight.source.folders import Folders, Place
from preflight.source.resolution import Defined, Found, Resolution
from preflight.source.summary import Binding, Import, Summary

_MODULE_NAMES = frozenset(
    ("__file__", "__name__", "__doc__", "__path__", "__package__", "__spec__", "__loader__", "__dict__", "__builtins__")
)
_GENERATED = ("_version", "__version__", "_pb2", "_pb2_grpc", "Lexer", "Listener", "Visitor")


@dataclass
class Resolver:
    """Resolution over one repository; `provided` says that a first word may come from outside."""

    folders: Folders
    roots: list[str]
    summary: Callable[[str], Summary | None]
    provided: Callable[[str, bool], bool]  # (first word, exact only)
    generated: Callable[[str], bool]
    newer: Callable[[str], bool]  # whether a file is written for a newer Python than the one that reads it
    top_packages: dict[str, list[str]]
    extra_roots: list[str] = field(default_factory=list)
    own_names: frozenset[str] = frozenset()
    _modules: dict[tuple[str, str, bool], Resolution] = field(default_factory=dict)
    _local: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _names: dict[tuple[str, str], Found] = field(default_factory=dict)
    _dotted: dict[str, str] = field(default_factory=dict)

    # modules ---------------------------------------------------------------------------------------------------

    def imported(self, item: Import, path: str) -> Resolution:
        """Where the module part of an import statement in the file `path` leads."""
        return self.follow(item.module, item.level, item.name, path)

    def follow(self, module: str, level: int, name: str | None, path: str) -> Resolution:
        """Where the module part of `from ..module import name` (None: `import module`) in the file `path` leads."""
        if level:
            return self.relative(module, level, path)
        resolution = self.absolute(module, path)
        if resolution.weak and not self._confirms(resolution, module, name):
            return self.absolute(module, path, sure=True)
        return resolution

    def _confirms(self, resolution: Resolution, module: str, name: str | None) -> bool:
        """Whether a module that shares its name with one from elsewhere is the one meant: it has what is asked."""
        if name is None or name == "*":
            return not self._from_outside(module.partition(".")[0])
        return any(self.lookup(place, name).status in ("found", "unknown") for place in resolution.places)

    def _from_outside(self, top: str) -> bool:
        return top in STANDARD or self.provided(top, False)

    def relative(self, module: str, level: int, path: str) -> Resolution:
        """Where `from ..module import x` in the file `path` leads."""
        parts = path.split("/")[:-1]
        up = level - 1
        if up > len(parts):
            return Resolution("missing", missing="." * level + module, beyond=True)
        base = parts[: len(parts) - up]
        folder = "/".join(base)
        if up and self._is_top(folder) and self.folders.is_package("/".join(parts)):
            return Resolution("missing", missing="." * level + module, beyond=True)
        if not module:
            place = self._package_at(folder)
            return Resolution("found", (place,)) if place else Resolution("unknown")
        names = module.split(".")
        places, unsure = self.folders.descend(folder, names)
        return self._judge(places, names, unsure, "." * level, self._package_at(folder))

    def _is_top(self, folder: str) -> bool:
        """Whether packages in a folder are top-level ones: it is a source root that nobody imports as a namespace."""
        if folder not in self.roots or self.folders.is_package(folder):
            return False
        return not folder or self.dotted(Place("namespace", folder)).partition(".")[0] not in self._asked

    @cached_property
    def _asked(self) -> set[str]:
        """First words of all absolute imports."""
        summaries = (self.summary(place.path) for place in self.modules())
        items = (item for summary in summaries if summary for item in summary.imports if not item.level)
        return {item.module.partition(".")[0] for item in items}

    def _package_at(self, folder: str) -> Place | None:
        above, _, own = folder.rpartition("/")
        if not folder:
            return self.folders.get("", "__init__") or Place("namespace", "")
        return self.folders.get(above, own) or Place("namespace", folder)

    def absolute(self, module: str, path: str = "", *, sure: bool = False) -> Resolution:
        """Where `import module` leads for the file `path` (`sure`: without folders that only may be on the path)."""
        local = self._local_roots(path) if path else ()
        key = ("|".join(local), module, sure)
        known = self._modules.get(key)
        if known is None:
            known = self._modules[key] = self._absolute(module, local, sure)
        return known

    def _local_roots(self, path: str) -> tuple[str, ...]:
        folder = path.rpartition("/")[0]
        known = self._local.get(folder)
        if known is None:
            base = folder
            while self.folders.is_package(base) and base:
                base = base.rpartition("/")[0]
            runs = base != folder and self._holds_scripts(folder)
            known = self._local[folder] = tuple(dict.fromkeys([base, *([folder] if runs else [])]))
        return known

    def _holds_scripts(self, folder: str) -> bool:
        for place in self.folders.entries.get(folder, {}).values():
            summary = self.summary(place.path) if place.kind == "module" else None
            if summary is not None and summary.main_guard:
                return True
        return False

    def _weak(self, root: str, first: Place, top: str, local: tuple[str, ...]) -> bool:
        """Whether a folder shows only what may be meant by a name: it is no source root, and others have the name too.

        The folder of a script inside a package is on the path when the script is run, not when the package is imported.
        """
        top_level = root in self.roots and not self.folders.is_package(root)  # build files lie in packages too
        if top_level or first.kind == "namespace":
            return False
        return root in local[1:] or self._from_outside(top)

    def _absolute(self, module: str, local: tuple[str, ...], sure: bool) -> Resolution:
        names = module.split(".")
        top = names[0]
        found: list[Place] = []
        weak: list[Place] = []
        best: Resolution | None = None
        namespaces_only = borrowed = True
        usual, possible = self._folders_of(top, local)
        opaque = self.folders.opaque
        for root in usual | possible:
            first = self.folders.get(root, top)
            if first is None:
                if opaque and (f"{root}/{top}" if root else top) in opaque:
                    return Resolution("unknown")
                continue
            places, unsure = self.folders.descend(root, names)
            judged = self._judge(places, names, unsure, "", None)
            if self._weak(root, first, top, local):
                weak += judged.places if judged.status == "found" and not sure else ()
                continue
            namespaces_only &= first.kind == "namespace"
            if judged.status == "found":
                found += judged.places
                borrowed &= root not in usual
            elif root not in usual:
                best = best or Resolution("unknown")
            elif best is None or judged.status == "unknown" or _deeper(judged, best):
                best = judged
        if found and not namespaces_only:
            return Resolution("found", tuple(dict.fromkeys(found + weak)), borrowed=borrowed)
        if weak:
            return Resolution("found", tuple(dict.fromkeys(weak)), weak=True)
        if top in STANDARD:
            return Resolution("stdlib")
        return self._without_package(top, found, best, namespaces_only, borrowed)

    def _without_package(
        self, top: str, found: list[Place], best: Resolution | None, namespaces_only: bool, borrowed: bool
    ) -> Resolution:
        """A name that no package of the repository answers: folders without `__init__.py` may be shared with others."""
        shared = self.provided(top, False)
        if found:  # such a folder loses against a package from outside, but may hold packages of its own
            solid = [place for place in found if place.kind != "namespace"]
            sure = not shared or (solid and not self.provided(top, True))
            return Resolution("found" if sure else "unknown", tuple(dict.fromkeys(solid or found)), borrowed=borrowed)
        if best is None:
            if top in self.own_names:
                return Resolution("missing", missing=top)
            return Resolution("unknown" if top in self._elsewhere and not shared else "external", missing=top)
        inside = namespaces_only and best.above is not None and best.above.kind == "package"
        if best.status == "missing" and shared and (self.provided(top, True) or (namespaces_only and not inside)):
            return Resolution("unknown")
        return best

    def _folders_of(self, top: str, local: tuple[str, ...]) -> tuple[dict[str, None], dict[str, None]]:
        """Folders that surely are on the path of a file, and those that may be: above it, or added by another file."""
        packages = self.top_packages.get(top, ())
        usual = dict.fromkeys((*self.roots, *local, *(packages if len(packages) == 1 or not local else ())))
        above: list[str] = []
        folder = local[0] if local else ""
        while folder:
            folder = folder.rpartition("/")[0]
            above.append(folder)
        return usual, dict.fromkeys(above) | self._extra.get(top, {})

    @cached_property
    def _elsewhere(self) -> set[str]:
        """Modules and packages beside scripts and tests, which put their folder on the path."""
        return {
            name
            for folder, entries in self.folders.entries.items()
            if not self.folders.is_package(folder)
            and (any(name.startswith("test_") for name in entries) or self._holds_scripts(folder))
            for name, place in entries.items()
            if place.kind in ("module", "package")
        }

    def _judge(self, places: list[Place], names: list[str], unsure: bool, dots: str, above: Place | None) -> Resolution:
        if len(places) == len(names):
            return Resolution("found", (places[-1],))
        last = places[-1] if places else above
        missing = dots + ".".join(names[: len(places) + 1])
        if unsure or self._open_path(places, above) or self._looks_generated(last, names[len(places)]):
            return Resolution("unknown")
        if last is not None and not last.is_package and last.kind in ("stub", "extension", "native"):
            return Resolution("unknown")
        return Resolution("missing", missing=missing, above=last)

    def _open_path(self, places: list[Place], above: Place | None) -> bool:
        """Whether a package on the way, or a module that makes itself one, changes its `__path__`."""
        for place in (*places, *([above] if above else [])):
            if place.kind in ("package", "module"):
                summary = self.summary(place.path)
                if summary is not None and summary.path_dynamic:
                    return True
        return False

    def _looks_generated(self, above: Place | None, name: str) -> bool:
        if name.endswith(_GENERATED) or name == "version" or name.startswith("_C"):
            folder = above.folder if above else ""
            if name.endswith(("_pb2", "_pb2_grpc")):
                return True
            return self.generated(f"{folder}/{name}" if folder else name)
        return self.generated(f"{above.folder}/{name}") if above and above.folder else False

    @cached_property
    def _extra(self) -> dict[str, dict[str, None]]:
        """For each first word, the folders that sys.path edits add and that hold it (or may hold it unseen)."""
        found: dict[str, dict[str, None]] = {}
        for root in self.extra_roots:
            for name in self.folders.entries.get(root, {}):
                found.setdefault(name, {})[root] = None
        for path in self.folders.opaque:
            root, _, name = path.rpartition("/")
            if root in self.extra_roots:
                found.setdefault(name, {})[root] = None
        return found

    # names -----------------------------------------------------------------------------------------------------

    def lookup(self, place: Place, name: str, _open: frozenset[str] = frozenset()) -> Found:
        """What `from <place> import <name>` gives."""
        key = (place.path, name)
        known = self._names.get(key)
        if known is None:
            known = self._lookup(place, name, _open | {place.path})
            if not _open:
                self._names[key] = known
        return known

    def _lookup(self, place: Place, name: str, seen: frozenset[str]) -> Found:
        submodule = self.folders.get(place.folder, name) if place.is_package else None
        if place.kind == "namespace":
            if submodule is not None:
                return Found("found", submodule)
            path = f"{place.path}/{name}"
            unsure = path in self.folders.opaque or self._looks_generated(place, name)
            return Found("unknown" if unsure else "missing", place)
        summary = self.summary(place.path) if place.kind not in ("extension", "native") else None
        if summary is None:
            return Found("unknown", place)
        binding = summary.binding(name)
        if binding is not None and not binding.typing:
            return Found("found", place, binding)
        if submodule is not None:
            return Found("found", submodule)
        if summary.lazy is not None and name in summary.lazy:
            module, level, attribute = summary.lazy[name]
            source = None if module is None else (module, level, attribute)
            return Found(
                "found", place, Binding("import" if source else "lazy", summary.getattr_line, source, False, True)
            )
        starred = self._starred(place, summary, name, seen)
        if starred is not None:
            return starred
        if name in _MODULE_NAMES or (summary.getattr_line and summary.lazy is None) or summary.dynamic:
            return Found("unknown", place)
        if place.kind.startswith("stub") or place.path.endswith("_pb2.py") or self._looks_generated(place, name):
            return Found("unknown", place)
        if summary.error is not None and self.newer(place.path):
            return Found("unknown", place)
        return Found("typing" if binding is not None else "missing", place, binding)

    def _starred(self, place: Place, summary: Summary, name: str, seen: frozenset[str]) -> Found | None:
        """The name through `from x import *`; unknown when a star comes from outside."""
        unsure = False
        for module, level, _line, _guard in summary.stars:
            resolution = self.follow(module, level, "*", place.path)
            if resolution.status != "found":
                unsure |= resolution.status != "missing"
                continue
            source = resolution.places[0]
            if source.path in seen:
                continue
            inner = self.summary(source.path) if source.kind != "namespace" else None
            if inner is not None and not self._star_gives(inner, name):
                continue
            found = self.lookup(source, name, seen)
            if found.status in ("found", "typing"):
                return found
            unsure |= found.status == "unknown"
        return Found("unknown", place) if unsure else None

    @staticmethod
    def _star_gives(summary: Summary, name: str) -> bool:
        if summary.exported is not None or summary.exported_dynamic:
            return name in (summary.exported or ()) or summary.exported_dynamic
        return not name.startswith("_")

    # definitions -----------------------------------------------------------------------------------------------

    def define(self, place: Place, name: str, depth: int = 0) -> Defined:
        """Follow a name of a module to where it is defined."""
        found = self.lookup(place, name)
        if found.status in ("missing", "unknown", "typing") or depth > 20:
            kind = "missing" if found.status == "missing" else "unknown"
            return Defined(found.place or place, name, kind, self.join(found.place or place, name))
        assert found.place is not None
        binding = found.binding
        if binding is None:
            return Defined(found.place, "", "module", self.dotted(found.place))
        if binding.source is None:
            return Defined(found.place, name, binding.kind, self.join(found.place, name))
        if binding.kind == "alias":
            target = str(binding.source[2])
            own = self.lookup(found.place, target)
            if own.binding is None or own.binding.kind in ("var", "alias"):
                return Defined(found.place, name, "var", self.join(found.place, name))
            inner = self.define(found.place, target, depth + 1)
            return inner._replace(kind="unknown") if inner.kind == "missing" else inner
        return self._through(found.place, binding, depth)

    def _through(self, place: Place, binding: Binding, depth: int) -> Defined:
        assert binding.source is not None
        module, level, attribute = binding.source
        resolution = self.follow(module, level, attribute, place.path)
        whole = f"{module}.{attribute}" if attribute else module
        if resolution.status in ("external", "stdlib"):
            return Defined(None, "", "external", whole)
        if resolution.status != "found":
            return Defined(place, attribute or "", "missing" if resolution.status == "missing" else "unknown", whole)
        if attribute is None:
            return Defined(resolution.places[0], "", "module", self.dotted(resolution.places[0]))
        results = [self.define(target, attribute, depth + 1) for target in resolution.places]
        return next((result for result in results if result.kind != "missing"), results[0])

    def dotted(self, place: Place) -> str:
        """The dotted name of a module, from its closest source root."""
        known = self._dotted.get(place.path)
        if known is None:
            path = place.folder if place.is_package else place.path.rpartition(".")[0]
            fitting = [root for root in self.roots if not root or path == root or path.startswith(f"{root}/")]
            bases = [base for base in fitting if self._importable_below(base, path)] or fitting or [""]
            base = max(bases, key=len)
            known = self._dotted[place.path] = (path[len(base) :] if base else path).strip("/").replace("/", ".")
        return known

    def _importable_below(self, base: str, path: str) -> bool:
        rest = path[len(base) :].strip("/")
        return all(part.isidentifier() for part in rest.split("/")) and not self.folders.is_package(base)

    def join(self, place: Place, name: str) -> str:
        """The dotted name of a name in a module."""
        module = self.dotted(place)
        return f"{module}.{name}" if module and name else module or name

    def loose(self, name: str) -> list[Place]:
        """Modules of this name in folders that are no packages: importable when their folder is on the path."""
        folders = self.folders
        return [
            entries[name] for f, entries in folders.entries.items() if name in entries and not folders.is_package(f)
        ]

    def top_names(self) -> set[str]:
        """First words of the modules of the repository."""
        return {name for root in self.roots for name in self.folders.entries.get(root, {})} | set(self.top_packages)

    def modules(self) -> Iterable[Place]:
        """Every module and package of the repository that has a file."""
        for entries in self.folders.entries.values():
            for name, place in entries.items():
                if place.kind in ("package", "module") and name != "__init__":
                    yield place


def _deeper(new: Resolution, old: Resolution) -> bool:
    """Whether a failed resolution got further than another one."""
    return old.status == "missing" and new.missing.count(".") > old.missing.count(".")
