import pytest
import torch

from ocr.recognition.folding import CaseFolding
from ocr.text.charset import Charset

MIXED = Charset(tuple("aAb1B σςΣ한"))


@pytest.fixture
def log_probabilities():
    return torch.randn(4, 7, len(MIXED) + 1, dtype=torch.float64).log_softmax(-1)


def test_cases_of_a_letter_share_one_class():
    ids = {c: i + 1 for i, c in enumerate(MIXED.characters)}
    folding = CaseFolding(MIXED)
    assert folding.ids([0, *ids.values()]) == [0, *(ids[c] for c in "aab1b σσσ한")]


def test_folded_probabilities_are_sums_and_still_sum_to_one(log_probabilities):
    folded = CaseFolding(MIXED)(log_probabilities).exp()
    plain = log_probabilities.exp()
    index = {c: i + 1 for i, c in enumerate(MIXED.characters)}
    assert torch.allclose(folded[..., index["a"]], plain[..., index["a"]] + plain[..., index["A"]])
    assert torch.allclose(folded[..., index["σ"]], sum(plain[..., index[c]] for c in "σςΣ"))
    assert torch.equal(folded[..., index["A"]], torch.zeros(4, 7, dtype=torch.float64))
    assert torch.allclose(folded[..., index["1"]], plain[..., index["1"]])
    assert torch.allclose(folded.sum(-1), torch.ones(4, 7, dtype=torch.float64))


def test_a_charset_without_cases_is_left_alone():
    folding = CaseFolding(Charset(tuple("123한")))
    values = torch.randn(2, 3, 5).log_softmax(-1)
    assert torch.equal(folding(values), values)
    assert folding.ids([1, 2, 3, 4]) == [1, 2, 3, 4]


def test_gradients_pass_and_are_right(log_probabilities):
    folding = CaseFolding(MIXED).double()
    logits = torch.randn(2, len(MIXED) + 1, dtype=torch.float64, requires_grad=True)
    kept = sorted(set(folding.representative))
    assert torch.autograd.gradcheck(lambda x: folding(x.log_softmax(-1))[..., kept], (logits,))
