"""Read a plan from YAML, telling all mistakes at once with their lines."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from compass.errors import CompassError
from compass.markdown import Document
from compass.plan.model import KINDS, Plan, Preconditions, Step, Validation, clean_glob
from findings import safe_yaml

SHORT = ("py_compile", "import", "types", "ruff", "yaml")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _spelled(value: Any) -> Any:
    """YAML reads an unquoted yes as true; a plan means the word."""
    return ("yes" if value else "no") if isinstance(value, bool) else value


def _lower(value: Any) -> Any:
    return value.strip().lower().replace("_", " ") if isinstance(value, str) else value


Words = Annotated[list[str], BeforeValidator(_listed)]
Globs = Annotated[list[Annotated[str, AfterValidator(clean_glob)]], BeforeValidator(_listed)]
Spelled = Annotated[str, BeforeValidator(_spelled)]
Risk = Annotated[Literal["low", "medium", "high", "very high", "critical"], BeforeValidator(_lower)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Check(_Part):
    """One entry under `validate`: a short name, or one of the kinds with its value."""

    py_compile: bool | None = None
    import_: str | bool | None = Field(default=None, alias="import")
    types: bool | None = None
    ruff: bool | None = None
    yaml: bool | None = None
    command: str | None = None
    present: str | None = None
    absent: str | None = None
    manual: str | None = None
    files: Globs = []
    optional: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {value: True} if value in SHORT else {"command": value}
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> "_Check":
        if len(self.kinds) != 1:
            raise ValueError(f"give exactly one of {', '.join(KINDS)}")
        return self

    @property
    def kinds(self) -> dict[str, Any]:
        given = {kind: getattr(self, "import_" if kind == "import" else kind) for kind in KINDS}
        return {kind: value for kind, value in given.items() if value}

    def validation(self) -> Validation:
        ((name, value),) = self.kinds.items()
        kind = next(known for known in KINDS if known == name)
        return Validation(kind, value if isinstance(value, str) else "", tuple(self.files), self.optional)


class _Step(_Part):
    id: str
    name: str = ""
    risk: Risk | None = None
    depends_on: Words = []
    parallelizable: Spelled | None = None
    complexity: str | None = None
    impact: str | None = None
    recovery: str | None = None
    mitigation: Words = []
    files: Globs = []
    remove: Globs = []
    changes: Words = []
    run: Words = []
    validations: list[_Check] = Field(default=[], alias="validate")
    rollback: Words = []


class _Preconditions(_Part):
    branch: str | None = None
    clean_tree: bool = False
    commands: Words = []


class _Plan(_Part):
    plan: str
    preconditions: _Preconditions = _Preconditions()
    steps: list[_Step] = Field(min_length=1)


def read(path: Path) -> Plan:
    """The plan in a YAML file; CompassError with `path:line: message` for each mistake."""
    text = Document.read(path).data().decode("utf-8", "replace").removeprefix("\ufeff")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        safe_yaml.refuse_traps(text, aliases=True)
        node = yaml.compose(text, Loader=loader)
        data = yaml.load(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CompassError(f"{path}:{line}: not YAML: {error.problem}") from None
    except safe_yaml.ERRORS as error:
        raise CompassError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if node is None or not isinstance(data, dict):
        raise CompassError(f"{path}: a plan is a mapping with the keys plan and steps")
    try:
        plan = _Plan.model_validate(data)
    except ValidationError as error:
        mistakes = [
            f"{path}:{_line(node, item['loc'])}: {_place(item['loc'])}: {item['msg']}" for item in error.errors()
        ]
        raise CompassError("; ".join(mistakes)) from None
    return Plan(
        path=path,
        title=plan.plan,
        steps=tuple(_step(step, _line(node, ("steps", position))) for position, step in enumerate(plan.steps)),
        preconditions=Preconditions(
            plan.preconditions.branch, plan.preconditions.clean_tree, tuple(plan.preconditions.commands)
        ),
    )


def _step(step: _Step, line: int) -> Step:
    return Step(
        step_id=step.id,
        name=step.name or step.id,
        line=line,
        risk=step.risk,
        depends_on=tuple(step.depends_on),
        parallelizable=step.parallelizable,
        complexity=step.complexity,
        impact=step.impact,
        recovery=step.recovery,
        mitigation=tuple(step.mitigation),
        files=tuple(step.files),
        removes=tuple(step.remove),
        changes=tuple(step.changes),
        run=tuple(step.run),
        validations=tuple(check.validation() for check in step.validations),
        rollback=tuple(step.rollback),
    )


def _place(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc) or "the plan"


def _line(node: yaml.Node, loc: tuple[int | str, ...]) -> int:
    """The line (from 1) of the deepest node that a pydantic location leads to."""
    here = node
    for part in loc:
        if isinstance(here, yaml.MappingNode):
            found = next((value for key, value in here.value if key.value == part), None)
        elif isinstance(here, yaml.SequenceNode) and isinstance(part, int) and part < len(here.value):
            found = here.value[part]
        else:
            found = None
        if found is None:
            break
        here = found
    return int(here.start_mark.line) + 1
