"""CTC loss over crops of different widths, some with labels whose case is unknown."""

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ocr.recognition.batch import CropBatch
from ocr.recognition.folding import CaseFolding
from ocr.specs.decode import valid_steps
from ocr.text.tokenizer import CtcTokenizer


class CtcLoss(nn.Module):
    """Connectionist temporal classification (Graves et al., 2006), per character of the label, averaged over crops.

    Steps that padding caused are left out. Crops whose label's case is unknown are judged on case-folded classes. A
    crop with fewer steps than its label needs cannot be learnt: it adds nothing and is counted in ``unreachable``.
    """

    def __init__(self, *, tokenizer: CtcTokenizer) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.folding = CaseFolding(tokenizer.charset)
        self.unreachable = 0

    def forward(self, network: nn.Module, batch: CropBatch) -> Tensor:
        """Return the scalar loss of ``network`` on ``batch``."""
        logits: Tensor = network(batch.images)
        return self.of_logits(logits, batch)

    def of_logits(self, logits: Tensor, batch: CropBatch) -> Tensor:
        """Return the scalar loss of ``logits`` (N,L,C)."""
        log_probabilities = logits.float().log_softmax(-1)
        if any(batch.case_free):
            mask = torch.tensor(batch.case_free, device=logits.device)[:, None, None]
            log_probabilities = torch.where(mask, self.folding(log_probabilities), log_probabilities)
        targets = [
            self.folding.ids(ids) if free else ids
            for ids, free in zip(map(self.tokenizer.encode, batch.texts), batch.case_free, strict=True)
        ]
        steps = valid_steps(np.array(batch.widths), batch.images.shape[-1], logits.shape[1])
        self.unreachable += sum(steps_needed(ids) > has for ids, has in zip(targets, steps.tolist(), strict=True))
        losses: Tensor = functional.ctc_loss(
            log_probabilities.transpose(0, 1),
            torch.tensor([i for ids in targets for i in ids], dtype=torch.long, device=logits.device),
            torch.from_numpy(steps),
            torch.tensor([len(ids) for ids in targets]),
            blank=self.tokenizer.blank,
            reduction="none",
            zero_infinity=True,
        )
        lengths = torch.tensor([max(len(ids), 1) for ids in targets], dtype=losses.dtype, device=losses.device)
        return (losses / lengths).mean()


def steps_needed(ids: list[int]) -> int:
    """Fewest CTC steps that can spell ``ids``: one each, and a blank between equal neighbours."""
    return len(ids) + sum(a == b for a, b in pairwise(ids))
