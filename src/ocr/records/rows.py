"""What the files of a run or checkpoint say, as a row of a listing. Never opens a checkpoint."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ocr.errors import CardError, RecordError
from ocr.records.checkpoint import read_card
from ocr.records.layout import CARD_SUFFIX, NO_CARD, OLD_LAYOUTS, ORPHAN, RECORD, WHOLE, old_layouts
from ocr.records.legacy import config_of, from_name, infer, read_card_v1
from ocr.records.old_paths import future_place, is_of_old_scheme
from ocr.records.run import read_record
from ocr.records.scan import Checkpoint, checkpoints_of
from ocr.records.upgrade import is_old

_CARD_FIELDS = (
    *("name", "task", "architecture", "encoder", "decoder", "head", "loss"),
    *("epoch", "step", "monitor", "mode", "run_id", "licence"),
)


def run_row(folder: str) -> dict[str, Any]:
    """What is listed of a run; a record that cannot be read gives a row that says so."""
    try:
        record = read_record(Path(folder))
    except RecordError as error:
        return {"folder": folder, "state": str(error).removeprefix(f"{folder}{os.sep}{RECORD}: ")}
    row = record.model_dump(mode="json", exclude={"schema_version", "packages", "command"})
    return {"folder": folder, "state": WHOLE, **row}


def checkpoint_rows(folder: str, state: str) -> list[dict[str, Any]]:
    """What is listed of the checkpoints in a folder whose files are in `state`, cards without one among them."""
    rows: list[dict[str, Any]] = []
    for files in checkpoints_of(folder, state):
        if files.size is None:
            rows += [{"path": card, "state": ORPHAN} for card in files.cards]
        else:
            rows.append(checkpoint_row(files))
    return rows


def checkpoint_row(files: Checkpoint) -> dict[str, Any]:
    """What is listed of a checkpoint: from its card, else from an old sidecar, else inferred from the saved config."""
    path = Path(files.path)
    row: dict[str, Any] = {
        "path": files.path,
        "size": files.size,
        "aliases": files.aliases,
        "created": datetime.fromtimestamp(files.modified, UTC).isoformat(),
        "state": WHOLE,
    }
    try:
        row |= _from_card(path, files) if files.cards else _without_card(path)
    except CardError as error:
        row |= _without_card(path) | {"state": str(error)}
    if len(files.cards) > 1:
        row["state"] = f"two cards: {', '.join(os.path.basename(card) for card in files.cards)}"
    return row


def _from_card(path: Path, files: Checkpoint) -> dict[str, Any]:
    new = str(path.with_suffix("")) + CARD_SUFFIX
    if new not in files.cards:
        return _old_row(Path(files.cards[0]), path)
    try:
        card = read_card(path)
    except CardError:
        if old_layouts() and is_old(Path(new)):
            return _old_row(Path(new), path)
        raise
    metrics = {record.name: record.value for record in card.metrics}
    row: dict[str, Any] = {key: getattr(card, key) for key in _CARD_FIELDS}
    row |= {"metrics": metrics, "score": metrics.get(card.monitor or ""), "created": card.created.isoformat()}
    row["charset_size"] = None if card.charset is None else len(card.charset)
    if card.size != files.size:
        row["state"] = f"damaged: {files.size} bytes, its card was written for {card.size}"
    return row


def _old_row(sidecar: Path, checkpoint: Path) -> dict[str, Any]:
    if not old_layouts():
        raise CardError(f"{sidecar}: an old sidecar, and {OLD_LAYOUTS}=off; ocr migrate outputs brings it up to date")
    return read_card_v1(sidecar).row() | {"old": future_place(checkpoint)}


def _without_card(path: Path) -> dict[str, Any]:
    """What the name and the saved config tell; no field is ever guessed."""
    config = config_of(path)
    told = from_name(path.stem) | (infer(config) if config else {})
    if old_layouts() and is_of_old_scheme(path):
        told["old"] = future_place(path)
    return {"name": path.stem, "encoder": NO_CARD, "metrics": {}, **told, "state": NO_CARD}
