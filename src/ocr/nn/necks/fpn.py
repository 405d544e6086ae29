"""Feature pyramid (Lin et al., 2017) as DBNet uses it: four levels merged top-down, then side by side at stride 4."""

import torch
from torch import Tensor, nn

from ocr.nn.blocks import ConvNorm, initialise, upsample
from ocr.nn.interfaces import BaseDecoder


class FPN(BaseDecoder):
    """Merge maps of strides 4, 8, 16 and 32, each level giving a quarter of `channels`."""

    def __init__(self, *, in_channels: list[int], channels: int) -> None:
        super().__init__()
        self.channels = channels
        levels = len(in_channels)
        if channels % levels:
            raise ValueError(f"channels {channels} cannot be shared by {levels} levels")
        self.lateral = nn.ModuleList(ConvNorm(given, channels, 1) for given in in_channels)
        self.smooth = nn.ModuleList(ConvNorm(channels, channels // levels) for _ in in_channels)
        initialise(self)

    def levels(self, features: list[Tensor]) -> list[Tensor]:
        """Return the merged maps, `channels` / levels channels each, all at the resolution of the first."""
        merged = [lateral(feature) for lateral, feature in zip(self.lateral, features, strict=True)]
        for level in range(len(merged) - 1, 0, -1):
            merged[level - 1] = merged[level - 1] + upsample(merged[level], 2)
        return [
            upsample(smooth(m), 2**level) for level, (smooth, m) in enumerate(zip(self.smooth, merged, strict=True))
        ]

    def forward(self, features: list[Tensor]) -> Tensor:
        return torch.cat(self.levels(features), 1)
