"""What a resumed run sees and keeps: the crops of an unbroken one, whether it stopped after an epoch or inside it."""

from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import pytest
import torch

from ocr.detection.data import EpochSampler
from ocr.recognition.data import RecognitionData
from ocr.recognition.sources import Crop, CropSource
from ocr.specs.preprocess import PreprocessSpec
from ocr.training import weights
from ocr.training.callbacks import UniqueModelCheckpoint
from ocr.training.checkpoint_io import DurableCheckpointIO
from ocr.training.ema import WeightEma
from ocr.training.noise import hush
from ocr.training.randomness import RandomState

CROPS, BATCH, EPOCHS = 16, 2, 3


class Numbers(CropSource):
    """Crops that are told apart by their text, and say what was drawn for them."""

    def __init__(self) -> None:
        super().__init__(name="numbers", weight=1.0)

    def __len__(self) -> int:
        return CROPS

    def texts(self) -> list[str]:
        return []

    def select(self, *_: object) -> None:
        """All of them are usable."""

    def load(self, position: int, seed: int) -> Crop:
        return Crop(np.full((8, 16, 3), position, np.uint8), f"{position}:{seed}", False)


class Watcher(pl.LightningModule):
    """One weight that falls by one a step, and what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen: list[str] = []
        self.validated: list[list[str]] = []

    def training_step(self, batch, batch_idx):
        self.seen.append(" ".join(batch.texts))
        return self.weight.sum()

    def on_validation_epoch_start(self):
        self.validated.append([])

    def validation_step(self, batch, batch_idx):
        self.validated[-1] += batch.texts
        self.log("val/score", 1.0, batch_size=1)

    def on_fit_end(self):
        every = sorted(f"{position}:0" for position in range(CROPS))
        assert self.trainer.overfit_batches or all(sorted(texts) == every for texts in self.validated)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 1.0)


class OneBatchOf(pl.Callback):
    """Stops the run inside an epoch, as a deadline does."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer, *_):
        if trainer.global_step == self.step:
            trainer.limit_val_batches = 0
            trainer.should_stop = True


def run(folder: Path, *, workers: int, resume: Path | None = None, stop: int = 0, **limits) -> list[str]:
    """Train in the folder; the batches seen."""
    hush()
    pl.seed_everything(3, workers=True, verbose=False)
    data = RecognitionData(
        train=[Numbers()],
        val=[Numbers()],
        preprocess=PreprocessSpec(resize="height", height=8),
        charset="default",
        max_length=9,
        batch_size=BATCH,
        num_workers=workers,
        pin_memory=False,
        augment=0.0,
        samples=None,
        replace={},
        seed=1,
    )
    keep = UniqueModelCheckpoint(monitor="val/score", mode="max", top_k=99)
    keep.record(folder, None, None)
    module = Watcher()
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=EPOCHS,
        logger=False,
        callbacks=[keep, WeightEma(decay=0.5), RandomState(), *([OneBatchOf(stop)] if stop else [])],
        plugins=[DurableCheckpointIO()],
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        **limits,
    )
    trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=True)
    return module.seen


@pytest.mark.parametrize("workers", [0, 1])
def test_after_any_epoch_the_crops_are_those_of_an_unbroken_run(tmp_path, workers):
    whole = run(tmp_path / "whole", workers=workers)
    batches = CROPS // BATCH
    assert len(whole) == len(set(whole)) == EPOCHS * batches
    for epoch in range(EPOCHS - 1):
        (last,) = (tmp_path / "whole").glob(f"epoch-{epoch:02d}_*.ckpt")
        assert run(tmp_path / f"on-{epoch}", workers=workers, resume=last) == whole[(epoch + 1) * batches :]


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("limit", [{"stop": 3}, {"max_steps": 11}], ids=["deadline", "max_steps"])
def test_inside_an_epoch_the_rest_of_it_comes_and_no_step_is_lost(tmp_path, workers, limit):
    whole = run(tmp_path / "whole", workers=workers)
    begun = run(tmp_path / "begun", workers=workers, **limit)
    rest = run(tmp_path / "on", workers=workers, resume=(tmp_path / "begun" / "last.ckpt").resolve())
    assert len(begun) + len(rest) == len(whole)
    batches = CROPS // BATCH
    ended = -(-len(begun) // batches) * batches  # where the broken epoch ends
    assert begun == whole[: len(begun)]
    assert rest[ended - len(begun) :] == whole[ended:]


@pytest.mark.parametrize("limit", [{"stop": 3}, {"max_steps": 11}, {"check_val_every_n_epoch": 2}])
def test_a_checkpoint_without_a_validation_keeps_the_weights_beside_their_average(tmp_path, limit):
    steps = len(run(tmp_path, workers=0, **limit))
    kept = weights.load(tmp_path / "last.ckpt")
    assert float(kept["current_model_state"]["weight"]) == -steps
    assert -steps < float(kept["state_dict"]["weight"]) < 0


@pytest.mark.parametrize("workers", [0, 1])
def test_overfitting_sees_the_same_batches_in_each_epoch(tmp_path, workers):
    seen = run(tmp_path, workers=workers, overfit_batches=2)
    assert seen == seen[:2] * EPOCHS
    assert seen[0] != seen[1]


def test_views_of_pages_go_on_inside_an_epoch_too():
    whole, rest = (EpochSampler(8, seed=1, epoch=2, taken=taken) for taken in (0, 6))
    assert list(rest) == list(whole)[6:]
    assert list(rest) == list(whole)
