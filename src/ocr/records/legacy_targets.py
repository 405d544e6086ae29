"""Names that old configs and checkpoints hold, and what they are called now.

One table for building, checkpoint loading and migration; a name found in it works and says what to write instead.
"""

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

from ocr.errors import OldLayoutWarning
from ocr.records.layout import old_layouts

# Old names work until this version.
DROPPED_IN = "1.0"


class Renamed(NamedTuple):
    """What a target is called now; with `keys`, which of its keys go on under which name, the others going.

    `added` are keys that the new one needs and the old one did not have.
    """

    now: str
    keys: Mapping[str, str] | None = None
    added: Mapping[str, Any] = {}


# In-channels are known at run time now, so necks and heads wait for them.
_BACKBONE = Renamed(
    "ocr.nn.backbones.timm_backbone.TimmBackbone",
    {"model_name": "name", "name": "name", "pretrained": "pretrained", "output_indices": "out_indices"},
    {"name": "resnet18", "pretrained": True, "out_indices": [1, 2, 3, 4]},
)
_DETECTOR = Renamed("ocr.detection.network.DBNet", {"encoder": "backbone", "decoder": "neck", "head": "head"})
_PARSEQ = Renamed(
    "ocr.recognition.parseq.PARSeq",
    {},
    {
        "image": [32, 128],
        "patch": [4, 8],
        "width": 384,
        "encoder_depth": 12,
        "encoder_heads": 6,
        "encoder_expansion": 4,
        "decoder_depth": 1,
        "decoder_heads": 12,
        "decoder_expansion": 4,
        "max_length": 25,
        "dropout": 0.1,
        "autoregressive": True,
        "refine_iterations": 1,
    },
)
_LOSS = {
    "probability_weight": 5.0,
    "threshold_weight": 10.0,
    "dice_weight": 1.0,
    "negative_ratio": 3.0,
    "min_negatives": 1000,
    "step_factor": 50.0,
}

LEGACY_TARGETS: dict[str, Renamed] = {
    "ocr.core.models.encoder.timm_backbone.TimmBackbone": _BACKBONE,
    "ocr.core.models.encoder.TimmBackbone": _BACKBONE,
    "ocr.core.models.architecture.OCRModel": _DETECTOR,
    "ocr.core.models.OCRModel": _DETECTOR,
    "ocr.domains.detection.models.decoders.fpn_decoder.FPNDecoder": Renamed(
        "ocr.nn.necks.fpn.FPN", {"inner_channels": "channels"}, {"channels": 256, "_partial_": True}
    ),
    "ocr.domains.detection.models.heads.db_head.DBHead": Renamed(
        "ocr.nn.heads.db_head.DBHead", {}, {"_partial_": True}
    ),
    "ocr.domains.detection.models.loss.db_loss.DBLoss": Renamed("ocr.detection.loss.DBLoss", {}, _LOSS),
    "ocr.domains.recognition.models.architecture.PARSeq": _PARSEQ,
    "ocr.domains.recognition.models.PARSeq": _PARSEQ,
    "torch.optim.Adam": Renamed("torch.optim.adam.Adam"),
    "torch.optim.AdamW": Renamed("torch.optim.adamw.AdamW"),
    "torch.optim.SGD": Renamed("torch.optim.sgd.SGD"),
    "lightning.pytorch.Trainer": Renamed("lightning.pytorch.trainer.trainer.Trainer"),
}


def rename(node: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A config node with its ``_target_`` and keys as they are now, and the keys that went."""
    name = node.get("_target_")
    if not isinstance(name, str) or name not in LEGACY_TARGETS:
        return node, []
    now, keys, added = LEGACY_TARGETS[name]
    if keys is None:
        return {**added, **node, "_target_": now}, []
    kept = {keys[key]: value for key, value in node.items() if key in keys}
    kept |= {key: node[key] for key in ("_partial_",) if key in node}
    return {**added, **kept, "_target_": now}, [key for key in node if key not in keys and not key.startswith("_")]


def rename_all(node: Any) -> tuple[Any, int]:
    """A copy of a config with every node as it is now, and how many had an old name; whatever the switch says."""
    if isinstance(node, dict):
        renamed = rename(node)[0]
        children = {key: rename_all(value) for key, value in renamed.items()}
        count = sum(number for _, number in children.values()) + (renamed.get("_target_") != node.get("_target_"))
        return {key: child for key, (child, _) in children.items()}, count
    if isinstance(node, list):
        items = [rename_all(child) for child in node]
        return [child for child, _ in items], sum(number for _, number in items)
    return node, 0


def current(node: dict[str, Any]) -> dict[str, Any]:
    """A config node with its ``_target_`` and keys as they are now; as it is while the old layouts are off.

    An old name gives a warning that names the new one and the keys that went.
    """
    renamed, gone = rename(node)
    if renamed is node or not old_layouts():
        return node
    warnings.warn(
        f"_target_ {node['_target_']} is now {renamed['_target_']}"
        + (f", which does not take {', '.join(gone)}" if gone else "")
        + f"; the old name is dropped in version {DROPPED_IN}",
        OldLayoutWarning,
        stacklevel=3,
    )
    return renamed


def translate(node: Any) -> Any:
    """A copy of a config with every node as `current` gives it."""
    if isinstance(node, dict):
        return {key: translate(value) for key, value in current(node).items()}
    if isinstance(node, list):
        return [translate(child) for child in node]
    return node
