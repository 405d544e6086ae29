"""Learning-rate schedules by optimizer step; each is asked for with the number of steps the run will take."""

import math
from collections.abc import Callable

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def cosine(optimizer: Optimizer, total_steps: int, *, warmup: float, floor: float) -> LambdaLR:
    """Linear warm-up over the fraction `warmup` of the steps, then half a cosine down to `floor` times the rate."""
    return _scaled(
        optimizer, total_steps, warmup, lambda done: floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))
    )


def poly(optimizer: Optimizer, total_steps: int, *, warmup: float, power: float) -> LambdaLR:
    """Linear warm-up, then ``(1 - done) ** power`` of the rate (Liao et al., 2020, use 0.9)."""
    return _scaled(optimizer, total_steps, warmup, lambda done: (1 - done) ** power)


def one_cycle(
    optimizer: Optimizer, total_steps: int, *, warmup: float, start_factor: float, end_factor: float
) -> LambdaLR:
    """From `start_factor` of the rate up to it over the fraction `warmup`, down to `end_factor`, both along cosines.

    The learning-rate half of Smith and Topin, 2018; momentum stays as it is.
    """

    peak, last = warmup * total_steps - 1, total_steps - 1

    def factor(step: int) -> float:
        if step < peak:
            return 1 + (start_factor - 1) * 0.5 * (1 + math.cos(math.pi * step / peak))
        done = min((step - peak) / max(last - peak, 1e-9), 1.0)
        return end_factor + (1 - end_factor) * 0.5 * (1 + math.cos(math.pi * done))

    return LambdaLR(optimizer, factor)


def constant(optimizer: Optimizer, total_steps: int, *, warmup: float) -> LambdaLR:
    """Linear warm-up, then the rate as it is."""
    return _scaled(optimizer, total_steps, warmup, lambda _done: 1.0)


def _scaled(optimizer: Optimizer, total_steps: int, warmup: float, decay: Callable[[float], float]) -> LambdaLR:
    warm_steps = round(warmup * total_steps)

    def factor(step: int) -> float:
        if step < warm_steps:
            return (step + 1) / (warm_steps + 1)
        return decay(min((step - warm_steps) / max(total_steps - warm_steps, 1), 1.0))

    return LambdaLR(optimizer, factor)
