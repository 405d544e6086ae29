"""Any network of timm as an encoder."""

import logging
import threading
import urllib.request
from contextlib import suppress
from pickle import UnpicklingError  # noqa: TID251 - only to name the error that torch raises for a file it refuses

import timm
from huggingface_hub import constants
from timm.models import load_state_dict
from torch import Tensor, nn

from ocr.errors import ConfigError
from ocr.nn.interfaces import BaseEncoder
from ocr.nn.onnx_graph import locate

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0


class TimmBackbone(BaseEncoder):
    """Feature maps of the timm network `name`, those of `out_indices`.

    `pretrained` is true for the published weights, used when they are cached or their host answers within five
    seconds (otherwise the log says so and training starts from scratch), false for none, or a file of weights: a path
    or ``package:NAME/FILE``, a file inside an installed package. `published` is timm's description of the published
    weights when they were loaded, `file` that file, both None otherwise.
    """

    def __init__(self, *, name: str, pretrained: bool | str, out_indices: list[int]) -> None:
        """Raises ValueError when timm has no such network, ConfigError when a file of weights does not fit it."""
        super().__init__()
        if not timm.is_model(name):
            raise ValueError(f"timm has no network {name}")
        self.file = pretrained if isinstance(pretrained, str) else None
        network = _published(name, out_indices) if pretrained is True else None
        if network is not None:
            self.published = dict(network.pretrained_cfg)  # type: ignore[arg-type]
        self.network = network or _bare(name, out_indices)
        if self.file is not None:
            _load_file(self.network, self.file, name)
        self.channels = list(self.network.feature_info.channels())  # type: ignore[operator, union-attr]

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return feature maps of falling resolution for images (N, 3, H, W)."""
        features: list[Tensor] = self.network(images)
        return features


def _bare(name: str, out_indices: list[int]) -> nn.Module:
    network: nn.Module = timm.create_model(name, pretrained=False, features_only=True, out_indices=out_indices)
    return network


def _published(name: str, out_indices: list[int]) -> nn.Module | None:
    """The network with timm's published weights; None, and a warning, when they cannot be had."""
    before = constants.HF_HUB_OFFLINE
    # Without a connection the hub's client would try again for most of a minute; told so, it asks its cache only.
    constants.HF_HUB_OFFLINE = before or not _host_answers()
    try:
        network: nn.Module = timm.create_model(name, pretrained=True, features_only=True, out_indices=out_indices)
    except (OSError, RuntimeError) as error:
        log.warning("no pretrained weights for %s, starting from scratch (%s)", name, str(error).split("\n")[0])
        return None
    finally:
        constants.HF_HUB_OFFLINE = before
    return network


def _load_file(network: nn.Module, source: str, name: str) -> None:
    """Load weights by name, or, when they come from other code for the same network, by order and shape."""
    own = {key: tensor for key, tensor in network.state_dict().items() if not key.endswith("num_batches_tracked")}
    try:
        found = load_state_dict(str(locate(source)), use_ema=False, weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, UnpicklingError) as error:
        reason = str(error).split("\n")[0]
        raise ConfigError(f"{source}: holds no weights ({reason}); use a state dict saved by torch.save") from error
    found = {key: tensor for key, tensor in found.items() if not key.endswith("num_batches_tracked")}
    if not own.keys() <= found.keys():
        found = dict(zip(own, found.values(), strict=False))
    for key, tensor in own.items():
        if key not in found or found[key].shape != tensor.shape:
            shape = tuple(found[key].shape) if key in found else "none"
            raise ConfigError(
                f"{source}: weights of another network than {name}: {key} is {tuple(tensor.shape)}, there {shape}"
            )
    network.load_state_dict(found, strict=False)


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
