"""What happens around the steps: checkpoints, the guard against non-finite losses, the run's record, the epoch line."""

import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
from lightning.pytorch.callbacks.callback import Callback
from lightning.pytorch.callbacks.checkpoint import Checkpoint

from durable.replace import replacing
from ocr.errors import TrainingError
from ocr.records.checkpoint import CheckpointCard, file_sha256, write_card
from ocr.records.run import Run
from ocr.training.checkpoint_io import DurableCheckpointIO

CardMaker = Callable[..., CheckpointCard]


def logged_metrics(trainer: Any) -> dict[str, float]:
    """The metrics logged so far, as plain finite numbers."""
    found = {name: float(value) for name, value in trainer.callback_metrics.items()}
    return {name: value for name, value in found.items() if math.isfinite(value)}


class UniqueModelCheckpoint(Checkpoint):  # type: ignore[misc]
    """Writes a checkpoint of its own name after each validation; keeps the `top_k` best and always the newest.

    Names read ``epoch-07_step-001932_hmean-0.8920.ckpt`` and are never used twice. ``last.ckpt`` and ``best.ckpt`` are
    links to two of them. The card is written once the file is on disk; without a card maker (outside of a recorded run)
    there are no cards.
    """

    def __init__(self, *, monitor: str, mode: Literal["min", "max"], top_k: int) -> None:
        if top_k < 1:
            raise ValueError(f"top_k {top_k} would keep no best checkpoint")
        self.monitor = monitor
        self.mode = mode
        self.top_k = top_k
        self.folder: Path | None = None
        self.run: Run | None = None
        self.make_card: CardMaker | None = None
        self._scores: dict[str, float | None] = {}
        self._saved = (-1, False)  # at which step, and whether with the scores of a validation
        self._metrics: dict[str, float] = {}
        self._validated = 0

    def record(self, folder: Path, run: Run | None, make_card: CardMaker | None) -> None:
        """Say where checkpoints go, and which run and cards go with them."""
        self.folder, self.run, self.make_card = folder, run, make_card

    def state_dict(self) -> dict[str, Any]:
        """Names and scores of what is kept, and the folder they are in."""
        return {"scores": dict(self._scores), "folder": str(self.folder)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on keeping the best of the resumed run when it continues in the same folder."""
        if self.folder is not None and str(self.folder) == state_dict["folder"]:
            self._scores = {
                name: score for name, score in state_dict["scores"].items() if (self.folder / name).exists()
            }

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:  # noqa: ARG002
        """Hang the card on the moment the file is on disk."""
        plugin = trainer.strategy.checkpoint_io
        if isinstance(plugin, DurableCheckpointIO) and self.make_card is not None:
            plugin.after_save = self._write_card

    def on_validation_epoch_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Count the validation items anew."""
        self._validated = 0

    def on_validation_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, *_: Any) -> None:  # noqa: ARG002
        """Count what the metrics of the card rest on."""
        self._validated += batch_size(batch) * trainer.world_size

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Save, unless this is the check before training."""
        if not trainer.sanity_checking and trainer.state.fn == "fit":
            self._save(trainer, scored=True)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        """Save where the run stops inside an epoch, before the trainer counts that epoch as done."""
        stops = trainer.should_stop or trainer.global_step == trainer.max_steps
        if stops and not trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            self._save(trainer, scored=False)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Save what was learnt since the last validation, whose scores are not those of these weights."""
        if trainer.global_step > self._saved[0]:
            self._save(trainer, scored=False)

    def _save(self, trainer: Any, *, scored: bool) -> None:
        if self.folder is None or trainer.fast_dev_run or (trainer.global_step, scored) <= self._saved:
            return
        metrics = logged_metrics(trainer)
        if not scored:
            self._validated = 0
            metrics = {key: value for key, value in metrics.items() if not key.startswith("val/")}
        score = metrics.get(self.monitor)
        name = self._free_name(trainer, score)
        self._scores[name] = score
        self._saved = (trainer.global_step, scored)
        self._metrics = metrics
        trainer.save_checkpoint(self.folder / name, weights_only=False)
        if trainer.is_global_zero:
            self._link("last.ckpt", name)
            self._link("best.ckpt", self._ranked()[0])
        for extra in self._surplus(name):
            del self._scores[extra]
            trainer.strategy.remove_checkpoint(self.folder / extra)
        if trainer.is_global_zero and self.run is not None:
            self.run.update(
                metrics=self._metrics,
                epoch=trainer.current_epoch,
                step=trainer.global_step,
                checkpoints=[f"{self.folder.name}/{kept}" for kept in self._scores],
            )

    def _free_name(self, trainer: Any, score: float | None) -> str:
        assert self.folder is not None
        label = "" if score is None else f"_{self.monitor.rpartition('/')[2]}-{score:.4f}"
        stem = f"epoch-{trainer.current_epoch:02d}_step-{trainer.global_step:06d}{label}"
        names = (f"{stem}{'' if n == 0 else f'_{n}'}.ckpt" for n in range(1_000_000))
        free = next(name for name in names if not (self.folder / name).exists())
        # Every process must use the name that the first one chose, as it may see the new file already.
        return str(trainer.strategy.broadcast(free))

    def _ranked(self) -> list[str]:
        """Names, the best first; those without a score come last, the newest of them first."""
        sign = -1 if self.mode == "max" else 1
        order = list(self._scores)

        def rank(name: str) -> tuple[bool, float, int]:
            score = self._scores[name]
            return score is None, 0.0 if score is None else sign * score, -order.index(name)

        return sorted(order, key=rank)

    def _surplus(self, newest: str) -> list[str]:
        return [name for name in self._ranked()[self.top_k :] if name != newest]

    def _link(self, alias: str, name: str) -> None:
        """Point `alias` at `name` in one step; a copy where the filesystem has no links."""
        assert self.folder is not None
        temporary = self.folder / f".{alias}.{os.getpid()}"
        temporary.unlink(missing_ok=True)
        try:
            temporary.symlink_to(name)
        except OSError:
            with replacing(self.folder / alias) as copy, (self.folder / name).open("rb") as source:
                copy.write_bytes(source.read())
            return
        os.replace(temporary, self.folder / alias)

    def _write_card(self, path: Path, checkpoint: dict[str, Any]) -> None:
        assert self.make_card is not None
        card = self.make_card(
            metrics=self._metrics,
            n=self._validated,
            epoch=int(checkpoint["epoch"]),
            step=int(checkpoint["global_step"]),
            monitor=self.monitor,
            mode=self.mode,
            size=path.stat().st_size,
            sha256=file_sha256(path),
        )
        write_card(path, card)


