from itertools import product

import numpy as np
import pytest
import torch
from torch.nn import functional

from ocr.recognition.batch import CropBatch
from ocr.recognition.ctc_loss import CtcLoss, steps_needed
from ocr.text.charset import Charset
from ocr.text.tokenizer import CtcTokenizer

CHARSET = Charset(tuple("aAbB1"))
TOKENIZER = CtcTokenizer(charset=CHARSET)
CLASSES = TOKENIZER.size


def batch(texts, case_free, widths=None, width=24):
    count = len(texts)
    return CropBatch(torch.zeros(count, 3, 32, width), tuple(widths or [width] * count), tuple(texts), tuple(case_free))


def collapse(path):
    return [i for n, i in enumerate(path) if i and (n == 0 or path[n - 1] != i)]


def probability_by_enumeration(logits, text, *, fold):
    """Sum over all paths whose collapsed symbols spell the text, cases first made equal when `fold`."""
    same = {0: 0, 1: 1, 2: 1, 3: 3, 4: 3, 5: 5} if fold else {i: i for i in range(CLASSES)}
    probabilities = logits.softmax(-1).numpy()
    wanted = [same[i] for i in TOKENIZER.encode(text)]
    return sum(
        float(np.prod([probabilities[t, i] for t, i in enumerate(path)]))
        for path in product(range(CLASSES), repeat=len(logits))
        if collapse([same[i] for i in path]) == wanted
    )


@pytest.mark.parametrize("case_free", [False, True])
@pytest.mark.parametrize("text", ["ab", "AB", "aA", "Bb1", "b"])
def test_loss_is_the_probability_of_all_paths(text, case_free):
    logits = torch.randn(5, CLASSES, dtype=torch.float64)
    loss = CtcLoss(tokenizer=TOKENIZER).of_logits(logits[None], batch([text], [case_free], width=20))
    expected = -np.log(probability_by_enumeration(logits, text, fold=case_free)) / len(text)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_case_free_loss_equals_ordinary_ctc_on_folded_classes():
    logits = torch.randn(3, 8, CLASSES)
    texts = ["Ab1", "bB", "A"]
    plain = logits.softmax(-1)
    folded = torch.stack([plain[..., 0], plain[..., 1] + plain[..., 2], plain[..., 3] + plain[..., 4], plain[..., 5]])
    small = CtcTokenizer(charset=Charset(tuple("AB1")))
    expected = functional.ctc_loss(
        folded.permute(2, 1, 0).log(),
        torch.tensor([i for text in texts for i in small.encode(text.upper())]),
        torch.tensor([8, 8, 8]),
        torch.tensor([3, 2, 1]),
        reduction="none",
    )
    loss = CtcLoss(tokenizer=TOKENIZER).of_logits(logits, batch(texts, [True] * 3, width=32))
    assert loss.item() == pytest.approx((expected / torch.tensor([3, 2, 1])).mean().item(), rel=1e-5)


def test_the_case_of_a_case_free_label_does_not_matter_and_of_others_does():
    logits, loss = torch.randn(1, 8, CLASSES), CtcLoss(tokenizer=TOKENIZER)
    free = [loss.of_logits(logits, batch([text], [True])).item() for text in ("ab", "AB", "aB")]
    assert free == pytest.approx([free[0]] * 3)
    cased = [loss.of_logits(logits, batch([text], [False])).item() for text in ("ab", "AB")]
    assert cased[0] != pytest.approx(cased[1])


def test_case_free_labels_do_not_teach_a_case():
    logits = torch.zeros(1, 6, CLASSES, requires_grad=True)
    CtcLoss(tokenizer=TOKENIZER).of_logits(logits, batch(["AB"], [True])).backward()
    gradient = logits.grad[0]
    assert torch.allclose(gradient[:, 1], gradient[:, 2])
    assert torch.allclose(gradient[:, 3], gradient[:, 4])
    assert gradient.sum(-1).abs().max() < 1e-6


def test_mixed_batches_treat_each_crop_by_its_own_label():
    logits, loss = torch.randn(2, 8, CLASSES), CtcLoss(tokenizer=TOKENIZER)
    together = loss.of_logits(logits, batch(["ab", "ab"], [True, False]))
    apart = [loss.of_logits(logits[i : i + 1], batch(["ab"], [i == 0])) for i in range(2)]
    assert together.item() == pytest.approx((apart[0] + apart[1]).item() / 2, rel=1e-5)


def test_steps_behind_a_crops_width_do_not_count():
    logits, loss = torch.randn(1, 8, CLASSES), CtcLoss(tokenizer=TOKENIZER)
    changed = torch.cat([logits[:, :5], torch.randn(1, 3, CLASSES)], dim=1)
    first, second = (loss.of_logits(x, batch(["ab"], [False], widths=[20], width=32)) for x in (logits, changed))
    assert first.item() == pytest.approx(second.item())


@pytest.mark.parametrize("case_free", [False, True])
def test_extreme_logits_stay_finite(case_free):
    logits = (torch.randn(2, 8, CLASSES) * 1e4).requires_grad_()
    loss = CtcLoss(tokenizer=TOKENIZER).of_logits(logits, batch(["ab", "B1"], [case_free] * 2))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_a_label_longer_than_its_crop_is_counted_and_adds_nothing():
    loss = CtcLoss(tokenizer=TOKENIZER)
    value = loss.of_logits(torch.randn(2, 4, CLASSES), batch(["abab1", "aa"], [False, False], widths=[16, 8], width=16))
    assert value.item() == 0
    assert loss.unreachable == 2


def test_steps_needed():
    assert steps_needed([1, 2, 2, 3, 3, 3]) == 9
    assert steps_needed([]) == 0
