"""Processes that write checkpoints and are killed at random moments, and what they leave."""

import os
import random
import signal
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import lightning.pytorch as pl
import torch
from fabricate import maker
from torch.utils.data import DataLoader, TensorDataset

from ocr.records.catalog import Catalog
from ocr.records.layout import WHOLE
from ocr.records.verify import verify
from ocr.training.callbacks import UniqueModelCheckpoint
from ocr.training.cards import CardMaker
from ocr.training.checkpoint_io import DurableCheckpointIO


class Line(pl.LightningModule):  # type: ignore[misc]
    """A straight line with ballast, so that a checkpoint takes a while to write: 2 MB with the moments of Adam."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.ballast = torch.nn.Parameter(torch.zeros(170_000))

    def training_step(self, batch: list[torch.Tensor]) -> torch.Tensor:
        """Squared error, with the ballast in the graph."""
        return ((self.layer(batch[0]) - batch[1]) ** 2).mean() + 0.0 * self.ballast.sum()

    def validation_step(self, batch: list[torch.Tensor]) -> None:  # noqa: ARG002
        """Log the metric that checkpoints are named by."""
        self.log("val/hmean", torch.rand(()))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(self.parameters(), lr=1e-3)


def write_for_ever(folder: Path, make_card: CardMaker, seed: int) -> None:
    """Train and checkpoint after every step, as a run does."""
    warnings.simplefilter("ignore")
    torch.manual_seed(seed)
    data = DataLoader(TensorDataset(torch.rand(4, 1), torch.rand(4, 1)), batch_size=4)
    # Nothing is dropped, so that whatever goes was lost.
    saver = UniqueModelCheckpoint(monitor="val/hmean", mode="max", top_k=1_000_000)
    saver.record(folder, None, make_card)
    trainer = pl.Trainer(
        max_epochs=-1,
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_progress_bar=False,
        plugins=[DurableCheckpointIO()],
        enable_model_summary=False,
        num_sanity_val_steps=0,
        callbacks=[saver],
        default_root_dir=str(folder),
    )
    trainer.fit(Line(), data, data)


def killed_writers(root: Path, times: int, seed: int = 1) -> Iterator[dict[str, int]]:
    """Kill -9 a writer at `times` random moments; after each, count what is falsely whole, and what is lost."""
    draw = random.Random(seed)
    make_card = maker("detection")
    whole: set[str] = set()
    false, lost = [], []
    for n in range(times):
        folder = root / "2026-01-01" / f"run-{n // 20:03d}" / "checkpoints"
        folder.mkdir(parents=True, exist_ok=True)
        before = len(list(folder.iterdir()))
        pid = os.fork()
        if pid == 0:
            with open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
                write_for_ever(folder, make_card, n)
                os._exit(1)
        while len(list(folder.iterdir())) <= before:
            time.sleep(0.005)
        time.sleep(draw.uniform(0.0, 1.0))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        rows = Catalog([root]).checkpoints()
        offered = {row["path"] for row in rows if row["state"] == WHOLE}
        false += [path for path in offered - whole if verify(Path(path)) != WHOLE]
        lost += sorted(whole - offered)
        last = folder / "last.ckpt"
        if last.is_symlink() and str(last.resolve()) not in offered:
            lost.append(str(last))
        whole |= offered
        yield {"kills": n + 1, "whole": len(whole), "false": len(false), "lost": len(lost)}
    damaged = [path for path in sorted(whole) if verify(Path(path)) != WHOLE]
    cut = len(list(root.rglob(".tmp-durable-*.ckpt")))
    yield {"whole at the end": len(whole), "of them damaged": len(damaged), "files cut off while written": cut}
