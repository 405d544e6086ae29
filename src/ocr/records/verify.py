"""Whether a checkpoint is the one its card was written for."""

from pathlib import Path

from ocr.errors import CardError
from ocr.records.checkpoint import file_sha256, read_card
from ocr.records.layout import WHOLE


def verify(checkpoint: Path, listed: str = WHOLE) -> str:
    """``whole`` when every byte is as the card says, else what is wrong; `listed` is what the catalog says of it."""
    if listed != WHOLE:
        return listed
    try:
        card = read_card(checkpoint)
        found = file_sha256(checkpoint)
    except CardError as error:
        return str(error)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if found != card.weights_sha256:
        return f"damaged: its SHA-256 begins with {found[:12]}, its card was written for {card.weights_sha256[:12]}"
    return WHOLE
