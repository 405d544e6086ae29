"""A repository with all its shared analyses, each made when first asked for: what rules are given."""

from functools import cached_property

from preflight.analysis import circles
from preflight.analysis.composed import Compositions
from preflight.analysis.imports import Broken, Imports
from preflight.analysis.soundness import Soundness
from preflight.analysis.targets import Targets
from preflight.analysis.third_parties import ThirdParties
from preflight.project import Project
from preflight.source.summary import is_import_time


class Audit:
    """The subject of every rule."""

    def __init__(self, project: Project, *, fixes: bool = True) -> None:
        self.project = project
        self.fixes = fixes

    @cached_property
    def imports(self) -> Imports:
        """All imports, sorted out."""
        return Imports(self.project)

    @cached_property
    def targets(self) -> Targets:
        """All targets of configs and code."""
        return Targets(self.project, self.imports)

    @cached_property
    def soundness(self) -> Soundness:
        """What cannot be imported."""
        return Soundness(self.project, self.imports)

    @cached_property
    def third_parties(self) -> ThirdParties:
        """Packages from outside."""
        return ThirdParties(self.project, self.imports)

    @cached_property
    def compositions(self) -> Compositions:
        """All compositions of configs."""
        return Compositions(self.project, self.targets)

    @cached_property
    def import_graph(self) -> dict[str, set[str]]:
        """Files that each file imports at import time, those included that surely moved and may be pointed right."""
        found = {path: set(targets) for path, targets in circles.graph(self.project).items()}
        for broken in self.imports.broken:
            if broken.moved is not None and broken.moved.certain and is_import_time(broken.item):
                places = self.project.resolver.absolute(broken.moved.module).places
                found.setdefault(broken.path, set()).update(place.path for place in places)
        return found

    @cached_property
    def mentions(self) -> str:
        """Text of everything but configs: where options are named on command lines, in documents and in code."""
        tree = self.project.tree
        return "\n".join(self.project.text(path) or "" for path in (*tree.python, *tree.other, *tree.scripts))

    def is_config(self, path: str) -> bool:
        """Whether a YAML file belongs to a Hydra config folder."""
        usual = any(part in ("conf", "config", "configs", "hydra") for part in path.split("/")[:-1])
        return usual or any(path.startswith(f"{root}/") for root in self.compositions.trees.roots)

    def broken_by_statement(self, path: str, first: int, last: int) -> list[Broken]:
        """Broken imports of a file between two lines."""
        return [b for b in self._broken_by_path.get(path, ()) if first <= b.item.line <= last]

    @cached_property
    def _broken_by_path(self) -> dict[str, list[Broken]]:
        found: dict[str, list[Broken]] = {}
        for broken in self.imports.broken:
            found.setdefault(broken.path, []).append(broken)
        return found
