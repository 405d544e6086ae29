import pytest
import torch

from ocr.errors import TrainingError
from ocr.recognition.batch import CropBatch
from ocr.recognition.parseq import PARSeq
from ocr.recognition.parseq_loss import PermutationLoss
from ocr.recognition.permutations import draw_orders, order_masks
from ocr.specs.decode import DecodeSpec, decode
from ocr.text.charset import Charset
from ocr.text.tokenizer import ParseqTokenizer

PUBLISHED = Charset(tuple(map(chr, range(33, 127))))
TOKENIZER = ParseqTokenizer(charset=PUBLISHED)


def parseq(**changes):
    arguments = {
        "tokenizer": TOKENIZER,
        "image": [32, 128],
        "patch": [4, 8],
        "width": 384,
        "encoder_depth": 12,
        "encoder_heads": 6,
        "encoder_expansion": 4,
        "decoder_depth": 1,
        "decoder_heads": 12,
        "decoder_expansion": 4,
        "max_length": 25,
        "dropout": 0.1,
        "autoregressive": True,
        "refine_iterations": 1,
    }
    return PARSeq(**(arguments | changes))


def little(**changes):
    shape = {"width": 48, "encoder_depth": 1, "encoder_heads": 2, "decoder_heads": 2, "dropout": 0.0, "max_length": 8}
    return parseq(**(shape | changes))


def size(module):
    return sum(parameter.numel() for parameter in module.parameters())


def batch(texts, case_free=False, seed=0):
    images = torch.randn(len(texts), 3, 32, 128, generator=torch.Generator().manual_seed(seed))
    return CropBatch(images, (128,) * len(texts), tuple(texts), (case_free,) * len(texts))


def test_parameter_counts_are_the_published_ones():
    with torch.device("meta"):
        network = parseq()
    assert size(network.encoder) == 21_380_736
    assert size(network.layers) + size(network.norm) == 2_368_128
    assert size(network.head) == 36_575
    assert size(network.embedding) == 37_248
    assert network.position_queries.numel() == 9_984
    assert size(network) == 23_832_671


def test_the_tiny_variant_has_six_million_parameters():
    with torch.device("meta"):
        assert round(size(parseq(width=192, encoder_heads=3, decoder_heads=6)) / 1e6, 1) == 6.0


@pytest.mark.parametrize("autoregressive", [True, False])
@pytest.mark.parametrize("refine_iterations", [0, 1, 2])
def test_shapes(autoregressive, refine_iterations):
    network = little(autoregressive=autoregressive, refine_iterations=refine_iterations, max_length=25).eval()
    with torch.inference_mode():
        assert network(torch.randn(3, 3, 32, 128)).shape == (3, 26, 95)


@pytest.mark.parametrize("autoregressive", [True, False])
def test_a_text_does_not_depend_on_batch_mates(autoregressive):
    network = little(autoregressive=autoregressive).eval()
    images = torch.randn(5, 3, 32, 128)
    spec = DecodeSpec(kind="parseq", max_length=8)
    with torch.inference_mode():
        together = decode(spec, PUBLISHED, network(images).numpy())
        alone = [decode(spec, PUBLISHED, network(images[i : i + 1]).numpy())[0] for i in range(5)]
    assert [line.text for line in together] == [line.text for line in alone]
    assert [line.confidence for line in together] == pytest.approx([line.confidence for line in alone], abs=1e-4)


def test_a_batch_is_learnt_by_heart_and_read_in_both_ways(learn):
    network, loss = little(), PermutationLoss(tokenizer=TOKENIZER, orders=6)
    crops = batch(["Total", "12.50", "a", "GST"])
    learn(network, loss, [crops], steps=60, rate=3e-3)
    spec = DecodeSpec(kind="parseq", max_length=8)
    network.eval()
    for network.autoregressive in (True, False):
        with torch.inference_mode():
            read = decode(spec, PUBLISHED, network(crops.images).numpy())
        assert [line.text for line in read] == list(crops.texts)


def test_case_free_labels_cost_what_all_their_cases_cost_together():
    network, loss = little().eval(), PermutationLoss(tokenizer=TOKENIZER, orders=2)
    free = [loss(network, batch([text], case_free=True)).item() for text in ("ab", "AB", "aB")]
    assert free == pytest.approx([free[0]] * 3, abs=1e-6)
    assert free[0] < loss(network, batch(["AB"])).item()


