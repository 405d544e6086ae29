"""Messages of the libraries that tell a user of this package nothing, kept off the screen."""

import logging
import warnings

_WARNINGS = (
    r"Experiment logs directory .* exists and is not empty",  # it is this run's own folder
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
    r"The number of training batches .* is smaller than the logging interval",
    r"The '\w+_dataloader' does not have many workers",
    r"Checkpoint directory .* exists and is not empty",
    r"Your `IterableDataset` has `__len__` defined",
    r"You're resuming from a checkpoint that ended before the epoch ended",  # the data knows where it was
)
_LINES = ("💡 Tip", "GPU available", "TPU available", "HPU available", "Loading `train_dataloader`")


def _tells_something(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_LINES)


def hush() -> None:
    """Filter them for the rest of the process."""
    for pattern in _WARNINGS:
        warnings.filterwarnings("ignore", message=pattern)
    for name in ("lightning.pytorch.utilities.rank_zero", "lightning.fabric.utilities.rank_zero"):
        logger = logging.getLogger(name)
        if _tells_something not in logger.filters:
            logger.addFilter(_tells_something)
