"""A detector learns, in the numerics that must hold, and validation judges whole pages."""

from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
import torch
import yaml
from lightning.pytorch import Callback, Trainer
from torch.optim.lr_scheduler import LambdaLR

from ocr.detection.data import PageBatch
from ocr.metrics.detection import DetectionCounts
from ocr.nn.heads.db_head import DbMaps
from ocr.specs.preprocess import apply


def highest_learning_rate() -> float:
    """The highest of the detection experiments and optimizers."""
    rates = []
    for folder in ("experiment", "train/optimizer"):
        for entry in (files("ocr.configs") / folder).iterdir():
            content = yaml.safe_load(entry.read_text())
            if entry.name.startswith("rec_"):
                continue
            rates += [content.get("lr"), ((content.get("train") or {}).get("optimizer") or {}).get("lr")]
    return max(rate for rate in rates if rate)


class Losses(Callback):
    """Keeps the loss of every step."""

    def __init__(self) -> None:
        self.seen = []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        self.seen.append(outputs["loss"].detach())


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_300_steps_at_the_highest_learning_rate_stay_finite_and_learn(small_module, data_of, precision: str) -> None:
    torch.manual_seed(0)
    module = small_module(highest_learning_rate())
    losses = Losses()
    trainer = Trainer(
        max_steps=300,
        callbacks=[losses],
        precision=precision,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        check_val_every_n_epoch=100,
    )
    trainer.fit(module, datamodule=data_of(crop_size=96))
    assert len(losses.seen) == 300
    assert torch.stack(losses.seen).isfinite().all()
    assert all(parameter.isfinite().all() for parameter in module.parameters())
    metrics = trainer.callback_metrics
    assert {"val/precision", "val/recall", "val/hmean", "train/loss", "train/probability", "train/dice"} <= set(metrics)
    assert metrics["val/hmean"] > 0.9


class Darkness(torch.nn.Module):
    """A perfect detector of black bars: their kernels, darker than the bars."""

    def forward(self, images: torch.Tensor) -> DbMaps:
        return DbMaps((0.5 - images.mean(1, keepdim=True)) * 20, None)


def test_validation_counts_what_is_found_in_the_pixels_of_the_page(small_module) -> None:
    module = small_module(1e-3)
    module.network = Darkness()
    image = np.full((512, 256, 3), 255, np.uint8)
    image[100:110, 60:180] = 0
    page = apply(replace(module.preprocess, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)), image)
    # The bar is the kernel; the line it stands for is what unclip makes of it.
    line = np.array(((47, 87), (193, 87), (193, 123), (47, 123)), np.float32)
    batch = PageBatch(
        torch.from_numpy(page.array)[None], page.scale_x, page.scale_y, (256, 512), [line], [False], ["page"]
    )
    module.on_validation_epoch_start()
    (found,) = module.validation_step(batch, 0)
    assert module.counts == DetectionCounts(matched=1, predicted=1, truth=1)
    assert found.polygon[:, 1].max() > 110
    module.on_validation_epoch_start()
    assert module.counts == DetectionCounts()


def test_optimizer_and_schedule_get_what_learns_and_how_long(small_module, data_of) -> None:
    module = small_module(1e-2)
    module.network.backbone.requires_grad_(False)
    seen = []

    def schedule(optimizer, total_steps: int) -> LambdaLR:
        seen.append((total_steps, sum(len(group["params"]) for group in optimizer.param_groups)))
        return LambdaLR(optimizer, lambda step: 1 / (1 + step))

    module.scheduler = schedule
    trainer = Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_val_batches=0,
    )
    trainer.fit(module, datamodule=data_of())
    assert seen == [(3, sum(parameter.requires_grad for parameter in module.parameters()))]
    assert trainer.optimizers[0].param_groups[0]["lr"] == pytest.approx(1e-2 / 4)


def test_channels_last_in_memory_change_neither_loss_nor_gradients(small_module, data_of) -> None:
    torch.manual_seed(0)
    module = small_module(0.001).train()
    data = data_of(crop_size=96)
    data.setup("fit")
    batch = next(iter(data.train_dataloader()))
    found = []
    for prepare in (lambda: None, module.on_fit_start):
        prepare()
        module.zero_grad()
        loss = module.loss(module(batch.images), batch)["loss"]
        loss.backward()
        found.append((loss.detach(), {name: p.grad.clone() for name, p in module.named_parameters()}))
    torch.testing.assert_close(found[0], found[1], atol=1e-4, rtol=1e-3)
    weight = next(p for p in module.network.parameters() if p.dim() == 4 and p.shape[1] > 1)
    assert weight.is_contiguous(memory_format=torch.channels_last)