def test_the_loss_of_a_single_character_is_two_tokens_of_cross_entropy():
    network, crops = little().eval(), batch(["7"])
    context = torch.tensor([TOKENIZER.encode("7")[:-1]])
    causal = torch.triu(torch.ones(2, 2, dtype=torch.bool), 1)
    logits = network.decode(context, network.encode(crops.images), query_mask=causal, content_mask=causal)
    expected = torch.nn.functional.cross_entropy(logits[0], torch.tensor(TOKENIZER.encode("7")[1:]))
    assert PermutationLoss(tokenizer=TOKENIZER, orders=6)(network, crops).item() == pytest.approx(expected.item())


def test_a_short_text_in_long_company_is_read_as_alone():
    network, crops = little().eval(), batch(["d"])
    memory = network.encode(crops.images)
    logits = []
    for padding in (0, 3):
        ids = torch.tensor([TOKENIZER.encode("d")[:-1] + [TOKENIZER.pad] * padding])
        causal = torch.triu(torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool), 1)
        hidden = ids == TOKENIZER.pad
        logits.append(network.decode(ids, memory, query_mask=causal, content_mask=causal, padding_mask=hidden)[:, :2])
    assert torch.allclose(*logits, atol=1e-5)


def test_a_text_that_is_too_long_says_what_to_set():
    with pytest.raises(TrainingError, match=r"'123456789' has 9 characters.*at most 8; set data.max_length"):
        PermutationLoss(tokenizer=TOKENIZER, orders=6)(little(), batch(["1", "123456789"]))


def test_deeper_decoders_use_the_content_stream():
    network = little(decoder_depth=2)
    PermutationLoss(tokenizer=TOKENIZER, orders=6)(network, batch(["abc"])).backward()
    assert network.layers[0].norm_query.weight.grad.abs().sum() > 0
    assert network.layers[1].norm_content.weight.grad.abs().sum() > 0


def one_order_after_another(network, loss, crops, orders):
    """The loss as published: a pass of the decoder for each order, on all of its positions."""
    ids = loss._ids(crops)
    context, targets = ids[:, :-1], ids[:, 1:]
    hidden = (context == TOKENIZER.pad) | (context == TOKENIZER.eos)
    memory, total, count = network.encode(crops.images), 0.0, 0
    for index, order in enumerate(orders):
        content_mask, query_mask = order_masks(order)
        logits = network.decode(context, memory, query_mask=query_mask, content_mask=content_mask, padding_mask=hidden)
        if index == 2:
            targets = targets.masked_fill(targets == TOKENIZER.eos, TOKENIZER.pad)
        log_probabilities = logits.log_softmax(-1)
        free = torch.tensor(crops.case_free)[:, None, None]
        log_probabilities = torch.where(free, loss.folding(log_probabilities), log_probabilities)
        counted = targets != TOKENIZER.pad
        chosen = log_probabilities.gather(-1, targets.where(counted, 0)[..., None])[..., 0]
        total, count = total - (chosen * counted).sum(), count + counted.sum()
    return total / count


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("texts", [["a"], ["ab", "7"], ["Total", "x", "12.50"], ["receipt", "cash", ""]])
@pytest.mark.parametrize("case_free", [True, False])
def test_all_orders_in_one_pass_cost_and_teach_what_they_do_one_by_one(texts, depth, case_free):
    network = little(decoder_depth=depth)
    loss = PermutationLoss(tokenizer=TOKENIZER, orders=6)
    crops = batch(texts)._replace(case_free=(case_free,) + (False,) * (len(texts) - 1))
    torch.manual_seed(3)
    orders = draw_orders(max(map(len, texts)), 6)
    expected = one_order_after_another(network, loss, crops, orders)
    expected.backward()
    plain = {name: parameter.grad.clone() for name, parameter in network.named_parameters()}
    network.zero_grad()
    torch.manual_seed(3)
    found = loss(network, crops)
    found.backward()
    torch.testing.assert_close(found, expected)
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(parameter.grad, plain[name], atol=2e-6, rtol=2e-4)
