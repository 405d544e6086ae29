"""Names that old configs and checkpoints hold, and what they are called now.

One table for building, checkpoint loading and migration; a name found in it works and says what to write instead.
"""

import warnings
from typing import Any

LEGACY_TARGETS: dict[str, str] = {
    "ocr.core.models.encoder.timm_backbone.TimmBackbone": "ocr.nn.backbones.timm_backbone.TimmBackbone",
    "ocr.core.models.encoder.TimmBackbone": "ocr.nn.backbones.timm_backbone.TimmBackbone",
    "ocr.core.models.architecture.OCRModel": "ocr.detection.network.DBNet",
    "ocr.core.models.OCRModel": "ocr.detection.network.DBNet",
    "ocr.domains.recognition.models.architecture.PARSeq": "ocr.recognition.parseq.PARSeq",
    "torch.optim.Adam": "torch.optim.adam.Adam",
    "torch.optim.AdamW": "torch.optim.adamw.AdamW",
    "torch.optim.SGD": "torch.optim.sgd.SGD",
    "lightning.pytorch.Trainer": "lightning.pytorch.trainer.trainer.Trainer",
}
# The old layout stays readable until this version.
DROPPED_IN = "1.0"


def current_target(name: str) -> str:
    """The name a target has now; an old one gives a DeprecationWarning that names the new one."""
    if name not in LEGACY_TARGETS:
        return name
    now = LEGACY_TARGETS[name]
    warnings.warn(
        f"_target_ {name} is now {now}; the old name is dropped in version {DROPPED_IN}",
        DeprecationWarning,
        stacklevel=3,
    )
    return now


def translate_targets(node: Any) -> Any:
    """A copy of a config in which every old ``_target_`` has its new name."""
    if isinstance(node, dict):
        return {
            key: current_target(value) if key == "_target_" and isinstance(value, str) else translate_targets(value)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [translate_targets(child) for child in node]
    return node
