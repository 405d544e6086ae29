"""Exponential moving average of the weights, used for validation and for what a checkpoint keeps as its weights."""

from itertools import chain
from typing import Any

import torch
from lightning.pytorch.callbacks.weight_averaging import WeightAveraging


class WeightEma(WeightAveraging):  # type: ignore[misc]
    """After each optimizer step the average moves by ``1 - decay`` towards the weights.

    Early on the factor is ``(1 + n) / (10 + n)`` after n steps, so that a short run does not average in its first,
    random weights. Counters (of batch normalisation) are copied, and so is what is infinite, as the padding of a
    converted graph is: the mean of infinities is not a number. No update but the first waits for the device.
    """

    def __init__(self, *, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay {decay} is not in [0, 1)")
        super().__init__()
        self.decay = decay
        self._latest_update_step: int = 0
        self._moving: list[int] = []

    @torch.no_grad()
    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        """Move the average, when the batch ended in an optimizer step."""
        steps = trainer.global_step
        if self._average_model is None or steps <= self._latest_update_step:
            return
        average = self._average_model.module
        means = list(chain(average.parameters(), average.buffers()))
        currents = list(chain(pl_module.parameters(), pl_module.buffers()))
        moving = self._moving = self._moving or [n for n, current in enumerate(currents) if _has_mean(current)]
        decay = min(self.decay, (1 + self._latest_update_step) / (10 + self._latest_update_step))
        torch._foreach_lerp_([means[n] for n in moving], [currents[n] for n in moving], 1 - decay)
        for n in set(range(len(means))).difference(moving):
            means[n].copy_(currents[n])
        self._latest_update_step = steps

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Nothing yet: the checkpoint that may be written now needs the weights themselves to go on from."""

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Leave the averaged weights in the module, when training began at all."""
        if self._average_model is not None:
            super().on_train_end(trainer, pl_module)


def _has_mean(values: torch.Tensor) -> bool:
    return values.is_floating_point() and bool(torch.isfinite(values).all())
