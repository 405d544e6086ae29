"""Exported recognizers write what the trained ones write, at sizes they were not traced with."""

import numpy as np
import onnxruntime
import pytest
import torch

from ocr.bundles.card import BundleCard
from ocr.recognition.parseq import PARSeq
from ocr.specs.decode import DecodeSpec, decode
from ocr.specs.preprocess import PreprocessSpec
from ocr.text.charset import Charset
from ocr.text.tokenizer import CtcTokenizer, ParseqTokenizer
from ocr.training.graph import onnx_graph

CHARSET = Charset(tuple("0123456789 한국"))


def exported(network, preprocess, decoding):
    card = BundleCard(
        name="test",
        task="recognition",
        architecture="test",
        preprocess=preprocess,
        decode=decoding,
        charset=list(CHARSET.characters),
        licence="Apache-2.0",
        weights_sha256="0" * 64,
    )
    session = onnxruntime.InferenceSession(onnx_graph(network, card))
    return lambda images: session.run(None, {"images": images.numpy()})[0]


def assert_same(network, run, decoding, images):
    with torch.inference_mode():
        ours = decode(decoding, CHARSET, network(images).numpy())
    theirs = decode(decoding, CHARSET, np.asarray(run(images)))
    assert [line.text for line in ours] == [line.text for line in theirs]
    assert [line.confidence for line in ours] == pytest.approx([line.confidence for line in theirs], abs=1e-4)


def test_ctc_network_at_any_width_and_count(small_network, spec):
    network = small_network(tokenizer=CtcTokenizer(charset=CHARSET))
    with torch.no_grad():
        network(torch.randn(4, 3, 32, 64))
    decoding = DecodeSpec(kind="ctc")
    run = exported(network.eval(), spec, decoding)
    for count, width in ((1, 16), (3, 40), (2, 200)):
        assert_same(network, run, decoding, torch.randn(count, 3, 32, width))
    padded = torch.zeros(1, 3, 32, 200)
    padded[..., :40] = torch.randn(1, 3, 32, 40)
    assert np.abs(run(padded)[:, :10] - run(padded[..., :40].contiguous())).max() < 1e-4


@pytest.mark.parametrize("autoregressive", [True, False])
def test_parseq_in_both_ways(autoregressive):
    network = PARSeq(
        tokenizer=ParseqTokenizer(charset=CHARSET),
        image=[32, 128],
        patch=[4, 8],
        width=32,
        encoder_depth=1,
        encoder_heads=2,
        encoder_expansion=2,
        decoder_depth=1,
        decoder_heads=2,
        decoder_expansion=2,
        max_length=4,
        dropout=0.1,
        autoregressive=autoregressive,
        refine_iterations=1,
    )
    preprocess = PreprocessSpec(resize="fixed", height=32, width=128, mean=(0.5,) * 3, std=(0.5,) * 3)
    decoding = DecodeSpec(kind="parseq", max_length=4)
    run = exported(network.eval(), preprocess, decoding)
    for count in (1, 5):
        assert_same(network, run, decoding, torch.randn(count, 3, 32, 128))
