"""What a plan says, whichever file it was read from."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Literal, get_args

from compass.errors import CompassError

Kind = Literal["py_compile", "import", "types", "ruff", "yaml", "command", "present", "absent", "manual"]
KINDS: tuple[Kind, ...] = get_args(Kind)
RISKS = ("low", "medium", "high", "very high", "critical")


@dataclass(frozen=True)
class Validation:
    """One check of a step.

    `value` is the module, command, pattern or sentence; `files` are globs (empty: the files of the step). An optional
    check is skipped when its tool is not installed. `manual` is for a person and never counts as passed.
    """

    kind: Kind
    value: str = ""
    files: tuple[str, ...] = ()
    optional: bool = False

    @property
    def name(self) -> str:
        """As reports name it."""
        return f"{self.kind} {self.value}".strip()


@dataclass(frozen=True)
class Step:
    """One step; `line` (from 1) is where the file declares it. Paths and globs are relative to the repository."""

    step_id: str
    name: str
    line: int
    risk: str | None = None
    depends_on: tuple[str, ...] = ()
    parallelizable: str | None = None
    complexity: str | None = None
    impact: str | None = None
    recovery: str | None = None
    mitigation: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    removes: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    validations: tuple[Validation, ...] = ()
    rollback: tuple[str, ...] = ()

    @property
    def alone(self) -> bool:
        """Whether the plan forbids that anything runs beside this step."""
        return (self.parallelizable or "").strip().lower() in ("no", "false")

    @property
    def paths(self) -> tuple[str, ...]:
        """Everything the step may touch."""
        return self.files + self.removes


@dataclass(frozen=True)
class Preconditions:
    """What must hold before a run: a branch (glob), a clean tree, commands on PATH."""

    branch: str | None = None
    clean_tree: bool = False
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """What the graph or the prose says of a step beside its declaration: that it comes after `after`.

    `exact` claims name all dependencies of the step. `quote` is the sentence, for the report.
    """

    line: int
    source: Literal["graph", "prose"]
    step_id: str
    after: tuple[str, ...]
    quote: str
    exact: bool = False


@dataclass(frozen=True)
class Repeated:
    """A field that a second place of the file states again."""

    line: int
    step_id: str
    field: Literal["risk", "name", "parallelizable"]
    value: str


@dataclass(frozen=True)
class Plan:
    """A whole plan, with what the file says a second time in `claims` and `repeated`."""

    path: Path
    title: str
    steps: tuple[Step, ...]
    preconditions: Preconditions = Preconditions()
    claims: tuple[Claim, ...] = ()
    repeated: tuple[Repeated, ...] = ()

    def step(self, step_id: str) -> Step:
        """The step with this id; CompassError that lists the ids."""
        for step in self.steps:
            if step.step_id.lower() == step_id.strip().lower():
                return step
        raise CompassError(
            f"step {step_id!r} is not in {self.path} (steps: {', '.join(s.step_id for s in self.steps)})"
        )


def clean_glob(text: str) -> str:
    """`text` when it is a path or glob inside the repository; ValueError for an absolute one or one with `..`."""
    path = PurePosixPath(text)
    if not text.strip() or path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{text!r} leads out of the repository")
    return text


def matches(path: str, glob: str) -> bool:
    """Whether a path relative to the repository is one that a glob of a step means; `**/` may stand for no folder."""
    return fnmatchcase(path, glob) or fnmatchcase(path, glob.replace("**/", ""))


def read(path: Path) -> Plan:
    """The plan in a YAML or Markdown file; CompassError when it is neither."""
    suffix = path.suffix.lower()
    if suffix in (".yaml", ".yml"):
        from compass.plan import read_yaml

        return read_yaml.read(path)
    if suffix in (".md", ".markdown"):
        from compass.plan import read_markdown

        return read_markdown.read(path)
    raise CompassError(f"{path}: a plan is a .yaml, .yml or .md file")
