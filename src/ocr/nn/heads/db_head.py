"""The head of DBNet (Liao et al., 2020): probability and threshold maps at the resolution of the image."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ocr.nn.blocks import ConvNorm, initialise
from ocr.nn.interfaces import BaseHead

PRIOR = 0.02
"""Probability the untrained head gives every pixel: kernels cover a few percent of a page."""


class DbMaps(NamedTuple):
    """Logits of the probability map and the threshold map in [0, 1], both float32 (N, 1, H, W).

    `threshold` is None outside training, unless it is asked for, and for networks without a threshold branch.
    """

    probability_logits: Tensor
    threshold: Tensor | None


class DBHead(BaseHead):
    """Two branches of a 3x3 convolution and two transposed ones.

    The threshold branch runs in training only, as reading needs none, or always when ``always_threshold`` is set.
    """

    def __init__(self, *, in_channels: int) -> None:
        super().__init__()
        self.always_threshold = False
        self.probability = _branch(in_channels)
        self.threshold = _branch(in_channels)
        last = self.probability[-1]
        assert isinstance(last, nn.ConvTranspose2d)
        assert last.bias is not None
        nn.init.constant_(last.bias, math.log(PRIOR / (1 - PRIOR)))
        # Kaiming's spread would drown the prior in the first steps.
        nn.init.normal_(last.weight, std=0.01)

    def forward(self, features: Tensor) -> DbMaps:
        """Return maps of four times the resolution of `features`."""
        logits = self.probability(features).float()
        if not (self.training or self.always_threshold):
            return DbMaps(logits, None)
        return DbMaps(logits, torch.sigmoid(self.threshold(features).float()))


def _branch(in_channels: int) -> nn.Sequential:
    inner = in_channels // 4
    branch = nn.Sequential(
        ConvNorm(in_channels, inner),
        nn.ConvTranspose2d(inner, inner, 2, stride=2, bias=False),
        nn.BatchNorm2d(inner),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(inner, 1, 2, stride=2),
    )
    initialise(branch)
    return branch
