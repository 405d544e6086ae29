"""What records, and the guard against losses that are not finite, add to a training step.

    python benchmarks/step_cost.py [--task detection] [--steps 300]

A model trains on synthetic data. In turns of ten steps it does so bare, with the guard, and with the records of a run
(the heartbeat), so that a busy moment hits all three; medians. What is written at a validation (record and card, the
checkpoint's digest among them) is timed apart. Needs `pip install .[train]`.
"""

import argparse
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks.callback import Callback

from ocr.records.checkpoint import file_sha256, write_card
from ocr.records.run import Run
from ocr.training.build import build_module
from ocr.training.callbacks import FiniteLossGuard
from ocr.training.cards import CardMaker
from ocr.training.hydra_app import compose, resolve
from ocr.training.instantiate import instantiate

MODELS = {
    "detection": ["model=dbnet_mobilenetv3", "data=synthetic_detection", "data.batch_size=2"],
    "recognition": ["model=ctc_small", "data=synthetic_recognition", "data.batch_size=8"],
}
TURN = 10
KINDS = ("bare", "guard", "records")


class Turns(Callback):  # type: ignore[misc]
    """Times each step; gives every third turn to the guard, and every third to the heartbeat of a run."""

    def __init__(self, run: Run) -> None:
        self.times: dict[str, list[float]] = {kind: [] for kind in KINDS}
        self.calls: list[float] = []
        self._run = run
        self._guard = FiniteLossGuard()
        self._beating = ExitStack()
        self._begin = 0.0
        self._step = 0

    def on_train_batch_start(self, *_: Any) -> None:
        """Start the clock; the heart beats in its turn only."""
        if self._step % TURN == 0:
            self._beating.close()
            if self._kind() == "records":
                self._beating.enter_context(self._run.alive())
        self._begin = time.perf_counter()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Let the guard do its work in its turn, and stop the clock."""
        if self._kind() == "guard":
            begin = time.perf_counter()
            self._guard.on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
            self.calls.append(time.perf_counter() - begin)
        if self._step % TURN:  # the first of a turn has no loss of the step before to read
            self.times[self._kind()].append(time.perf_counter() - self._begin)
        self._step += 1

    def on_train_end(self, *_: Any) -> None:
        """Stop the heart."""
        self._beating.close()

    def _kind(self) -> str:
        return KINDS[self._step // TURN % len(KINDS)]


def measure(task: str, steps: int, folder: Path) -> None:
    """Train, and print the medians."""
    config = resolve(compose([*MODELS[task], f"paths.root={folder}/outputs"]))
    data = instantiate({key: node for key, node in config["data"].items() if key != "root"})
    charset = getattr(data, "charset", None)
    module = build_module(config, charset)
    run = Run.start(folder, run_id="measured", name="measured")
    turns = Turns(run)
    trainer = pl.Trainer(
        max_steps=steps,
        accelerator="cpu",
        devices=1,
        limit_val_batches=0,
        logger=False,
        callbacks=[turns],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=str(folder),
    )
    trainer.fit(module, data)
    bare = statistics.median(turns.times["bare"])
    print(f"{task}: a step takes {1000 * bare:.1f} ms (median of {len(turns.times['bare'])})")
    for kind in KINDS[1:]:
        extra = statistics.median(turns.times[kind]) / bare - 1
        print(f"  with the {kind}: {100 * extra:+.2f} %")
    call = statistics.median(turns.calls)
    print(f"  the guard's own work: {1e6 * call:.0f} us, {100 * call / bare:.3f} % of a step")
    checkpoint = folder / "a.ckpt"
    trainer.save_checkpoint(checkpoint)
    characters = None if charset is None else list(charset.characters)
    make = CardMaker(config, run_id=run.id, git_revision=None, data_hash=None, charset=characters, start=None)
    print(f"  a validation's records: {1000 * _records(checkpoint, make, run):.0f} ms")


def _records(checkpoint: Path, make: CardMaker, run: Run) -> float:
    """Median seconds to write the card of a checkpoint and the record of its run."""
    times = []
    for step in range(15):
        begin = time.perf_counter()
        card = make(
            metrics={"val/x": 0.5},
            n=1,
            epoch=0,
            step=step,
            monitor="val/x",
            mode="max",
            size=checkpoint.stat().st_size,
            sha256=file_sha256(checkpoint),
        )
        write_card(checkpoint, card)
        run.update(metrics={"val/x": 0.5}, step=step)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def main() -> None:
    """Measure one task, or both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=MODELS, action="append")
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    for task in options.task or MODELS:
        with tempfile.TemporaryDirectory() as folder:
            measure(task, options.steps, Path(folder))


if __name__ == "__main__":
    main()
