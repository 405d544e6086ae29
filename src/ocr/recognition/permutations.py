"""Orders in which PARSeq learns to read a text, and the attention masks that enforce them."""

import math
from itertools import permutations as all_orders

import torch
from torch import Tensor


def draw_orders(length: int, count: int, *, generator: torch.Generator | None = None) -> Tensor:
    """Return orders (K, ``length`` + 2) of the positions begin = 0, characters 1 to ``length``, end = ``length`` + 1.

    Row 0 reads forward, row 1 backward with the end first, the others are random; each random order is followed by its
    mirror. ``count``, an even number, is K, fewer where ``length`` has fewer orders; one character has one order
    (Bautista and Atienza, 2022).
    """
    if length < 2:
        return torch.arange(length + 2)[None]
    pairs = min(count, math.factorial(length)) // 2
    forward = torch.arange(length)
    orders = [forward]
    if length < 5:
        # Few enough to list: drawn without repeats, and one of each mirrored pair only.
        rest = [torch.tensor(o) for o in all_orders(range(length)) if o < o[::-1] and list(o) != list(range(length))]
        chosen = torch.randperm(len(rest), generator=generator)[: pairs - 1]
        orders += [rest[i] for i in chosen.tolist()]
    else:
        orders += [torch.randperm(length, generator=generator) for _ in range(pairs - 1)]
    mirrored = torch.stack([row for order in orders for row in (order, order.flip(0))])
    begin = torch.zeros(len(mirrored), 1, dtype=torch.long)
    rows = torch.cat([begin, mirrored + 1, begin + length + 1], dim=1)
    # Backward, the end is told from no context at all; at the place of the last it would be told from the whole text.
    rows[1, 1:] = length + 1 - torch.arange(length + 1)
    return rows


def order_masks(orders: Tensor) -> tuple[Tensor, Tensor]:
    """Return the content and the query mask (...,T+1,T+1) of orders (...,T+2) of positions; True forbids to look.

    Row and column i of the content mask are position i, begin first, the end left out. Row i of the query mask is
    position i+1: it sees what comes before it in the order, never itself.
    """
    rank = orders.argsort(-1)
    later = rank[..., None, :] > rank[..., :, None]
    itself = torch.eye(orders.shape[-1], dtype=torch.bool, device=orders.device)
    return later[..., :-1, :-1], (later | itself)[..., 1:, :-1]
