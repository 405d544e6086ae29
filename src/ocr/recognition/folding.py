"""Case-free labels: the letters that a label cannot tell apart become one class for the loss.

A transcript in capitals of mixed print says which letter stands there, not which case. Summing the probabilities of
a letter's cases before the loss teaches the letter and leaves the case to those labels that know it.
"""

from collections import defaultdict

import torch
from torch import Tensor, nn
from torch.nn import functional

from ocr.text.charset import Charset
from ocr.text.normalize import case_free

# Log-probability of a class merged into another. Finite, because CTC's gradient would make NaN of infinities, and low
# enough that its exponential is exactly 0: the folded distribution still sums to one.
FLOOR = -1e4


class CaseFolding(nn.Module):
    """Merge the classes of a letter's cases; class 0 (blank or end) and class i+1 for character i, as tokenizers do."""

    members: Tensor
    merged_into: Tensor
    absorbed: Tensor

    def __init__(self, charset: Charset) -> None:
        super().__init__()
        groups: dict[str, list[int]] = defaultdict(list)
        for index, character in enumerate(charset.characters):
            groups[case_free(character)].append(index + 1)
        cases = [ids for ids in groups.values() if len(ids) > 1]
        self.representative = list(range(len(charset) + 1))
        for ids in cases:
            for i in ids:
                self.representative[i] = ids[0]
        most = max((len(ids) for ids in cases), default=1)
        outside = len(charset) + 1
        padded = [ids + [outside] * (most - len(ids)) for ids in cases]
        self.register_buffer("members", torch.tensor(padded, dtype=torch.long).reshape(-1, most), persistent=False)
        self.register_buffer("merged_into", torch.tensor([ids[0] for ids in cases], dtype=torch.long), persistent=False)
        absorbed = [i for ids in cases for i in ids[1:]]
        self.register_buffer("absorbed", torch.tensor(absorbed, dtype=torch.long), persistent=False)

    def forward(self, log_probabilities: Tensor) -> Tensor:
        """Return ``log_probabilities`` (..., C), a letter's cases summed in the first of them, `FLOOR` in the rest."""
        widened = functional.pad(log_probabilities, (0, 1), value=FLOOR)
        merged = widened[..., self.members].logsumexp(-1)
        return log_probabilities.index_fill(-1, self.absorbed, FLOOR).index_copy(-1, self.merged_into, merged)

    def ids(self, ids: list[int]) -> list[int]:
        """Return class ids with each letter's cases as its first class."""
        return [self.representative[i] for i in ids]
