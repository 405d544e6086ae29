"""Adaptive scale fusion of DBNet++ (Liao et al., 2022): every pixel weighs the levels of the pyramid for itself."""

import torch
from torch import Tensor, nn

from ocr.nn.blocks import ConvNorm, initialise
from ocr.nn.interfaces import BaseDecoder
from ocr.nn.necks.fpn import FPN


class ASF(BaseDecoder):
    """A feature pyramid whose levels are weighted by channel-and-space attention, one weight a level and pixel."""

    def __init__(self, *, in_channels: list[int], channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.pyramid = FPN(in_channels=in_channels, channels=channels)
        inner = max(channels // 4, 8)
        self.mix = nn.Conv2d(channels, inner, 3, padding=1)
        self.channel = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), ConvNormless(inner, max(inner // 4, 4)), nn.Conv2d(max(inner // 4, 4), inner, 1)
        )
        self.space = nn.Sequential(ConvNorm(1, 1), nn.Conv2d(1, 1, 1))
        self.level = nn.Conv2d(inner, len(in_channels), 1)
        for part in (self.mix, self.channel, self.space, self.level):
            initialise(part)

    def forward(self, features: list[Tensor]) -> Tensor:
        levels = self.pyramid.levels(features)
        mixed = self.mix(torch.cat(levels, 1))
        mixed = mixed + torch.sigmoid(self.channel(mixed))
        mixed = mixed + torch.sigmoid(self.space(mixed.mean(1, keepdim=True)))
        weights = torch.sigmoid(self.level(mixed))
        return torch.cat([level * weights[:, i : i + 1] for i, level in enumerate(levels)], 1)


class ConvNormless(nn.Sequential):
    """A 1x1 convolution and ReLU: batch norm means nothing on a pooled pixel."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(nn.Conv2d(in_channels, out_channels, 1), nn.ReLU(inplace=True))
