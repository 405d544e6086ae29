"""Path aggregation (Liu et al., 2018): a feature pyramid followed by a bottom-up path, so that fine detail reaches the
coarse levels in a few layers."""

import torch
from torch import Tensor, nn

from ocr.nn.blocks import ConvNorm, initialise, upsample
from ocr.nn.interfaces import BaseDecoder


class PAN(BaseDecoder):
    """Merge maps of strides 4, 8, 16 and 32 top-down and bottom-up, each level giving a quarter of `channels`."""

    def __init__(self, *, in_channels: list[int], channels: int) -> None:
        super().__init__()
        self.channels = channels
        levels = len(in_channels)
        if channels % levels:
            raise ValueError(f"channels {channels} cannot be shared by {levels} levels")
        share = channels // levels
        self.lateral = nn.ModuleList(ConvNorm(given, channels, 1) for given in in_channels)
        self.reduce = nn.ModuleList(ConvNorm(channels, share) for _ in in_channels)
        self.down = nn.ModuleList(
            nn.Conv2d(share, share, 3, stride=2, padding=1, bias=False) for _ in range(levels - 1)
        )
        self.smooth = nn.ModuleList(ConvNorm(share, share) for _ in in_channels)
        initialise(self)

    def forward(self, features: list[Tensor]) -> Tensor:
        merged = [lateral(feature) for lateral, feature in zip(self.lateral, features, strict=True)]
        for level in range(len(merged) - 1, 0, -1):
            merged[level - 1] = merged[level - 1] + upsample(merged[level], 2)
        paths = [reduce(m) for reduce, m in zip(self.reduce, merged, strict=True)]
        for level, down in enumerate(self.down):
            paths[level + 1] = paths[level + 1] + down(paths[level])
        return torch.cat(
            [upsample(smooth(p), 2**level) for level, (smooth, p) in enumerate(zip(self.smooth, paths, strict=True))], 1
        )
