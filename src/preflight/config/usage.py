"""How code uses configs: which nodes are instantiated with which extra arguments, and which are not instantiated."""

from dataclasses import dataclass, field

from preflight.project import Project


@dataclass(frozen=True, slots=True)
class Given:
    """What calls add to a node: keyword names, positional arguments, and whether more is possible."""

    names: frozenset[str]
    positional: int
    more: bool


@dataclass(slots=True)
class Usage:
    """All uses in a repository."""

    builds: list[tuple[str | None, int, frozenset[str], bool]] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)  # nodes whose `_target_` is read: their siblings are no arguments
    popped: set[str] = field(default_factory=set)
    roots_built: set[str] = field(default_factory=set)  # files that instantiate a whole config

    @property
    def any_class(self) -> bool:
        """Whether some code reads the `_target_` of nodes that the text does not name."""
        return "*" in self.classes

    def given(self, path: str, *, nested: bool = False) -> Given:
        """What the calls that may be meant for the node at `path` add.

        A nested node is built by the call for the node around it: only calls that name it add anything.
        """
        names: set[str] = set()
        positional, more = 0, False
        for pattern, count, keywords, starred in self.builds:
            if matches(pattern, path) and not (nested and pattern in (None, "*")):
                names |= keywords
                positional = max(positional, count)
                more |= starred
        return Given(frozenset(names), positional, more)

    def read_as_class(self, path: str) -> bool:
        """Whether code takes the class of this node instead of instantiating it."""
        return any(matches(pattern, path) for pattern in self.classes if pattern != "*")


def matches(pattern: str | None, path: str) -> bool:
    """Whether an expression such as `cfg.a.b` (pattern "a.b") or `part.b` ("*.b") may mean the node at `path`."""
    if pattern is None or pattern == "*":
        return bool(path) or pattern is None
    if pattern == "":
        return path == ""
    tail = pattern.removeprefix("*.")
    return path == tail or path.endswith(f".{tail}")


def read(project: Project) -> Usage:
    """Collect the uses from all code."""
    usage = Usage()
    for path, summary in project.sources():
        for call in summary.calls:
            if call.kind == "build":
                where, positional, names, starred = call.data
                usage.builds.append((where, positional, frozenset(names), starred))
                if where == "":
                    usage.roots_built.add(path)
            elif call.kind == "class" and isinstance(call.data[0], str) and call.data[0].endswith("_target_"):
                usage.classes.append(call.data[0].removesuffix("_target_").rstrip("."))
            elif call.kind == "pop" and isinstance(call.data[0], str):
                usage.popped.add(call.data[0])
    return usage
