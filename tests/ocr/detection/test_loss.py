"""The numerics that must hold for the loss."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ocr.detection.data import DetectionBatch
from ocr.detection.loss import DBLoss, balanced_cross_entropy, dice, hardest
from ocr.nn.heads.db_head import DbMaps

LOSS = DBLoss(
    probability_weight=5.0,
    threshold_weight=10.0,
    dice_weight=1.0,
    negative_ratio=3.0,
    min_negatives=100,
    step_factor=50.0,
)


def batch(size: int = 64, *, blank: bool = False, ignored: bool = False) -> DetectionBatch:
    """Two squares of text with their threshold bands."""
    shape = (2, 1, size, size)
    probability = torch.zeros(shape, dtype=torch.uint8)
    threshold_mask = torch.zeros(shape, dtype=torch.uint8)
    if not blank:
        probability[:, :, 20:30, 10:50] = 1
        threshold_mask[:, :, 14:36, 4:56] = 1
    mask = torch.ones(shape, dtype=torch.uint8)
    if ignored:
        mask[:, :, 40:] = 0
    threshold = torch.full(shape, 0.3)
    threshold[:, :, 16:34, 6:54] = 0.7
    return DetectionBatch(torch.zeros(2, 3, size, size), probability, mask, threshold, threshold_mask, ["a", "b"])


def maps(logits: Tensor, threshold: Tensor | None = None) -> DbMaps:
    return DbMaps(logits, threshold)


def sorted_cross_entropy(logits: Tensor, truth: Tensor, mask: Tensor, ratio: float, least: int) -> Tensor:
    """The same by sorting, as published."""
    losses = nn.functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    positive, negative = (truth * mask).bool(), ((1 - truth) * mask).bool()
    count = min(max(round(float(positive.sum()) * ratio), least), int(negative.sum()))
    hard = losses[negative].topk(count).values
    return (losses[positive].sum() + hard.sum()) / (positive.sum() + count)


@pytest.mark.parametrize("spread", [0.5, 3.0, 12.0])
@pytest.mark.parametrize("text", [0.0, 0.02, 0.4])
def test_the_hardest_negatives_are_those_that_sorting_finds(spread: float, text: float) -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn((2, 1, 128, 128), generator=generator) * spread - 2
    truth = (torch.rand(logits.shape, generator=generator) < text).float()
    mask = (torch.rand(logits.shape, generator=generator) < 0.9).float()
    ours = balanced_cross_entropy(logits, truth, mask, 3.0, 500)
    theirs = sorted_cross_entropy(logits, truth, mask, 3.0, 500)
    torch.testing.assert_close(ours, theirs, rtol=2e-3, atol=1e-6)


def test_as_many_negatives_are_chosen_as_asked_for() -> None:
    logits = torch.randn(1, 1, 100, 100, generator=torch.Generator().manual_seed(2)) * 5
    negative = torch.ones_like(logits)
    negative[..., :50] = 0
    for count in (0, 1, 77, 5000):
        weight = hardest(logits, negative, torch.tensor(float(count)))
        assert float(weight.sum()) == pytest.approx(count, rel=1e-5)
        assert not weight[..., :50].any()
    chosen = hardest(logits, negative, torch.tensor(50.0)) >= 0.999
    assert logits[chosen].min() > logits[(negative > 0) & ~chosen].max() - 0.02


def test_equal_logits_share_the_weight() -> None:
    weight = hardest(torch.full((1, 1, 10, 10), -40.0), torch.ones(1, 1, 10, 10), torch.tensor(25.0))
    torch.testing.assert_close(weight, torch.full_like(weight, 0.25))


def test_a_blank_page_still_gives_a_gradient() -> None:
    logits = torch.zeros((2, 1, 64, 64), requires_grad=True)
    threshold = torch.full((2, 1, 64, 64), 0.3, requires_grad=True)
    parts = LOSS(maps(logits, threshold), batch(blank=True))
    parts["loss"].backward()
    assert torch.isfinite(parts["loss"])
    assert (logits.grad > 0).any()
    assert (logits.grad >= 0).all()
    assert parts["threshold"] == 0


def test_what_is_ignored_gives_none() -> None:
    logits = torch.randn((2, 1, 64, 64), generator=torch.Generator().manual_seed(3)).requires_grad_()
    threshold = torch.full((2, 1, 64, 64), 0.5, requires_grad=True)
    LOSS(maps(logits, threshold), batch(ignored=True))["loss"].backward()
    assert not logits.grad[:, :, 40:].any()
    assert logits.grad[:, :, :40].any()
    assert not threshold.grad[:, :, 40:].any()


def test_a_page_ignored_as_a_whole_gives_a_finite_loss() -> None:
    blind = batch()._replace(
        probability_mask=torch.zeros(2, 1, 64, 64, dtype=torch.uint8),
        threshold_mask=torch.zeros(2, 1, 64, 64, dtype=torch.uint8),
    )
    logits = torch.randn(2, 1, 64, 64, requires_grad=True)
    parts = LOSS(maps(logits, torch.rand(2, 1, 64, 64)), blind)
    parts["loss"].backward()
    assert parts["loss"] == 0
    assert not logits.grad.any()


def test_parts_are_weighted_and_detached() -> None:
    logits = torch.randn((2, 1, 64, 64), generator=torch.Generator().manual_seed(4)).requires_grad_()
    parts = LOSS(maps(logits, torch.full((2, 1, 64, 64), 0.5)), batch())
    assert set(parts) == {"loss", "probability", "dice", "threshold"}
    expected = 5 * parts["probability"] + 10 * parts["threshold"] + parts["dice"]
    torch.testing.assert_close(parts["loss"], expected)
    assert [name for name, part in parts.items() if part.requires_grad] == ["loss"]


def test_a_perfect_answer_costs_next_to_nothing() -> None:
    truth = batch()
    logits = truth.probability.float() * 40 - 20
    parts = LOSS(maps(logits, truth.threshold), truth)
    assert parts["loss"] < 0.01


def test_without_a_threshold_map_dice_looks_at_the_probability() -> None:
    logits = torch.randn((2, 1, 64, 64), generator=torch.Generator().manual_seed(5)).requires_grad_()
    truth = batch()
    parts = LOSS(maps(logits), truth)
    parts["loss"].backward()
    assert set(parts) == {"loss", "probability", "dice"}
    expected = dice(logits.sigmoid(), truth.probability.float(), truth.probability_mask.float())
    torch.testing.assert_close(parts["dice"], expected.detach())
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("extreme", [3e4, -3e4, 100.0])
@pytest.mark.parametrize("with_threshold", [True, False])
def test_extreme_logits_stay_finite(dtype: torch.dtype, extreme: float, with_threshold: bool) -> None:
    signs = torch.randint(0, 2, (2, 1, 64, 64), generator=torch.Generator().manual_seed(6)) * 2 - 1
    logits = (signs * extreme).to(dtype).requires_grad_()
    # A threshold outside [0, 1] can only come from a network that lacks its sigmoid.
    threshold = (signs.flip(3) * 50).to(dtype).requires_grad_() if with_threshold else None
    with torch.autocast("cpu", torch.bfloat16):
        parts = LOSS(maps(logits, threshold), batch())
    parts["loss"].backward()
    assert parts["loss"].dtype == torch.float32
    assert 0 <= parts["dice"] <= 1
    for tensor in [*parts.values(), logits.grad, *([threshold.grad] if with_threshold else [])]:
        assert torch.isfinite(tensor).all()


def test_a_logit_that_is_not_a_number_is_not_hidden() -> None:
    logits = torch.zeros(2, 1, 64, 64)
    logits[0, 0, 5, 5] = np.nan
    assert LOSS(maps(logits, torch.rand(2, 1, 64, 64)), batch())["loss"].isnan()


class NoWaiting(TorchDispatchMode):
    """Refuses the operations for which a GPU must be waited for: those whose result or shape the host has to know."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        assert name not in {"_local_scalar_dense", "nonzero", "masked_select", "bincount", "unique", "is_nonzero"}, name
        assert not any(
            isinstance(index, Tensor) and index.dtype in (torch.bool, torch.uint8) for index in indices(name, args)
        )
        return function(*args, **(kwargs or {}))


def indices(name: str, args: tuple) -> list:
    return list(args[1]) if name in {"index", "index_put", "index_put_"} else []


@pytest.mark.parametrize("threshold", [None, torch.full((2, 1, 64, 64), 0.5)])
def test_no_step_of_it_waits_for_the_device(threshold: Tensor | None) -> None:
    logits = torch.zeros(2, 1, 64, 64, requires_grad=True)
    with NoWaiting():
        LOSS(maps(logits, threshold), batch())["loss"].backward()
    with NoWaiting(), pytest.raises(AssertionError):
        logits.sum().item()
    assert logits.grad.any()
