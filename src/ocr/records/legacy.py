"""What the old layouts left beside and in the names of checkpoints, read and put in today's terms."""

import json
import math
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from ocr.errors import CardError
from ocr.schema import Mismatch, from_plain

# Names of four months of training, the doubled labels of one broken version included.
_NAMES = (
    re.compile(r"epoch-(?P<epoch>\d+)_step-(?P<step>\d+)(?:_(?P<metric>[a-z_]+)-(?P<score>[\d.]+\d))?"),
    re.compile(r"epoch_epoch_(?P<epoch>\d+)_step_step_(?P<step>\d+)"),
    re.compile(r"epoch_(?P<epoch>\d+)_step_(?P<step>\d+)"),
    re.compile(r"epoch=(?P<epoch>\d+)-step=(?P<step>\d+)"),
    re.compile(r"best-(?P<metric>[a-z_]+)-(?P<score>[\d.]+\d)"),
)


def from_name(stem: str) -> dict[str, Any]:
    """Epoch, step and metric that a checkpoint's name tells, as far as it does."""
    for pattern in _NAMES:
        if match := pattern.match(stem):
            found = match.groupdict()
            told: dict[str, Any] = {key: int(found[key]) for key in ("epoch", "step") if found.get(key) is not None}
            if found.get("metric"):
                told["metrics"] = {found["metric"]: float(found["score"])}
            return told
    return {}


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", protected_namespaces=())

    name: str | None = None
    model_name: str | None = None


class _Model(BaseModel):
    architecture: str
    encoder: _Part
    decoder: _Part
    head: _Part
    loss: _Part


class _Training(BaseModel):
    epoch: int = Field(ge=0)
    global_step: int = Field(ge=0)


class _Metrics(BaseModel):
    precision: float | None = None
    recall: float | None = None
    hmean: float | None = None
    validation_loss: float | None = None
    additional_metrics: dict[str, float] = Field(default_factory=dict)


class _Checkpointing(BaseModel):
    monitor: str | None = None
    mode: str | None = None


class CardV1(BaseModel):
    """The sidecar of the old layouts (schema 1.0), YAML or JSON; what it said besides is ignored."""

    schema_version: str = Field(pattern=r"^1(\.\d+)?$")
    checkpoint_path: str
    exp_name: str
    created_at: str
    training: _Training
    model: _Model
    metrics: _Metrics = Field(default_factory=_Metrics)
    checkpointing: _Checkpointing = Field(default_factory=_Checkpointing)

    def measured(self) -> dict[str, float]:
        """Every metric under its name of today, those that are no finite numbers included."""
        known = self.metrics.model_dump(exclude={"additional_metrics"}, exclude_none=True)
        return {f"val/{name}": value for name, value in known.items()} | self.metrics.additional_metrics

    def row(self) -> dict[str, Any]:
        """The same in the terms of the catalog; a metric that is no finite number has no place in any order."""
        metrics = {name: value for name, value in self.measured().items() if math.isfinite(value)}
        monitor, mode = self.checkpointing.monitor, self.checkpointing.mode
        parts = {role: getattr(self.model, role) for role in ("encoder", "decoder", "head", "loss")}
        recognition = "parseq" in self.model.architecture.lower()
        return {
            "name": self.exp_name,
            "task": "recognition" if recognition else "detection",
            "architecture": self.model.architecture,
            **{role: part.model_name or part.name or self.model.architecture for role, part in parts.items()},
            "epoch": self.training.epoch,
            "step": self.training.global_step,
            "monitor": monitor,
            "mode": mode if mode in ("min", "max") else "max",
            "score": metrics.get(monitor or ""),
            "metrics": metrics,
            "created": self.created_at,
        }


def read_card_v1(path: Path) -> CardV1:
    """Read an old sidecar; CardError names the file and what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else yaml.load(text, Loader=yaml.CSafeLoader)
        return from_plain(CardV1, content)
    except OSError as error:
        raise CardError(f"{path}: cannot be read: {error.strerror}") from error
    except Mismatch as error:
        raise CardError(f"{path}: {error}") from error
    except (ValueError, yaml.YAMLError) as error:
        raise CardError(f"{path}: neither JSON nor YAML ({str(error).splitlines()[0]})") from error


# Where configs of a checkpoint lie, seen from its own folder, the nearest first.
_CONFIGS = (
    "../.hydra/resolved.yaml",
    "../.hydra/config.yaml",
    ".hydra/config.yaml",
    "../../.hydra/config.yaml",
    "config.yaml",
    "hparams.yaml",
    "../config.yaml",
    "../hparams.yaml",
)


def config_of(checkpoint: Path) -> Path | None:
    """The saved config that belongs to a checkpoint without a card, or None."""
    beside = [
        checkpoint.with_name(checkpoint.stem + end) for end in (".resolved.config.json", ".config.json", ".config.yaml")
    ]
    around = [checkpoint.parent / name for name in _CONFIGS]
    return next((path for path in (*beside, *around) if path.is_file()), None)


def infer(config_file: Path) -> dict[str, Any]:
    """Architecture and parts that a saved config names, today's or an old one; empty when it names none."""
    try:
        config = yaml.load(config_file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    model = config.get("model") if isinstance(config, dict) else None
    if not isinstance(model, dict):
        return {}
    places = [model.get("network"), model, model.get("component_overrides"), model.get("architectures")]
    nodes = [place for place in places if isinstance(place, dict)]

    def part(*roles: str) -> str | None:
        for node in nodes:
            for role in roles:
                if isinstance(node.get(role), dict):
                    return _called(node[role])
        return None

    network = next((_called(node) for node in nodes if "_target_" in node), None)
    architecture = model.get("architecture_name") or network
    encoder = part("encoder", "backbone") or network
    if not encoder:
        return {}
    task = config.get("task") or config.get("domain")
    return {
        "task": task if task in ("detection", "recognition") else None,
        "architecture": architecture or encoder,
        "encoder": encoder,
        "decoder": part("decoder", "neck") or network,
        "head": part("head") or network,
        "loss": part("loss"),
        "inferred": True,
    }


def _called(node: dict[str, Any]) -> str | None:
    """Name of a config node: the model it asks for, else its class."""
    asked = node.get("model_name") or node.get("name")
    target = str(node["_target_"]).rpartition(".")[2] if "_target_" in node else None
    return f"{target}({asked})" if target and asked else asked or target
