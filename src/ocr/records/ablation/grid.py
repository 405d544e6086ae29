"""A declared ablation: which factors take which values, with which seeds, and the jobs that makes.

name: neck-and-rate
base: [experiment=det_receipt, data.root=data/receipts, +trainer.max_steps=400]
factors:
  model: [dbnet_mobilenetv3, dbnet_resnet18]
  train.optimizer.lr: [0.001, 0.0003]
seeds: [1, 2, 3]
baseline: {model: dbnet_mobilenetv3, train.optimizer.lr: 0.001}
metric: val/hmean
design: grid
"""

import hashlib
import itertools
import re
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ocr.errors import ConfigError
from ocr.schema import Mismatch, from_plain

GRID_FILE = "grid.yaml"
Value = str | int | float | bool


class Job(BaseModel):
    """One training of the grid: a value for each factor, and a seed."""

    model_config = ConfigDict(frozen=True)

    values: dict[str, Value]
    seed: int

    @property
    def name(self) -> str:
        """A folder name that reads as the job and differs between jobs."""
        parts = [f"{factor.rpartition('.')[2]}-{value}" for factor, value in self.values.items()]
        text = "_".join([*parts, f"seed-{self.seed}"])
        exact = repr((sorted(self.values.items()), self.seed))
        return f"{re.sub(r'[^A-Za-z0-9._+-]+', '-', text)[:80]}-{hashlib.sha256(exact.encode()).hexdigest()[:6]}"


class Grid(BaseModel):
    """What is varied. ``design`` is ``grid`` (every combination) or ``single`` (one factor at a time)."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    base: list[str] = Field(default_factory=list)
    factors: dict[str, list[Value]] = Field(min_length=1)
    seeds: list[int] = Field(default_factory=lambda: [1], min_length=1)
    baseline: dict[str, Value] = Field(default_factory=dict)
    metric: str
    mode: Literal["max", "min"] = "max"
    design: Literal["grid", "single"] = "grid"

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for factor, values in self.factors.items():
            if len(values) < 2 or len(set(map(str, values))) < len(values):
                raise ValueError(f"factors.{factor}: give two values or more, each once")
            self.baseline.setdefault(factor, values[0])
            if self.baseline[factor] not in values:
                raise ValueError(f"baseline.{factor}: {self.baseline[factor]!r} is not among its values {values}")
        if unknown := set(self.baseline) - set(self.factors):
            raise ValueError(f"baseline.{min(unknown)}: is no factor; factors: {', '.join(self.factors)}")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds: each only once")
        return self

    def jobs(self) -> list[Job]:
        """Every job of the design, the baseline's first."""
        base = {factor: self.baseline[factor] for factor in self.factors}
        if self.design == "grid":
            order = [sorted(values, key=lambda v, f=f: v != base[f]) for f, values in self.factors.items()]  # type: ignore[misc]
            settings = [dict(zip(self.factors, combination, strict=True)) for combination in itertools.product(*order)]
        else:
            others = [base | {f: value} for f, values in self.factors.items() for value in values if value != base[f]]
            settings = [base, *others]
        return [Job(values=values, seed=seed) for values in settings for seed in self.seeds]

    def overrides(self, job: Job) -> list[str]:
        """What ``ocr train`` is told for a job, but for its folder."""
        chosen = [f"{factor}={_as_override(value)}" for factor, value in job.values.items()]
        return [*self.base, *chosen, f"seed={job.seed}", f"name={self.name}", f"run.tags=[ablation,{self.name}]"]


def read_grid(path: Path) -> Grid:
    """Read a declared ablation, or the copy in its folder; ConfigError names the file, the field and what is wrong."""
    file = path / GRID_FILE if path.is_dir() else path
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read ({error}); give a grid, see `ocr ablation run --help`") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: not YAML: {' '.join(str(error).split())}") from error
    try:
        return from_plain(Grid, content)
    except Mismatch as error:
        raise ConfigError(f"{file}: {error}") from error


def _as_override(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    # Quotes keep Hydra from taking a text apart.
    return f"'{value}'" if isinstance(value, str) and re.search(r"[\s,{}\[\]=:]", value) else str(value)
