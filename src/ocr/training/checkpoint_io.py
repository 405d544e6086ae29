"""How checkpoints reach the disk: whole or not at all, and the card only after them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.checkpoint_io import CheckpointIO

from durable.replace import replacing
from ocr.errors import CheckpointError
from ocr.records.layout import card_path
from ocr.training import weights

AfterSave = Callable[[Path, dict[str, Any]], None]


class DurableCheckpointIO(CheckpointIO):  # type: ignore[misc]
    """Writes into a temporary file of the same folder, syncs it and renames it; then calls `after_save`.

    Lightning's own goes through the temp folder of the system, which may be another filesystem, where a kill leaves
    half a file at the final name; and it has no hook for "the file is on disk".
    """

    def __init__(self) -> None:
        super().__init__()
        self.after_save: AfterSave | None = None

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:  # noqa: ARG002
        """Write the checkpoint; CheckpointError, when the disk is full for one, leaves the folder as it was."""
        target = Path(path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with replacing(target) as temporary:
                torch.save(checkpoint, temporary)
        except (OSError, RuntimeError) as error:  # torch's writer has no error of its own
            reason = getattr(error, "strerror", None) or str(error).split("\n")[0]
            raise CheckpointError(
                f"{target}: cannot be written: {reason}; make room and go on with resume=latest"
            ) from error
        if self.after_save is not None:
            self.after_save(target, checkpoint)

    def load_checkpoint(self, path: Any, map_location: Any = "cpu", weights_only: bool | None = True) -> dict[str, Any]:  # noqa: ARG002
        """Read a checkpoint, tensors and plain values only, whatever the caller asks."""
        return weights.load(Path(path), map_location or "cpu")

    def remove_checkpoint(self, path: Any) -> None:
        """Remove the card first: a checkpoint without a card is never offered as whole."""
        card_path(Path(path)).unlink(missing_ok=True)
        Path(path).unlink(missing_ok=True)
