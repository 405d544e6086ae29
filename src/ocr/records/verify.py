"""Whether a checkpoint is the one its card was written for."""

import zipfile
import zlib
from pathlib import Path

from ocr.errors import CardError
from ocr.records.checkpoint import file_sha256, read_card
from ocr.records.layout import WHOLE, old_layouts
from ocr.records.upgrade import old_sidecar


def verify(checkpoint: Path, listed: str = WHOLE) -> str:
    """``whole`` when every byte is as the card says, else what is wrong; `listed` is what the catalog says of it.

    Old sidecars name no checksum: there the sums that the file itself holds have to be right.
    """
    if listed != WHOLE:
        return listed
    try:
        card = read_card(checkpoint)
        found = file_sha256(checkpoint)
    except CardError as error:
        if old_layouts() and old_sidecar(checkpoint) is not None:
            return archive_fault(checkpoint) or WHOLE
        return str(error)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if found != card.weights_sha256:
        return f"damaged: its SHA-256 begins with {found[:12]}, its card was written for {card.weights_sha256[:12]}"
    return WHOLE


def archive_fault(checkpoint: Path) -> str | None:
    """What is wrong with the archive that a checkpoint is, by its own sums; None when nothing is. Unpickles nothing."""
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            bad = archive.testzip()
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except (zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        return f"damaged or no checkpoint: {error}"
    return None if bad is None else f"damaged: {bad} in it has another sum than it was written with"
