"""Standards: which of them bind a piece of work, in what order they are read, how they build on each other."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from aqms.registry import Standard


@dataclass(frozen=True)
class Match:
    """A standard that applies, and why."""

    standard: Standard
    reason: str


def problems(standards: Mapping[str, Standard]) -> list[str]:
    """Dependencies that nothing has, and the standards that wait for each other."""
    found = [
        f"standard {name} depends on {other}, which is not there; add it or remove the dependency"
        for name, standard in standards.items()
        for other in standard.dependencies
        if other not in standards
    ]
    cycle = find_cycle(standards)
    if cycle:
        found.append(f"standards depend on each other in a circle: {' -> '.join(cycle)}; remove one dependency")
    return found


def find_cycle(standards: Mapping[str, Standard]) -> list[str]:
    """The first circle of dependencies, its first name repeated at the end; empty when there is none."""
    done: set[str] = set()
    for start in standards:
        way = [start]
        rest = [iter(standards[start].dependencies)]
        while rest:
            following = next((n for n in rest[-1] if n in standards and n not in done), None)
            if following is None:
                rest.pop()
                done.add(way.pop())
            elif following in way:
                return [*way[way.index(following) :], following]
            else:
                way.append(following)
                rest.append(iter(standards[following].dependencies))
    return []


def resolve(
    standards: Mapping[str, Standard],
    *,
    task: str = "",
    path: str = "",
    keywords: Iterable[str] = (),
    laws: bool = True,
    dependencies: bool = True,
) -> list[Match]:
    """The standards for a task, a file and keywords: by trigger, laws (tier 1) always, then what they build on.

    In reading order: what a standard builds on comes before it, lower tiers first.
    """
    wanted = {word.casefold() for word in keywords} | set(_words(task))
    reasons: dict[str, str] = {}
    for name, standard in standards.items():
        reason = _reason(standard, task, path, wanted)
        if reason:
            reasons[name] = reason
        elif laws and standard.tier == 1:
            reasons[name] = "tier 1"
    queue = list(reasons) if dependencies else []
    while queue:
        name = queue.pop()
        for other in standards[name].dependencies:
            if other not in reasons:
                reasons[other] = f"needed by {name}"
                queue.append(other)
    return [Match(standards[name], reasons[name]) for name in order(standards) if name in reasons]


def _reason(standard: Standard, task: str, path: str, wanted: set[str]) -> str:
    if task and task.casefold() in map(str.casefold, standard.tasks):
        return f"task {task}"
    hit = next((g for g in standard.paths if path and _covers(g, path)), None)
    if hit:
        return f"path {hit}"
    words = [word for word in standard.keywords if set(_words(word)) and set(_words(word)) <= wanted]
    words += [word for word in standard.keywords if word.casefold() in wanted and word not in words]
    return f"keyword {words[0]}" if words else ""


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold().replace("_", " "))


def _covers(glob: str, path: str) -> bool:
    """Whether a glob covers a path; `**/` also stands for nothing."""
    return fnmatchcase(path, glob) or fnmatchcase(path, glob.replace("**/", ""))


def order(standards: Mapping[str, Standard]) -> list[str]:
    """All names, each after what it depends on, else by tier and name; a circle is cut where it is met."""
    listed: list[str] = []
    seen: set[str] = set()
    stack = [(n, False) for n in sorted(standards, key=lambda n: (standards[n].tier, n), reverse=True)]
    while stack:
        name, ready = stack.pop()
        if ready:
            listed.append(name)
        elif name not in seen:
            seen.add(name)
            stack.append((name, True))
            below = sorted(standards[name].dependencies, reverse=True)
            stack += [(other, False) for other in below if other in standards and other not in seen]
    return listed


def graph(standards: Mapping[str, Standard], *, dot: bool = False) -> str:
    """The dependencies as a Mermaid flow chart, or in the language of Graphviz."""
    names = sorted(standards, key=lambda n: (standards[n].tier, n))
    if dot:
        nodes = "".join(f'  "{n}" [label="{n}\\ntier {standards[n].tier}"];\n' for n in names)
        edges = "".join(f'  "{n}" -> "{other}";\n' for n in names for other in standards[n].dependencies)
        return f"digraph standards {{\n{nodes}{edges}}}\n"
    ids = {name: f"s{position}" for position, name in enumerate(names)}
    nodes = "".join(f'  {ids[n]}["{n} (tier {standards[n].tier})"]\n' for n in names)
    edges = "".join(f"  {ids[n]} --> {ids[o]}\n" for n in names for o in standards[n].dependencies if o in ids)
    return f"flowchart TD\n{nodes}{edges}"
