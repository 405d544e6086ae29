"""Permutation language modelling: PARSeq's loss, with labels whose case may be unknown."""

import torch
from torch import Tensor, nn

from ocr.errors import TrainingError
from ocr.recognition.batch import CropBatch
from ocr.recognition.folding import CaseFolding
from ocr.recognition.parseq import PARSeq
from ocr.recognition.permutations import draw_orders, order_masks
from ocr.text.tokenizer import ParseqTokenizer


class PermutationLoss(nn.Module):
    """Cross-entropy averaged over all tokens of ``orders`` reading orders (Bautista and Atienza, 2022; theirs: 6).

    The end token counts in the first two orders alone, forward and backward. For labels whose case is unknown the
    probability of a letter is that of all its cases together.
    """

    def __init__(self, *, tokenizer: ParseqTokenizer, orders: int) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.orders = orders
        self.folding = CaseFolding(tokenizer.charset)

    def forward(self, network: PARSeq, batch: CropBatch) -> Tensor:
        """Return the scalar loss; raises TrainingError for a text longer than the network can write."""
        longest = max(batch.texts, key=len)
        if len(longest) > network.max_length:
            raise TrainingError(
                f"the label {longest!r} has {len(longest)} characters, the network writes at most "
                f"{network.max_length}; set data.max_length to that or raise model.network.max_length"
            )
        device = batch.images.device
        ids = self._ids(batch, device)
        context, targets = ids[:, :-1], ids[:, 1:]
        hidden = (context == self.tokenizer.pad) | (context == self.tokenizer.eos)
        free = torch.tensor(batch.case_free, device=device)[:, None, None] if any(batch.case_free) else None
        memory = network.encode(batch.images)
        total, count = torch.zeros((), device=device), torch.zeros((), device=device)
        for index, order in enumerate(draw_orders(len(longest), self.orders).to(device)):
            content_mask, query_mask = order_masks(order)
            logits = network.decode(
                context, memory, query_mask=query_mask, content_mask=content_mask, padding_mask=hidden
            )
            if index == 2:
                targets = targets.masked_fill(targets == self.tokenizer.eos, self.tokenizer.pad)
            log_probabilities = logits.float().log_softmax(-1)
            if free is not None:
                log_probabilities = torch.where(free, self.folding(log_probabilities), log_probabilities)
            counted = targets != self.tokenizer.pad
            chosen = log_probabilities.gather(-1, targets.where(counted, 0)[..., None])[..., 0]
            total = total - (chosen * counted).sum()
            count = count + counted.sum()
        return total / count

    def _ids(self, batch: CropBatch, device: torch.device) -> Tensor:
        """Return begin, characters, end, padding (N, longest + 2); letters of case-free labels as their first case."""
        rows = []
        for text, free in zip(batch.texts, batch.case_free, strict=True):
            begin, *characters, end = self.tokenizer.encode(text)
            rows.append([begin, *(self.folding.ids(characters) if free else characters), end])
        longest = max(map(len, rows))
        return torch.tensor([row + [self.tokenizer.pad] * (longest - len(row)) for row in rows], device=device)
