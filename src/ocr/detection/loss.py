"""The loss of DBNet (Liao et al., 2020), in float32 and without waiting for the device."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ocr.detection.data import DetectionBatch
from ocr.nn.heads.db_head import DbMaps
from ocr.nn.interfaces import BaseLoss

LOWEST, HIGHEST = -16.0, 64.0
"""Logits between which negatives are told apart when the hardest are chosen; below, each costs under 2e-7."""
BINS = 8192


class DBLoss(BaseLoss):
    """Balanced cross entropy on the probability logits, L1 on the threshold map, Dice on the binary map.

    The hardest negatives are used, `negative_ratio` for every positive pixel and at least `min_negatives` in a batch,
    so that blank pages teach too. `step_factor` is k of the step ``sigmoid(k * (P - T))``. For a network without
    threshold map, Dice compares the probability map itself.
    """

    def __init__(
        self,
        *,
        probability_weight: float,
        threshold_weight: float,
        dice_weight: float,
        negative_ratio: float,
        min_negatives: int,
        step_factor: float,
    ) -> None:
        super().__init__()
        self.probability_weight = probability_weight
        self.threshold_weight = threshold_weight
        self.dice_weight = dice_weight
        self.negative_ratio = negative_ratio
        self.min_negatives = min_negatives
        self.step_factor = step_factor

    def forward(self, outputs: DbMaps, targets: DetectionBatch) -> dict[str, Tensor]:
        """Return ``loss`` and its detached parts ``probability``, ``dice`` and, with a threshold map, ``threshold``."""
        with torch.autocast(outputs.probability_logits.device.type, enabled=False):
            logits = outputs.probability_logits.float()
            truth, mask = targets.probability.float(), targets.probability_mask.float()
            probability = torch.sigmoid(logits)
            parts = {
                "probability": balanced_cross_entropy(logits, truth, mask, self.negative_ratio, self.min_negatives)
            }
            if outputs.threshold is None:
                parts["dice"] = dice(probability, truth, mask)
                loss = self.probability_weight * parts["probability"] + self.dice_weight * parts["dice"]
            else:
                threshold = outputs.threshold.float().clamp(0, 1)
                # Both lie in [0, 1]: the exponent stays within step_factor, far from overflow in float32.
                binary = torch.sigmoid(self.step_factor * (probability - threshold))
                parts["dice"] = dice(binary, truth, mask)
                parts["threshold"] = masked_l1(threshold, targets.threshold.float(), targets.threshold_mask.float())
                loss = (
                    self.probability_weight * parts["probability"]
                    + self.dice_weight * parts["dice"]
                    + self.threshold_weight * parts["threshold"]
                )
        return {"loss": loss} | {name: part.detach() for name, part in parts.items()}


def balanced_cross_entropy(
    logits: Tensor, truth: Tensor, mask: Tensor, negative_ratio: float, min_negatives: int
) -> Tensor:
    """Mean cross entropy over the positives and the hardest negatives, where `mask` is 1."""
    positive = truth * mask
    with torch.no_grad():
        negative = (1 - truth) * mask
        count = torch.minimum((positive.sum() * negative_ratio).clamp(min=min_negatives), negative.sum())
        weight = positive + hardest(logits, negative, count)
    losses = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    return (losses * weight).sum() / weight.sum().clamp(min=1)


def hardest(logits: Tensor, negative: Tensor, count: Tensor) -> Tensor:
    """Weights in [0, 1] that sum to `count` and choose the negatives with the highest logits.

    The cut is found in a histogram, as sorting needs `count` on the host; negatives in the bin of the cut share what
    is left of it.
    """
    position = (logits.detach().clamp(LOWEST, HIGHEST) - LOWEST) * ((BINS - 1) / (HIGHEST - LOWEST))
    bins = position.nan_to_num().long()
    # Bin 0 is for what is no negative; a histogram of floats does not ask for its range on the host.
    chosen = torch.where(negative > 0, bins + 1, 0)
    sizes = torch.histc(chosen.float(), bins=BINS + 1, min=-0.5, max=BINS + 0.5)[1:]
    harder = sizes.flip(0).cumsum(0).flip(0) - sizes
    share = ((count - harder) / sizes.clamp(min=1)).clamp(0, 1)
    return share[bins] * negative


def masked_l1(predicted: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference where `mask` is 1; 0 where it is nowhere."""
    return ((predicted - truth).abs() * mask).sum() / mask.sum().clamp(min=1)


def dice(predicted: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """One minus twice the overlap over the sum, in [0, 1]; one pixel is added to both, so that a blank page is 0."""
    predicted = predicted * mask
    overlap = (predicted * truth).sum()
    return 1 - (2 * overlap + 1) / (predicted.sum() + (truth * mask).sum() + 1)
