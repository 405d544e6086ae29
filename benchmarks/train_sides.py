"""Our training and a plain PARSeq loop, a step at a turn: what `train.py` starts beside others.

    python benchmarks/train_sides.py ours|plain OVERRIDE...

Both build their network, optimizer and crops from the same composed config.
"""

import argparse
import tempfile
from collections.abc import Iterator
from functools import partial
from typing import Any

import cv2
import lightning.pytorch as pl
import numpy as np
import torch
import torch.nn.functional as F
from lightning.pytorch.callbacks.callback import Callback
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate
from train_turns import Turns

from ocr.recognition.augment import Augment
from ocr.recognition.permutations import draw_orders, order_masks
from ocr.training.build import build_module, optimizer_of, scheduler_of
from ocr.training.callbacks import FiniteLossGuard, Throughput
from ocr.training.hydra_app import compose, resolve
from ocr.training.instantiate import instantiate


class Taking(Callback):  # type: ignore[misc]
    """Gives every step of the trainer its turn, from the loader to the other callbacks' work."""

    def __init__(self) -> None:
        self.turns = Turns()

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Wait for the first turn."""
        self.turns.begin()

    def on_train_batch_end(self, *_: Any) -> None:
        """End this turn and wait for the next."""
        self.turns.end()
        self.turns.begin()


def parts(overrides: list[str], folder: str) -> tuple[dict[str, Any], Any, Any]:
    """The composed config, its data module, set up, and its training module."""
    config = resolve(compose([*overrides, f"paths.root={folder}", f"paths.experiment_dir={folder}", "logger=[csv]"]))
    pl.seed_everything(config["seed"], verbose=False)
    data = instantiate({key: node for key, node in config["data"].items() if key != "root"})
    data.setup("fit")
    return config, data, build_module(config, getattr(data, "charset", None))


def ours(overrides: list[str], folder: str) -> None:
    """Train as `ocr train` does, with its trainer, guard and table of numbers."""
    config, data, module = parts(overrides, folder)
    trainer = instantiate(
        config["trainer"] | {"max_epochs": 1000, "limit_val_batches": 0},
        callbacks=[FiniteLossGuard(), Throughput(), Taking()],
        logger=[instantiate(node) for node in config["logger"].values()],
        enable_checkpointing=False,
        enable_progress_bar=False,
    )
    trainer.fit(module, datamodule=data)


class PlainCrops(Dataset[tuple[Tensor, Tensor]]):
    """The same crops with the same augmentation, prepared one by one: images (3,H,W) and padded ids."""

    def __init__(self, data: Any, tokenizer: Any, length: int) -> None:
        self.source = data.train_sources[0]
        self.augment: Augment = data.augment
        self.preprocess = data.preprocess
        self.tokenizer = tokenizer
        self.length = length
        self.rng = np.random.default_rng(0)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        crop = self.source.load(index, 0)
        size = (self.preprocess.width, self.preprocess.height)
        image = cv2.resize(self.augment(crop.image, self.rng), size, interpolation=cv2.INTER_CUBIC)
        values = torch.from_numpy(image).permute(2, 0, 1).float().div(255).sub(0.5).div(0.5)
        ids = self.tokenizer.encode(crop.text)
        return values, torch.tensor(ids + [self.tokenizer.pad] * (self.length + 2 - len(ids)))


def plain(overrides: list[str], folder: str) -> None:
    """Permutation language modelling as published: encode once, then decode each order and add its loss."""
    config, data, module = parts(overrides, folder)
    network, tokenizer = module.network, module.tokenizer
    optimizer = instantiate(optimizer_of(config))(network.parameters())
    scheduler = instantiate(scheduler_of(config) or {})(optimizer, 100_000)
    clip, low = config["trainer"]["gradient_clip_val"], config["trainer"]["precision"] == "bf16-mixed"
    crops = PlainCrops(data, tokenizer, network.max_length)
    loader = DataLoader(
        crops, batch_size=data.batch_size, shuffle=True, drop_last=True, collate_fn=partial(stacked, pad=tokenizer.pad)
    )
    turns = Turns()
    network.train()
    for images, ids in endless(loader, turns):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            loss = permutation_loss(network, tokenizer, images, ids, module.loss.orders)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
        optimizer.step()
        scheduler.step()
        turns.end()


def endless(loader: DataLoader[Any], turns: Turns) -> Iterator[Any]:
    """Batches without end, each fetched in its turn."""
    batches = iter(loader)
    while True:
        turns.begin()
        batch = next(batches, None)
        if batch is None:
            batches = iter(loader)
            batch = next(batches)
        yield batch


def stacked(samples: list[tuple[Tensor, Tensor]], pad: int) -> tuple[Tensor, Tensor]:
    """A batch, its ids cut to the longest text."""
    images, ids = default_collate(samples)
    return images, ids[:, : int((ids != pad).sum(1).max())]


def permutation_loss(network: Any, tokenizer: Any, images: Tensor, ids: Tensor, count: int) -> Tensor:
    """Cross entropy over `count` orders, one pass of the decoder each (Bautista and Atienza, 2022)."""
    memory = network.encode(images)
    context, targets = ids[:, :-1], ids[:, 1:]
    hidden = (context == tokenizer.pad) | (context == tokenizer.eos)
    total, tokens = torch.zeros(()), 0
    for index, order in enumerate(draw_orders(ids.shape[1] - 2, count)):
        if index == 2:  # the end counts in the first two orders alone
            targets = targets.masked_fill(targets == tokenizer.eos, tokenizer.pad)
        content_mask, query_mask = order_masks(order)
        logits = network.decode(context, memory, query_mask=query_mask, content_mask=content_mask, padding_mask=hidden)
        number = int((targets != tokenizer.pad).sum())
        losses = F.cross_entropy(logits.flatten(end_dim=1).float(), targets.flatten(), ignore_index=tokenizer.pad)
        total = total + number * losses
        tokens += number
    return total / tokens


def main() -> None:
    """Run one side until its turns end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("side", choices=("ours", "plain"))
    parser.add_argument("overrides", nargs="*")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    with tempfile.TemporaryDirectory() as folder:
        {"ours": ours, "plain": plain}[options.side](options.overrides, folder)


if __name__ == "__main__":
    main()
