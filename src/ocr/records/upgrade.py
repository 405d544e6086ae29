"""An old sidecar as a card of today: what it said, what the saved config adds, what the old code fixed."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from durable.replace import write_bytes
from ocr.bundles.card import MetricRecord
from ocr.errors import CardError, InputError
from ocr.records.checkpoint import CheckpointCard, canonical_hash, file_sha256, read_card, write_card
from ocr.records.layout import CARD_SUFFIX, OLD_CARD_SUFFIX, card_path, old_layouts
from ocr.records.legacy import CardV1, config_of, read_card_v1
from ocr.records.legacy_targets import rename_all
from ocr.schema import Mismatch, from_plain
from ocr.specs.decode import DecodeSpec
from ocr.specs.postprocess import PostprocessSpec
from ocr.specs.preprocess import PreprocessSpec
from ocr.text.charset import Charset

# What is added to the name of a sidecar that a card has replaced.
SET_ASIDE = ".old"
PROTOCOL = "as the old code logged it: means over images (CLEval for detection)"
# What the old code did whenever its config did not say otherwise.
_OLD_DETECTION = PreprocessSpec(resize="limit", max_side=640, multiple=32)
_OLD_RECOGNITION = PreprocessSpec(resize="fixed", height=224, width=224)
_OLD_POSTPROCESS = PostprocessSpec(binarize=0.3, box_threshold=0.7, max_candidates=1000)
_OLD_DECODE = DecodeSpec(kind="parseq", max_length=25)


def usable_card(checkpoint: Path) -> CheckpointCard:
    """The card beside a checkpoint, or its old sidecar as one; CardError when neither serves."""
    try:
        return read_card(checkpoint)
    except CardError:
        sidecar = old_sidecar(checkpoint) if old_layouts() else None
        if sidecar is None:
            raise
    return upgrade(
        read_card_v1(sidecar),
        config_at(config_of(checkpoint)),
        sha256=file_sha256(checkpoint),
        size=checkpoint.stat().st_size,
        near=checkpoint.resolve().parent,
    )


def renew(checkpoint: Path) -> list[Path]:
    """Put a card of today in the place of the old sidecars of a checkpoint; return where those are kept now.

    A card that is there already stays. Raises CardError for sidecars that differ, and as `upgrade` does.
    """
    sidecars = [path for path in sidecars_of(checkpoint) if is_old(path)]
    read = [read_card_v1(path) for path in sidecars]
    if any(card != read[0] for card in read):
        raise CardError(f"two cards that differ: {', '.join(path.name for path in sidecars)}; remove the wrong one")
    kept = {path: path.with_name(path.name + SET_ASIDE) for path in sidecars}
    new = card_path(checkpoint)
    try:
        read_card(checkpoint)
    except CardError:
        card = usable_card(checkpoint)
        if new in kept:
            write_bytes(kept[new], new.read_bytes())
        write_card(checkpoint, card)
    for path, place in kept.items():
        if path != new:
            path.rename(place)
    return list(kept.values())


def old_sidecar(checkpoint: Path) -> Path | None:
    """The old sidecar beside a checkpoint, if there is one."""
    return next((path for path in sidecars_of(checkpoint) if is_old(path)), None)


def sidecars_of(checkpoint: Path) -> list[Path]:
    """Cards and old sidecars beside a checkpoint, the YAML one, which the old code wrote last, first."""
    real = checkpoint.resolve() if checkpoint.is_symlink() else checkpoint
    return [path for suffix in (OLD_CARD_SUFFIX, CARD_SUFFIX) if (path := real.with_name(real.stem + suffix)).is_file()]


def is_old(sidecar: Path) -> bool:
    """Whether a file beside a checkpoint is one of the old sidecars, readable or not, rather than a card of today."""
    if sidecar.name.endswith(OLD_CARD_SUFFIX):
        return True
    try:
        content = json.loads(sidecar.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and isinstance(content.get("schema_version"), str)


def config_at(path: Path | None) -> dict[str, Any]:
    """A saved config as plain values, with its targets as they are called now; empty when it cannot be read."""
    if path is None:
        return {}
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        plain = json.loads(json.dumps(content, default=str))
    except (OSError, ValueError, TypeError, RecursionError, yaml.YAMLError):
        return {}
    return rename_all(plain)[0] if isinstance(plain, dict) else {}


def upgrade(
    old: CardV1, config: Mapping[str, Any], *, sha256: str, size: int, near: Path, run_id: str | None = None
) -> CheckpointCard:
    """The card that says what `old` and `config` say; its notes name what neither told and the old code fixed.

    Characters of a recognizer are looked for below and above the folder `near`. Raises CardError for what is missing.
    """
    row = old.row()
    notes = [f"Upgraded from a sidecar of schema {old.schema_version}."]
    model = config.get("model")
    model = model if isinstance(model, dict) else {}
    detection = row["task"] == "detection"
    metrics = dict(sorted(row["metrics"].items()))
    if lost := sorted(set(old.measured()) - set(metrics)):
        notes.append(f"Not a finite number: {', '.join(lost)}.")
    try:
        card = {
            "name": old.exp_name,
            "task": row["task"],
            "architecture": row["architecture"],
            "preprocess": _preprocess(config, model, notes, detection=detection),
            "postprocess": _postprocess(model, config, notes) if detection else None,
            "decode": None if detection else _spec(DecodeSpec, model.get("decode")) or _OLD_DECODE,
            "charset": None if detection else _characters(config, near),
            "metrics": [
                MetricRecord(name=name, value=value, n=0, data="validation", protocol=PROTOCOL)
                for name, value in metrics.items()
            ],
            "run_id": run_id,
            "licence": "not stated",
            "weights_sha256": sha256,
            "notes": " ".join(notes),
            "encoder": str(row["encoder"]),
            "decoder": str(row["decoder"]),
            "head": str(row["head"]),
            "loss": str(row["loss"]),
            "config": dict(config),
            "config_hash": canonical_hash(dict(config)),
            "epoch": row["epoch"],
            "step": row["step"],
            "monitor": row["monitor"],
            "mode": row["mode"],
            "size": size,
            "seed": config.get("seed") if isinstance(config.get("seed"), int) else None,
            "created": moment(old.created_at),
        }
        return from_plain(CheckpointCard, card)
    except Mismatch as error:
        raise CardError(f"its old sidecar makes no card: {error}") from error


def moment(text: str) -> datetime:
    """A time of the old code, which wrote none with a zone, as UTC; CardError when it is none."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise CardError(f"created_at: {text!r} is no time") from error
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _spec(kind: Any, node: Any) -> Any:
    """A spec of today's config, or None where there is none."""
    if not isinstance(node, dict) or not str(node.get("_target_", "")).endswith(f".{kind.__name__}"):
        return None
    return from_plain(kind, {key: value for key, value in node.items() if not key.startswith("_")})


