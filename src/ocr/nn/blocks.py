"""Layers that several networks share."""

import torch.nn.functional as F
from torch import Tensor, nn


class ConvNorm(nn.Sequential):
    """Convolution that keeps the size, batch norm, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )


def upsample(features: Tensor, factor: int) -> Tensor:
    """Repeat every pixel `factor` times in both directions."""
    return F.interpolate(features, scale_factor=float(factor), mode="nearest") if factor > 1 else features


def initialise(module: nn.Module) -> None:
    """Kaiming-normal convolutions, batch norms at one, as DBNet starts them."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.ones_(layer.weight)
            nn.init.constant_(layer.bias, 1e-4)
