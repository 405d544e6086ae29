import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr.errors import ConfigError
from ocr.recognition.ctc_loss import CtcLoss
from ocr.recognition.ctc_network import CtcNetwork
from ocr.specs.decode import DecodeSpec, decode, valid_steps
from ocr.specs.preprocess import apply, stack
from ocr.text.charset import Charset
from ocr.text.tokenizer import CtcTokenizer

CHARSET = Charset(tuple("0123456789.TOALtoal "))
TOKENIZER = CtcTokenizer(charset=CHARSET)


@pytest.fixture(scope="module")
def settled(small_network):
    """A network whose batch normalisation has seen noise, in evaluation mode."""
    torch.manual_seed(1)
    network = small_network(tokenizer=TOKENIZER)
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(8, 3, 32, 64))
    return network.eval()


@pytest.mark.parametrize("width", [8, 40, 64, 72])
def test_a_step_is_four_pixels(settled, width):
    assert settled(torch.randn(2, 3, 32, width)).shape == (2, width // 4, len(CHARSET) + 1)


@settings(max_examples=20, deadline=None)
@given(widths=st.lists(st.integers(8, 200), min_size=2, max_size=4), seed=st.integers(0, 2**31))
def test_text_and_confidence_do_not_depend_on_batch_mates(settled, spec, widths, seed):
    rng = np.random.default_rng(seed)
    prepared = [apply(spec, rng.integers(0, 256, (32, width, 3), np.uint8)) for width in widths]

    def read(items):
        images = stack(items, spec.pad_value)
        with torch.inference_mode():
            logits = settled(torch.from_numpy(images)).numpy()
        valid = np.array([item.valid_width for item in items])
        lengths = valid_steps(valid, images.shape[3], logits.shape[1])
        return logits, lengths, decode(DecodeSpec(kind="ctc"), CHARSET, logits, lengths)

    together, _, texts = read(prepared)
    for row, text, item in zip(together, texts, prepared, strict=True):
        alone, lengths, (single,) = read([item])
        steps = int(lengths[0])
        assert np.abs(row[:steps] - alone[0, :steps]).max() < 1e-4
        assert text.text == single.text
        assert text.confidence == pytest.approx(single.confidence, abs=1e-4)


def test_black_and_white_print_is_not_taken_for_padding(settled, spec):
    """No grey value becomes zero, so padding is told from any print, plain or not."""
    for grey in (0, 127, 128, 255):
        assert (apply(spec, np.full((32, 16, 3), grey, np.uint8)).array != spec.pad_value).all()


def test_a_few_crops_are_learnt_by_heart(small_network, drawn, learn, read):
    texts = ["TOTAL 12.00", "total 3.50", "Total 78.90", "lot 46"]
    batch = drawn(texts, charset=CHARSET)
    network = small_network(tokenizer=TOKENIZER)
    loss = learn(network, CtcLoss(tokenizer=TOKENIZER), [batch], steps=60, rate=5e-3)
    assert loss < 0.1
    decoded = read(network, CHARSET, batch)
    assert [line.text for line in decoded] == texts
    assert min(line.confidence for line in decoded) > 0.7


def test_sizes_that_do_not_fit_are_refused():
    arguments = {
        "tokenizer": TOKENIZER,
        "height": 32,
        "channels": [8, 8, 8, 8],
        "depths": [1, 1, 1],
        "sequence_width": 8,
        "sequence_depth": 1,
        "sequence_kernel": 3,
        "sequence_expansion": 1,
        "dropout": 0.0,
    }
    CtcNetwork(**arguments)
    for wrong in ({"height": 40}, {"channels": [8, 8, 8]}, {"depths": [1, 1]}):
        with pytest.raises(ConfigError, match="multiple of 16"):
            CtcNetwork(**(arguments | wrong))
