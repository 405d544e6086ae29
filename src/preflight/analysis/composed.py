"""Every composition that a repository's entry points allow, and what is true of configs only after composition."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from preflight.analysis.classes import Constructor
from preflight.analysis.targets import Targets
from preflight.config import usage as usages
from preflight.config.compose import Composed, Composer, Problem, Value
from preflight.config.interpolation import Known, Reference, references, resolves
from preflight.config.tree import ConfigTrees, Entry
from preflight.project import Project

_LIMIT = 3000  # compositions of one repository
_CONFIG_NAMES = ("cfg", "config", "conf", "hparams", "args", "options")
RESERVED = frozenset(("_target_", "_partial_", "_args_", "_recursive_", "_convert_"))


class Composition(NamedTuple):
    """One composed config: the entry, what was chosen instead of its defaults, and the files that the choice added."""

    entry: Entry
    choices: tuple[tuple[str, str], ...]
    composed: Composed
    added: frozenset[str]
    standalone: bool = False


@dataclass(slots=True)
class Node:
    """A node with a target, as all compositions together show it."""

    target: str
    path: str
    line: int
    column: int
    key: str
    constructor: Constructor
    unknown: dict[str, Value] = field(default_factory=dict)  # keyword -> its place
    swallowed: dict[str, Value] = field(default_factory=dict)
    clashes: dict[str, tuple[Value, str]] = field(default_factory=dict)  # keyword or `_args_` -> its place, the problem
    missing: set[str] | None = None  # keywords that no composition gives
    missing_as_it_stands: set[str] = field(default_factory=set)  # keywords that an entry point without choices lacks
    given: set[str] = field(default_factory=set)


class Compositions:
    """All compositions, and their nodes, interpolations and defaults entries judged over all of them."""

    def __init__(self, project: Project, targets: Targets) -> None:
        self.project = project
        self.targets = targets
        self.trees = ConfigTrees(project)
        self.composer = Composer(self.trees)
        self._references: Known = {}

    @cached_property
    def all(self) -> list[Composition]:
        """For each entry: as it stands, and with every other option of every group; and whole files by themselves."""
        found: list[Composition] = []
        for entry in self.trees.entries:
            if len(found) > _LIMIT:
                break
            base = self.composer.compose(entry.root, entry.name)
            found.append(Composition(entry, (), base, frozenset(base.files)))
            for group, chosen in base.choices.items():
                # What an option brings is what is not there without any: it may build on the option it stands for.
                without = frozenset(self.composer.compose(entry.root, entry.name, {group: "null"}).files)
                for option in self.trees.options(entry.root, group):
                    if option != chosen and len(found) <= _LIMIT:
                        made = self.composer.compose(entry.root, entry.name, {group: option})
                        found.append(Composition(entry, ((group, option),), made, frozenset(made.files) - without))
        return [*found, *self._standalone({path for made in found for path in made.composed.files})]

    def _standalone(self, reached: set[str]) -> Iterator[Composition]:
        """Files with targets that no composition holds and that have no defaults list: loaded or chosen as a whole."""
        for path in sorted(self.trees.files - reached):
            data = self.project.data(path) or b""
            if b"_target_" not in data or b"defaults:" in data:
                continue
            folder, _, name = path.rpartition("/")
            below = next((folder[len(root) :].strip("/") for root in self.trees.roots if _is_below(folder, root)), "")
            made = self.composer.whole(path, below.replace("/", "."))
            if made is not None:
                yield Composition(Entry(folder, name), (), made, frozenset((path,)), standalone=True)

    @cached_property
    def usage(self) -> usages.Usage:
        """How code uses configs."""
        return usages.read(self.project)

    @cached_property
    def reached(self) -> set[str]:
        """Config files that some composition holds."""
        return {path for composition in self.all if not composition.standalone for path in composition.composed.files}

    def problems(self) -> list[Problem]:
        """Defaults entries that lead nowhere below every root they are read from, and overrides that never match."""
        missing: dict[Problem, set[str]] = {}
        unmatched: dict[Problem, int] = {}
        roots: dict[str, set[str]] = {}
        holding: dict[str, int] = {}
        for composition in self.all:
            for path in set(composition.composed.files):
                holding[path] = holding.get(path, 0) + 1
                roots.setdefault(path, set()).add(composition.entry.root)
            for problem in set(composition.composed.problems):
                if problem.kind == "missing":
                    missing.setdefault(problem, set()).add(composition.entry.root)
                else:
                    unmatched[problem] = unmatched.get(problem, 0) + 1
        for root, made in self._unreached():
            for path in set(made.files):
                roots.setdefault(path, set()).add(root)
            for problem in made.problems:
                if problem.kind == "missing":
                    missing.setdefault(problem, set()).add(root)
        found = [problem for problem, where in missing.items() if where >= roots.get(problem.path, set())]
        found += [problem for problem, count in unmatched.items() if count >= holding.get(problem.path, 0)]
        return sorted(found, key=lambda problem: (problem.path, problem.line, problem.config))

    def _unreached(self) -> Iterator[tuple[str, Composed]]:
        """Configs with a defaults list that no entry point holds, each composed as if it were the primary one.

        Below no known root, the folder of the file is taken for one, and only groups that lie in it are judged.
        """
        for path in sorted(self.trees.files - self.reached)[:_LIMIT]:
            if b"defaults:" not in (self.project.data(path) or b""):
                continue
            roots = [root for root in self.trees.roots if _is_below(path, root)]
            for root in roots or [path.rpartition("/")[0]]:
                made = self.composer.compose(root, path[len(root) :].strip("/").rpartition(".")[0])
                if not roots:
                    there = [p for p in made.problems if self.trees.options(root, p.config.rpartition("/")[0])]
                    made.problems = [p for p in there if "/" in p.config]
                yield root, made

    # nodes -----------------------------------------------------------------------------------------------------

    @cached_property
    def nodes(self) -> list[Node]:
        """Nodes whose target can be judged, sorted by place."""
        found: dict[tuple[str, int, str, str], Node] = {}
        done: set[tuple[int, str, bool]] = set()
        whole: set[str] = set()  # keys of nodes in compositions of entry points, which come first
        for composition in self.all:
            if self.usage.any_class:
                break
            is_base = not composition.choices
            for key, value, inside in _with_target(composition.composed.root, ""):
                nested = inside or (composition.standalone and _has_above(whole, key))
                if not composition.standalone:
                    whole.add(key)
                mark = (id(value), key, is_base)
                if mark not in done and self._built(composition.entry, key):
                    done.add(mark)
                    self._judge(found, composition, key, value, nested)
        return sorted(found.values(), key=lambda node: (node.path, node.line, node.column))

    def _built(self, entry: Entry, key: str) -> bool:
        """Whether the node is instantiated, as far as the text shows."""
        if self.usage.read_as_class(key):
            return False
        return bool(key) or entry.source in self.usage.roots_built

    def _judge(
        self,
        found: dict[tuple[str, int, str, str], Node],
        composition: Composition,
        key: str,
        value: Value,
        nested: bool,
    ) -> None:
        target = value.children["_target_"]
        text = str(target.value)
        constructor = self.constructor(text)
        if constructor is None or value.open or _takes_a_config(constructor, value):
            return
        place = (target.path, target.line, text, key)
        node = found.get(place)
        if node is None:
            node = found[place] = Node(text, target.path, target.line, target.column, key, constructor)
        given = {name: child for name, child in value.children.items() if name not in RESERVED}
        node.given |= set(given)
        signature = constructor.signature
        known = {param.name for param in signature.params if param.kind != "p"}
        for name, child in given.items():
            if name in known or name in self.usage.popped:
                continue
            if composition.choices and child.path not in composition.added:
                continue  # a value of the base that another option does not take: the combination is not anybody's
            (node.swallowed if signature.varkw else node.unknown).setdefault(name, child)
        extra = self.usage.given(key, nested=nested)
        if not extra.positional and not extra.more:
            for name, child, problem in _clashes(value, constructor):
                if not composition.choices or child.path in composition.added:
                    node.clashes.setdefault(name, (child, problem))
        missing = self._missing(value, extra, constructor, set(given), composition)
        if not composition.choices and composition.entry.source:
            node.missing_as_it_stands |= missing
        node.missing = missing if node.missing is None else node.missing & missing

    def _missing(
        self, value: Value, extra: usages.Given, constructor: Constructor, given: set[str], composition: Composition
    ) -> set[str]:
        partial = value.children.get("_partial_")
        if (partial is not None and partial.value is not False) or extra.more or not composition.composed.complete:
            return set()
        arguments = value.children.get("_args_")
        if arguments is not None and arguments.kind != "list":
            return set()
        positional = extra.positional + (len(arguments.items) if arguments is not None else 0)
        params = constructor.signature.params
        filled = {param.name for param in [param for param in params if param.kind != "k"][:positional]}
        return {param.name for param in params if param.required} - given - extra.names - filled

    def constructor(self, text: str) -> Constructor | None:
        """What calling a target takes; None when the text does not show it."""
        lead = self.targets.lead(text)
        if lead.status != "found" or lead.defined is None or lead.defined.place is None:
            return None
        if lead.defined.kind not in ("class", "def"):
            return None
        return self.targets.classes.constructor(lead.defined.place, lead.defined.name, lead.defined.kind)

    # interpolations --------------------------------------------------------------------------------------------

    def unresolved(self) -> list[Reference]:
        """Interpolations that no composition which holds them can resolve."""
        good: set[Reference] = set()
        bad: set[Reference] = set()
        for composition in self.all:
            if composition.standalone:
                continue
            root = composition.composed.root
            for reference in self.references(root):
                if reference in good:
                    continue
                if not reference.path_text or not composition.composed.complete or resolves(root, reference):
                    good.add(reference)
                else:
                    bad.add(reference)
        return sorted(bad - good, key=lambda reference: (reference.path, reference.line, reference.column))

    def references(self, root: Value) -> list[Reference]:
        """Interpolations in a composed config."""
        return references(root, "", self._references)


def _takes_a_config(constructor: Constructor, value: Value) -> bool:
    """Whether the target gets the whole config as its one argument from code: the keys beside it are no arguments."""
    names = [param.name for param in constructor.signature.params]
    return len(names) == 1 and names[0] in _CONFIG_NAMES and names[0] not in value.children


def _clashes(value: Value, constructor: Constructor) -> Iterator[tuple[str, Value, str]]:
    """More `_args_` than there are parameters, and keywords that `_args_` give already."""
    arguments = value.children.get("_args_")
    if arguments is None or arguments.kind != "list":
        return
    places = [param for param in constructor.signature.params if param.kind != "k"]
    count = len(arguments.items)
    if count > len(places) and not constructor.signature.varargs:
        yield "_args_", arguments, f"takes {len(places)} positional arguments, not the {count} of '_args_'"
    for param in places[:count]:
        if param.kind == "a" and param.name in value.children:
            yield param.name, value.children[param.name], f"gets '{param.name}' twice: '_args_' gives it already"


def _has_above(keys: set[str], key: str) -> bool:
    """Whether one of the keys is a node around `key`."""
    parts = key.split(".")
    return any(".".join(parts[:count]) in keys for count in range(1, len(parts)))


def _is_below(folder: str, root: str) -> bool:
    return not root or folder == root or folder.startswith(f"{root}/")


def _with_target(value: Value, key: str, nested: bool = False) -> Iterator[tuple[str, Value, bool]]:
    """Nodes with a target: key, value, and whether a node around it builds it."""
    target = value.children.get("_target_")
    if target is not None and target.kind == "leaf" and isinstance(target.value, str):
        if "${" not in target.value:
            yield key, value, nested
        recursive = value.children.get("_recursive_")
        nested = recursive is None or recursive.value is not False
    for name, child in value.children.items():
        if child.kind != "leaf" and not (not key and name == "hydra"):
            yield from _with_target(child, f"{key}.{name}" if key else name, nested)
    for index, item in enumerate(value.items):
        if item.kind != "leaf":
            yield from _with_target(item, f"{key}.{index}", nested)
