"""What the parts of a network owe each other."""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn


class BaseEncoder(nn.Module, ABC):
    """Images to feature maps; `channels` holds the channels of each map, finest first.

    `published` is what is known of the published weights it starts from, `file` the file of weights; None without.
    """

    channels: list[int]
    published: dict[str, Any] | None = None
    file: str | None = None

    @abstractmethod
    def forward(self, images: Tensor) -> list[Tensor]:
        """Return feature maps of falling resolution for images (N, 3, H, W)."""


class BaseDecoder(nn.Module, ABC):
    """Several feature maps to one; `channels` is the number of channels of it."""

    channels: int

    @abstractmethod
    def forward(self, features: list[Tensor]) -> Tensor:
        """Return one map (N, channels, H, W) at the resolution of the first feature map."""


class BaseHead(nn.Module, ABC):
    """Features to what the task asks for."""

    @abstractmethod
    def forward(self, features: Tensor) -> Any:
        """Return the task's output; nothing in it depends on targets."""


class BaseLoss(nn.Module, ABC):
    """Outputs and targets to scalars."""

    @abstractmethod
    def forward(self, outputs: Any, targets: Any) -> dict[str, Tensor]:
        """Return scalars by name; ``loss`` is the one to minimise, the others are its parts, detached."""