class FiniteLossGuard(Callback):  # type: ignore[misc]
    """Stops the run at a loss that is not finite, names the batch and keeps it.

    The flag is copied to the host without waiting and read one step later, when it is there; until then the batch is
    held. Read at the latest before validation, so that no checkpoint is written after such a step.
    """

    def __init__(self) -> None:
        self.folder: Path | None = None
        self._pending: tuple[torch.Tensor, torch.Tensor, Any, Any, int, int] | None = None

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        """Read the flag of the step before and send off this step's."""
        self._read(trainer)
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        if loss is None:
            return
        loss = loss.detach()
        finite = torch.isfinite(loss).all()
        event = None
        if finite.is_cuda:
            host = torch.empty((), dtype=torch.bool, pin_memory=True)
            host.copy_(finite, non_blocking=True)
            event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            event.record()
            finite = host
        self._pending = (finite, loss, event, batch, batch_idx, trainer.current_epoch)

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Read the last flag before anything is saved."""
        self._read(trainer)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Read the last flag of the epoch."""
        self._read(trainer)

    def _read(self, trainer: Any) -> None:
        if self._pending is None:
            return
        finite, loss, event, batch, batch_idx, epoch = self._pending
        self._pending = None
        if event is not None:
            event.synchronize()
        if bool(finite):
            return
        names = batch_names(batch)
        kept = "the batch was not kept"
        if self.folder is not None:
            path = self.folder / f"nonfinite_epoch-{epoch:02d}_batch-{batch_idx:06d}_rank-{trainer.global_rank}.pt"
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary:
                torch.save(plain(batch), temporary)
            kept = f"kept in {path}"
        raise TrainingError(
            f"the loss is {float(loss)} at epoch {epoch}, batch {batch_idx}"
            + (f" ({', '.join(names)})" if names else "")
            + f"; {kept}; lower the learning rate or look at these samples"
        )


def batch_names(batch: Any) -> list[str]:
    """Names of the samples of a batch, where it has any."""
    for field in ("names", "texts"):
        found = batch.get(field) if isinstance(batch, dict) else getattr(batch, field, None)
        if found:
            return [str(name) for name in found]
    return []


def batch_size(batch: Any) -> int:
    """Number of samples in a batch: the length of its first tensor."""
    if isinstance(batch, torch.Tensor):
        return len(batch)
    values = plain_fields(batch)
    first = next((value for value in values if isinstance(value, torch.Tensor)), None)
    return 0 if first is None else len(first)


def plain_fields(batch: Any) -> list[Any]:
    """The parts of a batch that is a dict, a sequence or a dataclass."""
    if isinstance(batch, dict):
        return list(batch.values())
    if hasattr(batch, "__dataclass_fields__"):
        return [getattr(batch, name) for name in batch.__dataclass_fields__]
    return list(batch) if isinstance(batch, list | tuple) else []


def plain(value: Any) -> Any:
    """A batch as tensors and plain values, so that it can be read with ``weights_only=True``."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    if isinstance(value, dict):
        return {str(key): plain(child) for key, child in value.items()}
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, list | tuple):
        return [plain(child) for child in value]
    if hasattr(value, "__array__"):
        return torch.as_tensor(value)
    return str(value)


class Throughput(Callback):  # type: ignore[misc]
    """Logs ``train/samples_per_second`` of each epoch: the loader's time is in it, that of validation is not."""

    def __init__(self) -> None:
        self._began = self._ended = 0.0
        self._samples = 0

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Begin to count."""
        self._began, self._samples = time.monotonic(), 0

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        """Count a batch."""
        self._samples += batch_size(batch) * trainer.world_size
        self._ended = time.monotonic()

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Log it."""
        if self._samples and self._ended > self._began:
            pl_module.log("train/samples_per_second", self._samples / (self._ended - self._began), sync_dist=True)


class EpochLine(Callback):  # type: ignore[misc]
    """One line on stderr after each validation, for runs whose output is a file."""

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Print epoch, step and the validation metrics."""
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        metrics = " ".join(f"{name}={value:.4f}" for name, value in sorted(logged_metrics(trainer).items()))
        print(f"epoch {trainer.current_epoch} step {trainer.global_step} {metrics}", file=sys.stderr, flush=True)
