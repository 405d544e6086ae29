"""DBNet (Liao et al., 2020): backbone, neck and head; images in, maps out, nothing of training."""

from collections.abc import Callable

from torch import Tensor, nn

from ocr.nn.heads.db_head import DbMaps
from ocr.nn.interfaces import BaseDecoder, BaseEncoder, BaseHead

__all__ = ["DBNet", "DbMaps"]


class DBNet(nn.Module):
    """Text detection by a probability map; each part is sized by the one before it."""

    def __init__(
        self, *, backbone: BaseEncoder, neck: Callable[..., BaseDecoder], head: Callable[..., BaseHead]
    ) -> None:
        """Build ``neck(in_channels=backbone.channels)`` and ``head(in_channels=neck.channels)``."""
        super().__init__()
        self.backbone = backbone
        self.neck = neck(in_channels=backbone.channels)
        self.head = head(in_channels=self.neck.channels)

    def forward(self, images: Tensor) -> DbMaps:
        """Return maps (N, 1, H, W) for images (N, 3, H, W); H and W are multiples of 32."""
        maps: DbMaps = self.head(self.neck(self.backbone(images)))
        return maps
