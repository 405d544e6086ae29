"""Names of the files of a run. Nothing is imported here, as listings must start at once."""

import os
from pathlib import Path

RECORD = "run.json"
HEARTBEAT = "heartbeat"
LAST = Path("checkpoints") / "last.ckpt"
BEST = Path("checkpoints") / "best.ckpt"
CARD_SUFFIX = ".metadata.json"
OLD_CARD_SUFFIX = ".metadata.yaml"

# State of what can be listed and used as it is, of a checkpoint of which nothing but its name is known, and of a card
# that is no checkpoint's.
WHOLE = "whole"
NO_CARD = "no card: run doctor"
ORPHAN = "a card, but its checkpoint is not there"

# Set to "off", listings pass over what only the old layouts wrote.
OLD_LAYOUTS = "OCR_OLD_LAYOUTS"


def old_layouts() -> bool:
    """Whether sidecars of old layouts are read: they are, unless ``OCR_OLD_LAYOUTS=off``."""
    return os.environ.get(OLD_LAYOUTS, "on").lower() not in ("off", "0", "false", "no")


def card_path(checkpoint: Path) -> Path:
    """Where the card of a checkpoint is: ``epoch-07.ckpt`` has ``epoch-07.metadata.json``; of a link, its target's."""
    if checkpoint.is_symlink():
        checkpoint = checkpoint.resolve()
    return checkpoint.with_name(checkpoint.stem + CARD_SUFFIX)
