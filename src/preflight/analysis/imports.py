"""Every import that surely fails, each with its cause; and every import of a third party."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from findings.finding import Severity
from preflight.analysis import causes
from preflight.analysis.names import Moved, NameIndex, near_name
from preflight.files import context
from preflight.project import Project
from preflight.source.folders import Place
from preflight.source.resolution import Resolution
from preflight.source.summary import Import

GUARDS = {
    "try": "guarded by try/except",
    "except": "the fallback of a try/except",
    "suppress": "guarded by suppress",
    "if": "under a condition",
    "safe": "through safe_import",
    "typing": "under TYPE_CHECKING",
    "skip": "below a module-level skip",
}


@dataclass(frozen=True, slots=True)
class Broken:
    """An import that fails: its module is missing, or the module has no such name."""

    path: str
    item: Import
    kind: Literal["module", "name", "typing"]
    asked: str  # the module, as a dotted name from a source root where that is known
    missing: str  # the module that is not there, or the module that lacks the name
    above: Place | None
    moved: Moved | None
    near: str | None

    @property
    def symbol(self) -> str:
        """The dotted name asked for, as written."""
        written = "." * self.item.level + self.item.module
        if self.item.name in (None, "*"):
            return written
        return f"{written}{'' if written.endswith('.') else '.'}{self.item.name}"

    @property
    def cause(self) -> str:
        """The root cause's name."""
        if self.kind == "module" or not self.missing:  # what is asked of the top of a source root is a module
            return causes.missing_module(self.missing or self.symbol)
        return causes.missing_names(self.missing)

    @property
    def severity(self) -> Severity:
        """Errors fail when they are run; guarded ones are warnings; docs and saved runs are information."""
        if context(self.path) in ("docs", "history"):
            return "info"
        return "warning" if self.item.guard in GUARDS else "error"

    def message(self) -> str:
        """What is wrong, where the thing is now, and what guards it."""
        item = self.item
        if self.kind == "module":
            text = f"module '{self.asked}' does not exist"
            if not self.asked:
                text = f"'{'.' * item.level}' goes above the top-level package"
            elif self.missing != self.asked:
                text += f": there is no '{self.missing}'"
            if item.name not in (None, "*"):
                text += f" (for '{item.name}')"
        elif self.kind == "typing":
            text = f"'{self.missing}' has '{item.name}' only under TYPE_CHECKING, not at run time"
        elif not self.missing:
            text = f"no module '{item.name}' is at the top of the source root, where '.' leads from here"
        else:
            text = f"'{self.missing}' has no name '{item.name}'"
        if self.moved is not None:
            subject = f"'{item.name}' is defined" if item.name not in (None, "*") else "a module of that name is"
            more = f" (or {self.moved.others} more)" if self.moved.others else ""
            text += (
                f"; {subject} in '{self.moved.module}'{more}" if item.name else f"; did you mean '{self.moved.module}'?"
            )
        elif self.near:
            text += f"; did you mean '{self.near}'?"
        notes = [GUARDS[item.guard]] if item.guard in GUARDS else []
        notes += [f"inside {item.function}()"] if item.function else []
        return text + (f" [{', '.join(notes)}]" if notes else "")


@dataclass(frozen=True, slots=True)
class External:
    """An import of something from outside the repository."""

    path: str
    item: Import
    top: str


