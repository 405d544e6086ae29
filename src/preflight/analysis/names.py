"""Where names are defined now: hints for what was moved or misspelled."""

from difflib import get_close_matches
from itertools import takewhile
from typing import NamedTuple

from preflight.files import context
from preflight.project import Project
from preflight.source.folders import Place


class Moved(NamedTuple):
    """Where a missing name is now: the only place, or several candidates."""

    module: str
    certain: bool
    others: int


class NameIndex:
    """Classes, functions and modules of the repository by their own name."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.definitions: dict[str, list[str]] = {}
        self.modules: dict[str, list[str]] = {}
        self.variables: dict[str, list[str]] = {}
        resolver = project.resolver
        for place in resolver.modules():
            dotted = resolver.dotted(place)
            usable = all(part.isidentifier() for part in dotted.split("."))
            if not usable or context(place.path) != "code" or not _reachable(project, place, dotted):
                continue
            self.modules.setdefault(dotted.rpartition(".")[2], []).append(dotted)
            summary = project.summary(place.path)
            for name, binding in summary.names.items() if summary else ():
                kind, typing = binding[0], binding[3]  # a plain list when it comes from the cache
                if typing:
                    continue
                if kind in ("class", "def"):
                    self.definitions.setdefault(name, []).append(dotted)
                elif kind in ("var", "alias"):
                    self.variables.setdefault(name, []).append(dotted)

    def definition(self, name: str, asked: str) -> Moved | None:
        """The module that defines `name`, which was asked of the module `asked`."""
        found = self.definitions.get(name) or self.variables.get(name, []) if len(name) > 2 else []
        return _best(found, asked)

    def module(self, dotted: str) -> Moved | None:
        """The module that has the last word of `dotted` as its own name."""
        found = [name for name in self.modules.get(dotted.rpartition(".")[2], []) if name != dotted]
        return _best(found, dotted)


def _reachable(project: Project, place: Place, dotted: str) -> bool:
    resolution = project.resolver.absolute(dotted)
    return resolution.status == "found" and place in resolution.places


def _best(found: list[str], asked: str) -> Moved | None:
    """The only candidate, or the one closest to where it was looked for."""
    unique = sorted(set(found))
    if not unique:
        return None
    top = asked.partition(".")[0]
    same = [name for name in unique if name.partition(".")[0] == top] or unique
    if len(same) == 1:
        return Moved(same[0], len(unique) == 1, len(unique) - 1)
    return Moved(max(same, key=lambda name: _shared(name, asked)), False, len(unique) - 1)


def _shared(name: str, asked: str) -> int:
    """How many parts two dotted names share at their beginning and at their end."""
    pair = list(zip(name.split("."), asked.split("."), strict=False))
    backward = zip(reversed(name.split(".")), reversed(asked.split(".")), strict=False)
    return sum(1 for _ in takewhile(_equal, pair)) + sum(1 for _ in takewhile(_equal, backward))


def _equal(pair: tuple[str, str]) -> bool:
    return pair[0] == pair[1]


def near_name(project: Project, place: Place, name: str) -> str | None:
    """A name in the module that `name` may be a misspelling of."""
    summary = project.summary(place.path)
    candidates = [*(summary.names if summary else ()), *project.folders.entries.get(place.folder or "\0", {})]
    close = get_close_matches(name, candidates, 1, 0.8)
    return close[0] if close else None
