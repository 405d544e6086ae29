"""What records, and the guard against losses that are not finite, add to a training step.

    python benchmarks/step_cost.py [--task detection] [--rounds 20] [--batch-size 2] [--crop 640]

A model trains on the same ten batches over and over: bare, with the guard, and with the records of a run (the
heartbeat), in an order that changes from round to round. Seconds are processor time of the whole process, so that
threads of the records count and other processes do not. What is compared are steps on one batch in one round: their
differences, as parts of the bare step, with the 95 % interval of their mean by resampling rounds. The guard's own
calls, a touch of the heartbeat, and what is written at a validation (record and card, the checkpoint's digest among
them) are timed apart. Needs `pip install .[train]`.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks.callback import Callback

from ocr.records.checkpoint import file_sha256, write_card
from ocr.records.layout import HEARTBEAT
from ocr.records.run import HEARTBEAT_SECONDS, Run
from ocr.training.build import build_module
from ocr.training.callbacks import FiniteLossGuard
from ocr.training.cards import CardMaker
from ocr.training.hydra_app import compose, resolve
from ocr.training.instantiate import instantiate

MODELS = {
    "detection": ["model=dbnet_mobilenetv3", "data=synthetic_detection"],
    "recognition": ["model=ctc_small", "data=synthetic_recognition"],
}
BATCHES = 10
KINDS = ("bare", "guard", "records")


def order(turn: int) -> list[str]:
    """The kinds in one of their six orders."""
    rotated = [KINDS[(turn + n) % 3] for n in range(3)]
    return rotated[::-1] if turn // 3 % 2 else rotated


class Rounds:
    """The same batches for each kind in each round; the first round warms up."""

    def __init__(self, batches: list[Any], rounds: int) -> None:
        self.batches, self.rounds = batches, rounds

    def __len__(self) -> int:
        return (self.rounds + 1) * len(KINDS) * len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        for _ in range((self.rounds + 1) * len(KINDS)):
            yield from self.batches


class Turns(Callback):  # type: ignore[misc]
    """Takes the time of each step, and gives each turn to its kind."""

    def __init__(self, run: Run) -> None:
        self.times: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
        self.calls: list[float] = []
        self._run = run
        self._guard = FiniteLossGuard()
        self._beating = ExitStack()
        self._begin = 0.0
        self._step = 0

    def on_train_batch_start(self, *_: Any) -> None:
        """Start the clock; the heart beats in its turn only."""
        if self._step % BATCHES == 0:
            self._beating.close()
            self.times[self._kind()].append([])
            if self._kind() == "records":
                self._beating.enter_context(self._run.alive())
        self._begin = time.process_time()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Let the guard do its work in its turn, and stop the clock."""
        kind = self._kind()
        if kind == "guard":
            begin = time.process_time()
            self._guard.on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
            self.calls.append(time.process_time() - begin)
        self.times[kind][-1].append(time.process_time() - self._begin)
        self._step += 1

    def on_train_end(self, *_: Any) -> None:
        """Stop the heart."""
        self._beating.close()

    def _kind(self) -> str:
        turn, place = divmod(self._step // BATCHES, len(KINDS))
        return order(turn)[place]


def extra(times: dict[str, list[list[float]]], kind: str) -> tuple[float, float, float]:
    """Mean of what `kind` adds to a step, as a part of it, and the ends of its 95 % interval over rounds.

    The tenth of the steps that differ most, either way, is left out, as when a step was interrupted for long.
    """
    pairs = [
        [theirs / bare - 1 for theirs, bare in zip(*turns, strict=True)]
        for turns in zip(times[kind][1:], times["bare"][1:], strict=True)
    ]
    draw = random.Random(7)
    means = sorted(_trimmed(draw.choices(pairs, k=len(pairs))) for _ in range(2000))
    return _trimmed(pairs), means[50], means[-51]


def _trimmed(rounds: list[list[float]]) -> float:
    found = sorted(value for turn in rounds for value in turn)
    return statistics.mean(found[len(found) // 20 : len(found) - len(found) // 20])


def measure(task: str, rounds: int, overrides: list[str], folder: Path) -> None:
    """Train, and print what was found."""
    config = resolve(compose([*MODELS[task], *overrides, f"paths.root={folder}/outputs"]))
    data = instantiate({key: node for key, node in config["data"].items() if key != "root"})
    charset = getattr(data, "charset", None)
    module = build_module(config, charset)
    data.setup("fit")
    batches = list(islice(iter(data.train_dataloader()), BATCHES))
    run = Run.start(folder, run_id="measured", name="measured")
    turns = Turns(run)
    trainer = pl.Trainer(
        max_epochs=1,
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
    trainer.fit(module, train_dataloaders=Rounds(batches, rounds))
    bare = statistics.median(value for turn in turns.times["bare"][1:] for value in turn)
    print(f"{task}: a step takes {1000 * bare:.1f} ms of the processor (median of {rounds * BATCHES})")
    for kind in KINDS[1:]:
        mean, low, high = (100 * value for value in extra(turns.times, kind))
        print(f"  with the {kind}: {mean:+.2f} % [{low:+.2f}, {high:+.2f}]")
    call = statistics.median(turns.calls)
    print(f"  the guard's own work: {1e6 * call:.0f} us, {100 * call / bare:.3f} % of a step")
    touch = _touch(folder / HEARTBEAT)
    part = 100 * touch / HEARTBEAT_SECONDS
    print(f"  the heartbeat's own work: {1e6 * touch:.0f} us every {HEARTBEAT_SECONDS:.0f} s, {part:.5f} %")
    checkpoint = folder / "a.ckpt"
    trainer.save_checkpoint(checkpoint)
    characters = None if charset is None else list(charset.characters)
    make = CardMaker(config, run_id=run.id, git_revision=None, data_hash=None, charset=characters, start=None)
    written = _records(checkpoint, make, run)
    print(f"  a validation's records: {1000 * written:.1f} ms, {written / bare:.2f} of a step", flush=True)


def _touch(path: Path, times: int = 1000) -> float:
    begin = time.process_time()
    for _ in range(times):
        path.touch()
    return (time.process_time() - begin) / times


def _records(checkpoint: Path, make: CardMaker, run: Run) -> float:
    """Median seconds to write the card of a checkpoint and the record of its run."""
    times = []
    for step in range(15):
        begin = time.process_time()
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
        times.append(time.process_time() - begin)
    return statistics.median(times)


def main() -> None:
    """Measure one task, or both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=MODELS, action="append")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=2)
    parser.add_argument("--crop", type=int, default=640, help="pixels of the detector's square crops")
    options = parser.parse_args()
    for task in options.task or MODELS:
        overrides = [f"data.batch_size={options.batch_size}"]
        overrides += [f"data.crop_size={options.crop}"] if task == "detection" else []
        with tempfile.TemporaryDirectory() as folder:
            measure(task, options.rounds, overrides, Path(folder))


if __name__ == "__main__":
    main()
