"""Which modules cannot be imported: a broken import or a file that does not parse, followed through imports."""

from collections import deque
from typing import NamedTuple

from preflight.analysis import causes
from preflight.analysis.imports import Imports
from preflight.project import Project
from preflight.source.folders import Place
from preflight.source.summary import is_import_time


class Unsound(NamedTuple):
    """Why a module cannot be imported: the cause, the file it is in, and the files on the way to it."""

    cause: str
    path: str
    line: int
    way: tuple[str, ...]
    detail: str


class Soundness:
    """The import-time dependencies of a repository and the modules that fail through them."""

    def __init__(self, project: Project, imports: Imports) -> None:
        self.project = project
        self.edges: dict[str, list[str]] = {}
        self._inits: dict[str, list[str]] = {}
        for path, summary in project.sources():
            targets: dict[str, None] = {}
            for item in summary.imports:
                if is_import_time(item):
                    targets |= dict.fromkeys(self._needed(path, item.module, item.level, item.name))
            targets.pop(path, None)
            self.edges[path] = list(targets)
        self.unsound = self._spread(imports)

    def _needed(self, path: str, module: str, level: int, name: str | None) -> list[str]:
        """Files that an import runs: the module, the packages above it, and the submodule that it names."""
        resolver = self.project.resolver
        resolution = resolver.follow(module, level, name, path)
        if resolution.status != "found":
            return []
        place = resolution.places[0]
        files = list(self.chain(place))
        if name not in (None, "*"):
            found = resolver.lookup(place, str(name))
            if found.status == "found" and found.binding is None and found.place is not None:
                files += self.chain(found.place)
        return files

    def chain(self, place: Place) -> list[str]:
        """The file of a module after the `__init__.py` files of the packages above it."""
        folder = place.path.rpartition("/")[0] if place.kind != "namespace" else place.path
        files = self._packages(folder)
        return files if place.kind in ("namespace", "package", "extension", "native") else [*files, place.path]

    def _packages(self, folder: str) -> list[str]:
        """The `__init__.py` files of a folder and of the packages above it, from the top."""
        known = self._inits.get(folder)
        if known is None:
            inside = self.project.folders.get(folder, "__init__") if folder else None
            known = [] if inside is None else [*self._packages(folder.rpartition("/")[0]), inside.path]
            self._inits[folder] = known
        return known

    def _spread(self, imports: Imports) -> dict[str, Unsound]:
        users: dict[str, list[str]] = {}
        for path, targets in self.edges.items():
            for target in targets:
                users.setdefault(target, []).append(path)
        found: dict[str, Unsound] = {}
        for path, summary in self.project.sources():
            if summary.error is not None and not self.project.wants_newer_python(path):
                found[path] = Unsound(causes.unparsable(path), path, summary.error[0], (), "does not parse")
        for path, broken in imports.broken_at_import.items():
            first = broken[0]
            found.setdefault(path, Unsound(first.cause, path, first.item.line, (), f"imports '{first.symbol}'"))
        queue = deque(sorted(found))
        while queue:
            path = queue.popleft()
            reason = found[path]
            for user in users.get(path, ()):
                if user not in found:
                    found[user] = reason._replace(way=(path, *reason.way))
                    queue.append(user)
        return found

    def reason(self, place: Place) -> Unsound | None:
        """Why importing a module fails; None when nothing says so."""
        return next((self.unsound[path] for path in self.chain(place) if path in self.unsound), None)
