"""run.json of a run that was made before there was one."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ocr.errors import CardError
from ocr.records.checkpoint import CheckpointCard, canonical_hash, read_card
from ocr.records.legacy import from_name, infer
from ocr.records.migration.find import OldRun
from ocr.records.run import RunRecord
from ocr.records.scan import Problem
from ocr.records.upgrade import config_at

REGISTRY = Path("experiments") / "registry.json"
UNTOLD = "the old layouts did not record how a run ended"
_STATUS = {"completed": "completed", "failed": "failed"}
_CONFIGS = (".hydra/resolved.yaml", ".hydra/config.yaml", "config.yaml", "hparams.yaml")


class Registered(NamedTuple):
    """What the old experiment registry said of an experiment."""

    id: str
    tags: list[str]
    status: str | None
    description: str


def registered(root: Path, problems: list[Problem]) -> dict[str, Registered]:
    """Entries of the old registry below `root` by experiment name; a damaged registry is a problem and gives none."""
    path = root / REGISTRY
    try:
        content = json.loads(path.read_bytes())
        return {
            str(entry["name"]): Registered(
                str(entry["id"]),
                [str(tag) for tag in entry.get("tags", [])],
                entry.get("status"),
                str(entry.get("description") or ""),
            )
            for entry in content.values()
        }
    except FileNotFoundError:
        return {}
    except OSError as error:
        problems.append(Problem(str(path), f"cannot be read: {error.strerror}"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problems.append(Problem(str(path), f"not an experiment registry ({' '.join(str(error).split())}); left out"))
    return {}


def record_of(run: OldRun, folder: Path, run_id: str, when: datetime, registry: dict[str, Registered]) -> RunRecord:
    """What the carried-over files in `folder` tell of a run; a status that nobody recorded reads interrupted."""
    config_file = next((folder / name for name in _CONFIGS if (folder / name).is_file()), None)
    config = config_at(config_file)
    facts = infer(config_file) if config_file else {}
    checkpoints = sorted(path for path in folder.rglob("*.ckpt") if not path.is_symlink())
    cards = [card for path in checkpoints if (card := _card(path)) is not None]
    newest = max(cards, key=lambda card: (card.epoch, card.step), default=None)
    told = [from_name(path.stem) for path in checkpoints]
    epoch = newest.epoch if newest else max((facts["epoch"] for facts in told if "epoch" in facts), default=None)
    step = newest.step if newest else max((facts["step"] for facts in told if "step" in facts), default=None)
    name = _text(config, "exp_name", "name") or (newest.name if newest else None) or run.name or run.folder.name
    entry = registry.get(name)
    status = _STATUS.get(str(entry.status)) if entry else None
    seed = config.get("seed") if isinstance(config.get("seed"), int) else run.seed
    ended = max([when, *(card.created for card in cards)])
    return RunRecord.model_validate(
        {
            "id": run_id,
            "name": name,
            "task": run.task or (newest.task if newest else None) or facts.get("task"),
            "status": status or "interrupted",
            "host": "",
            "boot_id": "",
            "pid": 0,
            "process_start": None,
            "started": when,
            "updated": datetime.now(UTC),
            "ended": ended,
            "overrides": _overrides(folder / ".hydra" / "overrides.yaml"),
            "config": config_file.relative_to(folder).as_posix() if config_file else None,
            "config_hash": canonical_hash(config) if config else None,
            "seed": seed,
            "tags": ["migrated", *(entry.tags if entry else [])],
            "notes": [f"migrated from {run.folder}", *([f"{entry.id}: {entry.description}"] if entry else [])],
            "metrics": {metric.name: metric.value for metric in newest.metrics} if newest else {},
            "epoch": epoch,
            "step": step,
            "checkpoints": [path.relative_to(folder).as_posix() for path in checkpoints],
            "error": None if status else UNTOLD,
        }
    )


def _card(path: Path) -> CheckpointCard | None:
    try:
        return read_card(path)
    except CardError:
        return None


def _text(config: dict[str, Any], *keys: str) -> str | None:
    return next((value for key in keys if isinstance(value := config.get(key), str) and "${" not in value), None)


def _overrides(path: Path) -> list[str]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return []
    return [str(override) for override in content] if isinstance(content, list) else []