def _preprocess(
    config: Mapping[str, Any], model: Mapping[str, Any], notes: list[str], *, detection: bool
) -> PreprocessSpec:
    today: PreprocessSpec | None = _spec(PreprocessSpec, model.get("preprocess"))
    if today is not None:
        return today
    if not detection:
        notes.append("Preprocessing is what the old code fixed: 224 x 224.")
        return _OLD_RECOGNITION
    for node in _nodes(config):
        if str(node.get("_target_", "")).endswith("LongestMaxSize") and isinstance(node.get("max_size"), int):
            found = {"resize": "limit", "max_side": node["max_size"], "multiple": _OLD_DETECTION.multiple}
            return from_plain(PreprocessSpec, found)
    notes.append("Preprocessing is what the old code fixed: long side 640.")
    return _OLD_DETECTION


def _postprocess(model: Mapping[str, Any], config: Mapping[str, Any], notes: list[str]) -> PostprocessSpec:
    today: PostprocessSpec | None = _spec(PostprocessSpec, model.get("postprocess"))
    if today is not None:
        return today
    for node in _nodes(config):
        if "box_thresh" in node and "thresh" in node:
            found = {
                "binarize": node["thresh"],
                "box_threshold": node["box_thresh"],
                "max_candidates": node.get("max_candidates", _OLD_POSTPROCESS.max_candidates),
                "shape": "polygon" if node.get("use_polygon") else "quad",
            }
            return from_plain(PostprocessSpec, found)
    notes.append("Postprocessing is what the old code fixed: thresholds 0.3 and 0.7.")
    return _OLD_POSTPROCESS


def _characters(config: Mapping[str, Any], near: Path) -> list[str]:
    """The characters of an old recognizer: the config's list, or the file its tokenizer names."""
    for node in _nodes(config):
        named = node.get("charset_path")
        if isinstance(node.get("charset"), list):
            return [str(character) for character in node["charset"]]
        if isinstance(named, str):
            places = [folder / named for folder in (near, *near.parents)] + [near / Path(named).name]
            file = next((place for place in places if place.is_file()), None)
            if file is None:
                raise CardError(f"its characters are in {named}, which is not there; put it beside the checkpoint")
            try:
                return list(Charset.from_file(file).characters)
            except InputError as error:
                raise CardError(str(error)) from error
    raise CardError("no config near it names its characters, without which a recognizer cannot be read")


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, Mapping):
        yield dict(node)
        for child in node.values():
            yield from _nodes(child)
    elif isinstance(node, list):
        for child in node:
            yield from _nodes(child)
