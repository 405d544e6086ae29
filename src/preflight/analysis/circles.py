"""Circles of modules that import each other at import time."""

from typing import NamedTuple

from preflight.project import Project
from preflight.source.folders import Place
from preflight.source.summary import is_import_time


class Circle(NamedTuple):
    """Modules in the order in which they import each other, and the import in the first of them."""

    modules: tuple[str, ...]
    path: str
    line: int
    column: int


def circles(project: Project) -> list[Circle]:
    """One shortest circle for each group of modules that reach each other."""
    edges = graph(project)
    found = []
    for group in _groups({path: list(targets) for path, targets in edges.items()}):
        start = min(group)
        way = _shortest(edges, start, group)
        line, column = edges[way[0]][way[1 % len(way)]]
        modules = tuple(_dotted(project, path) for path in way)
        found.append(Circle(modules, way[0], line, column))
    return sorted(found, key=lambda circle: (circle.path, circle.line))


def _dotted(project: Project, path: str) -> str:
    return project.resolver.dotted(Place("package" if path.endswith("__init__.py") else "module", path))


def graph(project: Project) -> dict[str, dict[str, tuple[int, int]]]:
    """Import-time imports, explicit ones only: a submodule needs its package, but that is being imported already."""
    resolver = project.resolver
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for path, summary in project.sources():
        edges = found.setdefault(path, {})
        for item in summary.imports:
            if not is_import_time(item):
                continue
            resolution = resolver.imported(item, path)
            if resolution.status != "found":
                continue
            place = resolution.places[0]
            if item.name not in (None, "*"):
                named = resolver.lookup(place, str(item.name))
                if named.status == "found" and named.binding is None and named.place is not None:
                    place = named.place
            if place.kind in ("module", "package") and place.path != path:
                edges.setdefault(place.path, (item.line, item.column))
    return found


def _groups(graph: dict[str, list[str]]) -> list[set[str]]:
    """Strongly connected components of at least two files (Tarjan, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    groups: list[set[str]] = []
    for root in graph:
        if root in index:
            continue
        work = [(root, 0)]
        while work:
            node, position = work.pop()
            if position == 0:
                index[node] = low[node] = len(index)
                stack.append(node)
                on_stack.add(node)
            targets = graph.get(node, [])
            for offset in range(position, len(targets)):
                target = targets[offset]
                if target not in index:
                    work += [(node, offset + 1), (target, 0)]
                    break
                if target in on_stack:
                    low[node] = min(low[node], index[target])
            else:
                if low[node] == index[node]:
                    group = set()
                    while node not in group:
                        member = stack.pop()
                        on_stack.discard(member)
                        group.add(member)
                    if len(group) > 1:
                        groups.append(group)
                if work:
                    above = work[-1][0]
                    low[above] = min(low[above], low[node])
    return groups


def _shortest(graph: dict[str, dict[str, tuple[int, int]]], start: str, group: set[str]) -> list[str]:
    """A shortest way from `start` back to itself inside its group."""
    ways = [[start]]
    seen = {start}
    for way in ways:
        for target in graph.get(way[-1], {}):
            if target == start:
                return way
            if target in group and target not in seen:
                seen.add(target)
                ways.append([*way, target])
    return [start]
