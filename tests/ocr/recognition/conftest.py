"""A small CTC network, and drawn crops that it can learn within seconds."""

import cv2
import numpy as np
import pytest
import torch

from ocr.datasets.synthetic import line
from ocr.recognition.ctc_network import CtcNetwork
from ocr.recognition.data import collate
from ocr.recognition.sources import Crop
from ocr.specs.decode import DecodeSpec, decode, valid_steps
from ocr.specs.preprocess import PreprocessSpec


@pytest.fixture(autouse=True)
def one_thread_one_seed():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def spec():
    return PreprocessSpec(
        resize="height", height=32, min_width=16, max_width=640, multiple=8, mean=(0.5,) * 3, std=(0.5,) * 3
    )


@pytest.fixture(scope="session")
def encoded():
    """Return an RGB image as PNG bytes."""
    return lambda image: cv2.imencode(".png", image[:, :, ::-1])[1].tobytes()


@pytest.fixture(scope="session")
def small_network():
    """Build the small network for a tokenizer."""

    def build(*, tokenizer):
        return CtcNetwork(
            tokenizer=tokenizer,
            height=32,
            channels=[12, 24, 32, 48],
            depths=[1, 2, 1],
            sequence_width=48,
            sequence_depth=1,
            sequence_kernel=5,
            sequence_expansion=2,
            dropout=0.0,
        )

    return build


@pytest.fixture(scope="session")
def drawn(spec):
    """Draw texts into one batch."""

    def draw(texts, *, charset, case_free=False, seed=0):
        crops = [line(seed + i, text, charset=charset)[0] for i, text in enumerate(texts)]
        return collate(spec, [Crop(crop, text, case_free) for crop, text in zip(crops, texts, strict=True)])

    return draw


@pytest.fixture(scope="session")
def read():
    """Read a batch with a CTC network."""

    def run(network, charset, batch):
        network.eval()
        with torch.inference_mode():
            logits = network(batch.images).numpy()
        network.train()
        lengths = valid_steps(np.array(batch.widths), batch.images.shape[-1], logits.shape[1])
        return decode(DecodeSpec(kind="ctc"), charset, logits, lengths)

    return run


@pytest.fixture(scope="session")
def learn():
    """Minimise a loss over batches, given one by one; returns the last loss."""

    def run(network, loss, batches, *, steps, rate):
        network.train()
        optimizer = torch.optim.AdamW(network.parameters(), lr=rate)
        for step in range(steps):
            value = loss(network, batches[step % len(batches)])
            optimizer.zero_grad()
            value.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
        return value.item()

    return run
