"""What two runs have in common and what not, and how to repeat one."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ocr.errors import RecordError
from ocr.records.checkpoint import canonical
from ocr.records.run import RunRecord


def flatten(node: Any, prefix: str = "") -> dict[str, Any]:
    """A nested config as dotted keys; lists of plain values stay whole."""
    if isinstance(node, dict) and node:
        return {key: value for name, child in node.items() for key, value in flatten(child, f"{prefix}{name}.").items()}
    if isinstance(node, list) and any(isinstance(child, dict | list) for child in node):
        return {key: value for n, child in enumerate(node) for key, value in flatten(child, f"{prefix}{n}.").items()}
    return {prefix.removesuffix("."): node}


def config_of_run(folder: Path, record: RunRecord) -> dict[str, Any]:
    """The canonical config of a run, flat; empty when it is gone, RecordError when it is damaged."""
    path = folder / (record.config or "")
    try:
        config = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except OSError:
        return {}
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecordError(f"{path}: no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(config, dict):
        raise RecordError(f"{path}: no config: it holds no keys")
    return flatten(canonical(config))


def difference(a: tuple[Path, RunRecord], b: tuple[Path, RunRecord]) -> dict[str, dict[str, tuple[Any, Any]]]:
    """What differs, by part (config, data, code, packages, metrics) and key: the value in `a` and the one in `b`."""
    parts = {
        "config": (config_of_run(*a), config_of_run(*b)),
        "data": tuple({"manifest": record.data_manifest_hash} for _, record in (a, b)),
        "code": tuple({"revision": r.git_revision, "changed files": r.git_dirty} for _, r in (a, b)),
        "packages": (a[1].packages, b[1].packages),
        "metrics": (a[1].metrics, b[1].metrics),
    }
    changes = {part: _changes(left, right) for part, (left, right) in parts.items()}
    return {part: found for part, found in changes.items() if found}


def _changes(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    keys = [*left, *(key for key in right if key not in left)]
    return {key: (left.get(key), right.get(key)) for key in keys if left.get(key) != right.get(key)}


def repeat_command(record: RunRecord) -> str:
    """The shell command that repeats a run: its code, its folder, its overrides, its seed."""
    said = {override.lstrip("+~").partition("=")[0] for override in record.overrides}
    seed = [] if "seed" in said or record.seed is None else [f"seed={record.seed}"]
    steps = [f"cd {shlex.quote(record.working_dir)}"] if record.working_dir else []
    if record.git_revision:
        steps.append(f"git checkout {record.git_revision}")
    steps.append(shlex.join(["ocr", "train", *record.overrides, *seed]))
    return " && ".join(steps)
