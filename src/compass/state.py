"""The state file: the pulse at work, its artifacts, checkpoints and metrics."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from compass import clock, ids
from compass.errors import CompassError
from compass.home import Home
from compass.records import RecordError, build

SCHEMA_VERSION = 1
Burden = Literal["low", "medium", "high"]
BURDENS: tuple[Burden, ...] = ("low", "medium", "high")


@dataclass
class Artifact:
    """A file in staging that the pulse answers for; `path` is relative to `pulse_staging/artifacts/`."""

    path: str
    artifact_type: str
    milestone_id: str
    created_at: str

    def __post_init__(self) -> None:
        # A state file may be damaged or hostile, and these become paths.
        ids.artifact_path(self.path)
        ids.milestone_id(self.milestone_id)


@dataclass
class Reading:
    """One value of a metric: a number, or whether something holds."""

    at: str
    value: bool | float
    source: str = "by hand"


@dataclass
class Metric:
    """A named number or yes/no with its history, oldest first; `target` is a bound such as `<=7`, `0`, `yes`."""

    initial: bool | float | None = None
    target: str | None = None
    unit: str = ""
    history: list[Reading] = field(default_factory=list)

    @property
    def now(self) -> bool | float | None:
        """The newest value."""
        return self.history[-1].value if self.history else self.initial


@dataclass
class Checkpoint:
    """How heavy the work had become at one moment."""

    at: str
    token_burden: Burden
    note: str = ""


@dataclass
class Pulse:
    """One unit of work, from `pulse-init` to `pulse-export` or `pulse-abort`."""

    pulse_id: str
    objective: str
    milestone_id: str
    started_at: str
    phase: str | None = None
    instructions: list[str] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)
    token_burden: Burden = "low"
    checkpoints: list[Checkpoint] = field(default_factory=list)
    metrics: dict[str, Metric] = field(default_factory=dict)
    continues: str | None = None
    former_ids: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        ids.pulse_id(self.pulse_id)
        ids.milestone_id(self.milestone_id)


@dataclass
class State:
    """The whole state file."""

    schema_version: Literal[1] = 1
    last_updated: str = ""
    active_pulse: Pulse | None = None

    def pulse(self) -> Pulse:
        """The pulse at work; CompassError when there is none."""
        if self.active_pulse is None:
            raise CompassError("no pulse is active; start one: compass pulse-init --id ID --obj TEXT --milestone ID")
        return self.active_pulse


def load(home: Home) -> State:
    """The state of a repository (an empty one where there is no file); CompassError when the file cannot be trusted."""
    try:
        text = home.state.read_text(encoding="utf-8")
    except FileNotFoundError:
        return State()
    except UnicodeDecodeError as error:
        raise _damaged(home, f"not UTF-8 at byte {error.start}") from None
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise _damaged(home, f"not JSON at line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise _damaged(home, "nested without end") from None
    if not isinstance(data, dict):
        raise _damaged(home, "not a JSON object")
    version = data.get("schema_version", SCHEMA_VERSION)
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise CompassError(
            f"{home.shown(home.state)}: written by a newer compass (schema version {version}, this one knows "
            f"{SCHEMA_VERSION}); install the newer one"
        )
    try:
        return build(State, _from_version_2(data) if "schema_version" not in data else data)
    except RecordError as error:
        raise _damaged(home, str(error)) from None


def save(home: Home, state: State) -> None:
    """Write the state, all at once."""
    from durable.replace import write_json

    state.last_updated = clock.stamp()
    write_json(home.state, asdict(state))


def _damaged(home: Home, what: str) -> CompassError:
    name = home.shown(home.state)
    return CompassError(f"{name} is damaged ({what}); restore it (git checkout -- {name}) or move it away")


def _from_version_2(data: dict[str, Any]) -> dict[str, Any]:
    """A state file of the earlier tool ("version": "2.0.0"): the same pulse, without the fields that nothing set."""
    dropped = {"version", "health", "current_phase", "star_chart", "active_blockers"}
    kept = {key: value for key, value in data.items() if key not in dropped}
    if isinstance(pulse := kept.get("active_pulse"), dict) and "phase" not in pulse:
        kept["active_pulse"] = {**pulse, "phase": data.get("current_phase")}
    return kept
