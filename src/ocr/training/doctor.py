"""What a bare checkpoint is, from its weights and the config saved near it; and the card it lacks."""

from pathlib import Path
from typing import Any

import torch
import yaml

from ocr.errors import CardError, CheckpointError, OcrError, RecordError
from ocr.records.checkpoint import file_sha256, read_card, write_card
from ocr.records.layout import old_layouts
from ocr.records.legacy import config_of, from_name
from ocr.records.legacy_targets import translate
from ocr.records.run import RunRecord, read_record
from ocr.records.upgrade import old_sidecar, renew, usable_card
from ocr.records.verify import archive_fault
from ocr.text.charset import Charset
from ocr.training import weights
from ocr.training.build import build_module, without_pretrained
from ocr.training.cards import CardMaker
from ocr.training.instantiate import check
from ocr.training.start import start_of, with_kept_graph

CHECKPOINTS = "UniqueModelCheckpoint"


def examine(path: Path, *, dry_run: bool) -> dict[str, Any]:
    """Look into a checkpoint; write its card when it lacks one and the config it was trained with is known.

    Returns what it ``is``, what was ``done``, and the ``problem`` that is left, empty when there is none.
    """
    finding: dict[str, Any] = {"path": str(path), "is": "no checkpoint", "done": "nothing", "problem": ""}
    try:
        old = old_layouts() and old_sidecar(path) is not None
        try:
            content = weights.load(path)
        except CheckpointError:
            # The old code kept more than weights in its checkpoints. What they are, its sidecars tell all the same.
            if old and archive_fault(path) is None:
                finding["is"], finding["done"] = "told by its old sidecar alone", _renew(path, dry_run=dry_run)
            raise
        finding["is"] = describe(content)
        finding["done"] = _renew(path, dry_run=dry_run) if old else _heal(path, content, dry_run=dry_run)
    except OcrError as error:
        finding["problem"] = str(error).removeprefix(f"{path}: ")
    return finding


def _renew(path: Path, *, dry_run: bool) -> str:
    """Bring the card of a checkpoint that has an old sidecar up to date."""
    if dry_run:
        usable_card(path)
        return "its old sidecar would become a card"
    return f"its old sidecar became a card, and is kept as {', '.join(place.name for place in renew(path))}"


def describe(content: dict[str, Any]) -> str:
    """What the weights alone tell: parts, size, characters, epoch."""
    state = content["state_dict"]
    parts = sorted({".".join(name.split(".")[:2]) for name in state if "." in name})
    numbers = sum(value.numel() for value in state.values() if isinstance(value, torch.Tensor))
    told = [f"{numbers / 1e6:.2f} million numbers in {', '.join(parts[:6])}" + (" ..." if len(parts) > 6 else "")]
    if "charset" in content:
        told.append(f"a recognizer of {len(content['charset'])} characters")
    if "epoch" in content:
        told.append(f"epoch {content['epoch']}, step {content.get('global_step', 'not told')}")
    return ", ".join(told)


def _heal(path: Path, content: dict[str, Any], *, dry_run: bool) -> str:
    try:
        card = read_card(path)
    except CardError:
        card = None
    if card is not None and (card.size, card.weights_sha256) == (path.stat().st_size, file_sha256(path)):
        return "nothing: its card is right"
    config = _config(path)
    characters = content.get("charset")
    _compare(config, content, path)
    record = _record(path)
    maker = CardMaker(
        config,
        run_id=record.id if record else None,
        git_revision=record.git_revision if record else None,
        data_hash=record.data_manifest_hash if record else None,
        charset=characters,
        start=start_of(config),
    )
    card = maker(
        metrics=_metrics(path, content, record, config["monitor"]),
        n=0,
        epoch=int(content["epoch"]),
        step=int(content["global_step"]),
        monitor=config["monitor"],
        mode=config["callbacks"]["checkpoint"]["mode"],
        size=path.stat().st_size,
        sha256=file_sha256(path),
    )
    if dry_run:
        return "its card would be written"
    write_card(path, card)
    return "its card was written"


def _metrics(path: Path, content: dict[str, Any], record: RunRecord | None, monitor: str) -> dict[str, float]:
    """What the run recorded at this very step, else the one score that the checkpoint or its name remembers."""
    if record is not None and record.step == content["global_step"]:
        return record.metrics
    states: dict[str, Any] = content.get("callbacks", {})
    scores = [state["scores"].get(path.name) for name, state in states.items() if CHECKPOINTS in name]
    scores += from_name(path.stem).get("metrics", {}).values()
    score = next((score for score in scores if score is not None), None)
    return {} if score is None else {monitor: score}


def _config(path: Path) -> dict[str, Any]:
    """The resolved config of the run that a checkpoint is in; CheckpointError when there is none of today's form."""
    file = config_of(path)
    if file is None:
        raise CheckpointError(
            f"{path}: no config is saved near it, so no card can be written; move it back into its run"
        )
    content = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    if file.name != "resolved.yaml" or not isinstance(content, dict) or "network" not in content.get("model", {}):
        raise CheckpointError(f"{path}: {file} is of an old layout, from which no card can be written")
    current: dict[str, Any] = translate(content)
    return current


def _compare(config: dict[str, Any], content: dict[str, Any], path: Path) -> None:
    """Build the model of the config and hold the weights against it; CheckpointError names what differs."""
    kept = with_kept_graph(without_pretrained(config), path.resolve().parent)
    check({"model": kept["model"]})
    characters = content.get("charset")
    if config["task"] == "recognition" and characters is None:
        raise CheckpointError(f"{path}: its config is a recognizer's, but it names no charset")
    module = build_module(kept, Charset(tuple(characters)) if characters else None)
    weights.compare(module.state_dict(), content["state_dict"], path)


def _record(path: Path) -> RunRecord | None:
    for folder in (path.parent, path.parent.parent):
        try:
            return read_record(folder)
        except RecordError:
            continue
    return None
