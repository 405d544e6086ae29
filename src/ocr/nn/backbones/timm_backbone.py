"""Any network of timm as an encoder."""

import logging
import threading
import urllib.request
from contextlib import suppress
from typing import Any

import timm
from huggingface_hub import constants
from torch import Tensor

from ocr.nn.interfaces import BaseEncoder

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0


class TimmBackbone(BaseEncoder):
    """Feature maps of the timm network `name`, those of `out_indices`.

    With `pretrained` the published weights are used when they are cached or their host answers within five seconds;
    otherwise the log says so and training starts from scratch.
    """

    def __init__(self, *, name: str, pretrained: bool, out_indices: list[int]) -> None:
        """Raises ValueError when timm has no such network."""
        super().__init__()
        if not timm.is_model(name):
            raise ValueError(f"timm has no network {name}")
        self.network = _create(name, pretrained, out_indices)
        self.channels = list(self.network.feature_info.channels())

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return feature maps of falling resolution for images (N, 3, H, W)."""
        features: list[Tensor] = self.network(images)
        return features


def _create(name: str, pretrained: bool, out_indices: list[int]) -> Any:
    if pretrained:
        before = constants.HF_HUB_OFFLINE
        # Without a connection the hub's client would try again for most of a minute; told so, it asks its cache only.
        constants.HF_HUB_OFFLINE = before or not _host_answers()
        try:
            return timm.create_model(name, pretrained=True, features_only=True, out_indices=out_indices)
        except (OSError, RuntimeError) as error:
            reason = str(error).split("\n")[0]
            log.warning("no pretrained weights for %s, starting from scratch (%s)", name, reason)
        finally:
            constants.HF_HUB_OFFLINE = before
    return timm.create_model(name, pretrained=False, features_only=True, out_indices=out_indices)


def _host_answers() -> bool:
    """Whether the host of the weights answers one request; in a thread, as looking up a name has no time limit."""
    answers: list[int] = []

    def ask() -> None:
        request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
        with suppress(OSError), urllib.request.urlopen(request, timeout=CONNECT_SECONDS) as response:
            answers.append(response.status)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    return bool(answers)
