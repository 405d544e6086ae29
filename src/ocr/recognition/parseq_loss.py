"""Permutation language modelling: PARSeq's loss, with labels whose case may be unknown."""

import torch
from torch import Tensor, nn

from ocr.errors import ConfigError, TrainingError
from ocr.recognition.batch import CropBatch
from ocr.recognition.folding import CaseFolding
from ocr.recognition.parseq import PARSeq
from ocr.recognition.permutations import draw_orders, order_masks
from ocr.text.tokenizer import ParseqTokenizer

ENDED = 2
"""Orders in which the end token counts: forward and backward."""


class PermutationLoss(nn.Module):
    """Cross-entropy averaged over all tokens of ``orders`` reading orders (Bautista and Atienza, 2022; theirs: 6).

    The end token counts in the first two orders alone, forward and backward. For labels whose case is unknown the
    probability of a letter is that of all its cases together. Raises ConfigError for an odd number of orders.
    """

    def __init__(self, *, tokenizer: ParseqTokenizer, orders: int) -> None:
        super().__init__()
        if orders < 2 or orders % 2:
            raise ConfigError(f"orders {orders}: each comes with its mirror; give 2, 4, 6 or another even number")
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
        ids, lengths = self._ids(batch), torch.tensor([len(text) for text in batch.texts])
        orders = draw_orders(len(longest), self.orders)
        content_masks, query_masks = order_masks(orders)
        context, targets = ids[:, :-1], ids[:, 1:]
        # Which positions count is known on the host: asking the accelerator would stop it.
        ends = (torch.arange(len(orders)) < ENDED)[:, None]
        counted = torch.arange(targets.shape[1]) < lengths[:, None, None] + ends
        looked_at = counted.flatten().nonzero()[:, 0]
        free = torch.tensor(batch.case_free)[:, None, None].expand_as(counted)[counted]
        chosen = targets[:, None].expand_as(counted)[counted]
        features = network.decode_orders(
            context.to(device),
            network.encode(batch.images),
            query_masks=query_masks.to(device),
            content_masks=content_masks.to(device),
            padding_mask=((context == self.tokenizer.pad) | (context == self.tokenizer.eos)).to(device),
        )
        logits: Tensor = network.head(features.flatten(0, 2)[looked_at.to(device)]).float()
        log_probabilities = logits.log_softmax(-1)
        if any(batch.case_free):
            folded = self.folding(log_probabilities)
            log_probabilities = torch.where(free.to(device)[:, None], folded, log_probabilities)
        loss: Tensor = -log_probabilities.gather(-1, chosen.to(device)[:, None]).mean()
        return loss

    def _ids(self, batch: CropBatch) -> Tensor:
        """Return begin, characters, end, padding (N, longest + 2); letters of case-free labels as their first case."""
        rows = []
        for text, free in zip(batch.texts, batch.case_free, strict=True):
            begin, *characters, end = self.tokenizer.encode(text)
            rows.append([begin, *(self.folding.ids(characters) if free else characters), end])
        longest = max(map(len, rows))
        return torch.tensor([row + [self.tokenizer.pad] * (longest - len(row)) for row in rows])
