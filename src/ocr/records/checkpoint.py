"""The card beside a checkpoint: everything that is needed to find, judge, resume and export it.

python -m ocr.records.checkpoint > docs/schemas/checkpoint-card.schema.json
"""

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from durable.replace import write_bytes
from ocr.bundles.card import BundleCard
from ocr.errors import CardError
from ocr.records.layout import card_path
from ocr.schema import Limits, Mismatch, Positive, from_json, schema_text, to_json


@dataclass(frozen=True, kw_only=True)
class CheckpointCard(BundleCard):
    """A bundle's card before it is a bundle: what it holds, and how training came to it.

    ``encoder``, ``decoder``, ``head`` and ``loss`` are class names; ``config`` is the resolved config the model was
    built from, as plain values; ``weights_sha256`` and ``size`` are those of the checkpoint file.
    """

    encoder: str
    decoder: str
    head: str
    loss: str
    config: dict[str, Any]
    config_hash: str
    epoch: Annotated[int, Limits(ge=0)]
    step: Annotated[int, Limits(ge=0)]
    monitor: str | None
    mode: Literal["min", "max"]
    size: Positive
    seed: int | None = None
    created: datetime


def read_card(checkpoint: Path) -> CheckpointCard:
    """Read the card beside a checkpoint; CardError names the file and what is wrong with it."""
    path = card_path(checkpoint)
    try:
        return from_json(CheckpointCard, path.read_bytes())
    except FileNotFoundError as error:
        raise CardError(f"{path}: no card beside {checkpoint.name}; ocr checkpoints doctor writes one") from error
    except OSError as error:
        raise CardError(f"{path}: cannot be read: {error.strerror}") from error
    except Mismatch as error:
        raise CardError(f"{path}: {error}; ocr checkpoints doctor writes it anew") from error


def write_card(checkpoint: Path, card: CheckpointCard) -> Path:
    """Write the card beside a checkpoint that is already on disk; CardError when that cannot be done."""
    path = card_path(checkpoint)
    try:
        write_bytes(path, card_bytes(card))
    except OSError as error:
        raise CardError(
            f"{path}: cannot be written: {error.strerror}; make room, then ocr checkpoints doctor writes it"
        ) from error
    return path


def card_bytes(card: CheckpointCard) -> bytes:
    """What the file of a card holds."""
    return (to_json(card, indent=2) + "\n").encode()


def canonical_hash(config: dict[str, Any]) -> str:
    """SHA-256 of a resolved config without what differs between two runs of the same thing."""
    return hashlib.sha256(json.dumps(canonical(config), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def canonical(config: dict[str, Any]) -> dict[str, Any]:
    """A resolved config without what differs between two runs of the same thing: run, resume, and where both are.

    Folders of ``paths`` read ``${paths.NAME}`` wherever else they are named.
    """
    paths = config.get("paths")
    places = {place: f"${{paths.{name}}}" for name, place in (paths or {}).items() if isinstance(place, str) and place}
    inner_first = sorted(places, key=len, reverse=True)

    def unplaced(node: Any) -> Any:
        if isinstance(node, dict):
            return {name: unplaced(child) for name, child in node.items()}
        if isinstance(node, list):
            return [unplaced(child) for child in node]
        if isinstance(node, str):
            for place in inner_first:
                if node == place or node.startswith(place + os.sep):
                    return places[place] + node.removeprefix(place)
        return node

    return {name: unplaced(node) for name, node in config.items() if name not in ("run", "paths", "resume")}


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


if __name__ == "__main__":
    print(schema_text(CheckpointCard), end="")
