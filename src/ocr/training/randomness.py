"""The random state of a run, kept in its checkpoints: a resumed run goes on drawing where it stopped."""

import random
from typing import Any

import numpy as np
import torch
from lightning.pytorch.callbacks.callback import Callback

KEY = "random_state"


def random_state() -> dict[str, Any]:
    """State of Python's, NumPy's and torch's generators, as tensors and plain values."""
    version, words, gauss = random.getstate()
    legacy = np.random.get_state(legacy=False)
    assert isinstance(legacy, dict)
    return {
        "python": [version, list(words), gauss],
        "numpy": legacy | {"state": {"pos": legacy["state"]["pos"], "key": legacy["state"]["key"].tolist()}},
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def restore(state: dict[str, Any]) -> None:
    """Put the generators back to a state that `random_state` gave."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    legacy = state["numpy"]
    np.random.set_state(legacy | {"state": legacy["state"] | {"key": np.array(legacy["state"]["key"], np.uint32)}})
    torch.set_rng_state(state["torch"].cpu())
    # A run may go on with other accelerators than it began with.
    if len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([one.cpu() for one in state["cuda"]])


class RandomState(Callback):  # type: ignore[misc]
    """Saves the random state with each checkpoint and restores it before a resumed run's first step draws from it."""

    def __init__(self) -> None:
        self._resumed: dict[str, Any] | None = None

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:  # noqa: ARG002
        """Add the state to the checkpoint."""
        checkpoint[KEY] = random_state()

    def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:  # noqa: ARG002
        """Take the state out of the checkpoint, when it has one."""
        self._resumed = checkpoint.get(KEY)

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Restore it: only now, as the trainer makes and drops one more iterator over the data when it resumes."""
        self._restore()

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        """Restore it here where the run goes on inside an epoch, which does not start again."""
        self._restore()

    def _restore(self) -> None:
        if self._resumed is not None:
            restore(self._resumed)
            self._resumed = None