class Imports:
    """The imports of a repository, sorted out once."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.broken: list[Broken] = []
        self.external: list[External] = []
        self.unknown: list[tuple[str, Import]] = []
        for path, summary in (*project.sources(), *project.notebooks()):
            for item in summary.imports:
                self._sort(path, item)

    @cached_property
    def index(self) -> NameIndex:
        """Where names are defined; built when something is missing."""
        return NameIndex(self.project)

    @cached_property
    def broken_at_import(self) -> dict[str, list[Broken]]:
        """By file, what fails as soon as the file is imported."""
        found: dict[str, list[Broken]] = {}
        for broken in self.broken:
            if not broken.item.function and not broken.item.guard and not self._shadowed(broken):
                found.setdefault(broken.path, []).append(broken)
        return found

    @staticmethod
    def _shadowed(broken: Broken) -> bool:
        return broken.path.endswith(".pyi")

    def _sort(self, path: str, item: Import) -> None:
        if item.guard == "raises":
            return  # a test that the import fails
        resolution = self.project.resolver.imported(item, path)
        status = resolution.status
        if status in ("external", "stdlib") and item.how == "from" and self._self_edited(path):
            status = "unknown"
        if status == "external" and not path.endswith(".ipynb"):  # notebooks install what they need themselves
            self.external.append(External(path, item, item.module.partition(".")[0]))
        elif status == "unknown":
            self.unknown.append((path, item))
        elif status == "missing":
            above = resolution.above
            inside = above is not None and above.kind == "package"
            itself = above is not None and above.path == path and not item.level  # meant is a package of that name
            if inside or not (itself or self._self_edited(path)):  # a changed path adds no modules to a package
                self.broken.append(self._missing_module(path, item, resolution))
            else:
                self.unknown.append((path, item))
        elif status == "found" and item.name not in (None, "*"):
            self._sort_name(path, item, resolution)

    def _self_edited(self, path: str) -> bool:
        """Whether the file changes sys.path in a way the text does not show."""
        return None in self._edits(path)

    def _edits(self, path: str) -> list[list[str] | None]:
        """The folders that a file adds to sys.path; None for one that the text does not show."""
        summary = self.project.summary(path)
        return [call.data[0] for call in summary.calls if call.kind == "path"] if summary is not None else []

    def _sort_name(self, path: str, item: Import, resolution: Resolution) -> None:
        assert item.name is not None
        results = [self.project.resolver.lookup(place, item.name) for place in resolution.places]
        statuses = {result.status for result in results}
        typing = item.guard == "typing" or path.endswith(".pyi")
        if typing:
            statuses |= {self._in_stub(place, item.name) for place in resolution.places}
        if "found" in statuses or (typing and "typing" in statuses):
            return
        if "unknown" in statuses or (resolution.borrowed and None in (self._edits(path) or [None])):
            self.unknown.append((path, item))
            return
        place = resolution.places[0]
        module = self.project.resolver.dotted(place)
        moved = self.index.definition(item.name, module)
        if moved is not None and moved.module == module:
            moved = None
        near = None if moved else near_name(self.project, place, item.name)
        kind: Literal["name", "typing"] = "typing" if "typing" in statuses else "name"
        self.broken.append(Broken(path, item, kind, module, module or place.path, place, moved, near))

    def _in_stub(self, place: Place, name: str) -> str:
        """Status of a name in the stub beside a module, which type checkers read instead of it."""
        stub = f"{place.path}i"
        summary = self.project.summary(stub) if place.kind in ("package", "module") else None
        if summary is None:
            return "missing"
        found = self.project.resolver.lookup(Place("stub-package" if place.is_package else "stub", stub), name)
        return "missing" if found.status == "unknown" and not summary.stars else found.status

    def _missing_module(self, path: str, item: Import, resolution: Resolution) -> Broken:
        asked, missing = item.module, resolution.missing
        if resolution.beyond:
            asked = missing = ""
        elif item.level:
            folder = path.split("/")[:-1]
            base = "/".join(folder[: max(len(folder) - item.level + 1, 0)])
            start = self.project.resolver.dotted(Place("namespace", base)) if base else ""
            asked = ".".join(part for part in (start, item.module) if part)
            missing = ".".join(part for part in (start, missing.lstrip(".")) if part)
        named = item.name not in (None, "*")
        meant = asked or item.module
        moved = self.index.definition(str(item.name), meant) if named else self.index.module(meant)
        return Broken(path, item, "module", asked, missing, resolution.above, moved, None)
