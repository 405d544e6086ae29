"""Training that fits a given time: the machine is probed, a plan made, and the run ends in time.

``train.budget_minutes=9`` gives one run nine minutes, counted from when the libraries are loaded. With
``train.budget_total_minutes=27`` beside it the plan is made for 27, and runs of nine minutes that resume each other
follow it to its end as one long run would.
"""

import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks.callback import Callback

from findings.counted import counted
from ocr.errors import ConfigError
from ocr.records.checkpoint import read_card
from ocr.training.build import build_module
from ocr.training.instantiate import instantiate

log = logging.getLogger(__name__)

# Steps of a probe: the first ones allocate memory and start workers, the others are timed.
WARM_STEPS, TIMED_STEPS, TIMED_VALIDATIONS = 3, 8, 4
# A larger batch has to be this much faster, for it takes fewer steps in the same time.
WORTHWHILE = 1.15
# Shares of the time: what probing may take, what is left for start, checkpoints and an uneven machine, validation.
PROBING, SLACK, VALIDATING = 0.1, 0.05, 0.1
FEWEST_ROUNDS, MOST_ROUNDS = 3, 20
# A round of training and validation may take this much longer than the one before.
UNEVEN = 1.1

now = time.monotonic


@dataclass(frozen=True)
class Plan:
    """What a budget buys: `epochs` of `batches` batches each, validated every `validate_every` epochs."""

    batch_size: int
    learning_rate: float
    samples_per_second: float
    validation_seconds: float
    batches: int
    epochs: int
    validate_every: int

    def __str__(self) -> str:
        return (
            f"{counted(self.epochs * self.batches, 'step')} of {counted(self.batch_size, 'sample')}, "
            f"learning rate {self.learning_rate:.2g} ({self.samples_per_second:.1f} samples/s), "
            f"validation every {self.validate_every * self.batches} steps "
            f"({self.validation_seconds:.1f} s each)"
        )


@dataclass(frozen=True)
class Probe:
    """Samples a second that training takes with a batch size, its batches in an epoch, seconds of one validation."""

    batch_size: int
    samples_per_second: float
    batches: int
    validation_seconds: float = 0.0


def with_budget(config: dict[str, Any], resume: Path | None) -> dict[str, Any]:
    """The config with batch size, learning rate, epochs and validations that fit ``train.budget_minutes``, if set.

    A resumed run keeps the plan of the checkpoint that it goes on from. Raises ConfigError when the config limits the
    run in another way as well, or when the time is too short to learn anything.
    """
    minutes = config["train"].get("budget_minutes")
    if minutes is None:
        return config
    others = [k for k in config["trainer"] if k.startswith("limit_train") or k in ("max_steps", "fast_dev_run")]
    if others:
        raise ConfigError(f"train.budget_minutes sets the length of the run: take trainer.{others[0]} out")
    if config["trainer"]["devices"] != 1:
        raise ConfigError("train.budget_minutes probes one device: set trainer.devices=1")
    stored = None if resume is None else read_card(resume).config.get("train", {}).get("plan")
    if stored is not None:
        return planned(config, Plan(**stored))
    plan = make_plan(config, 60 * (config["train"].get("budget_total_minutes") or minutes))
    log.info("plan: %s", plan)
    return planned(config, plan)


def planned(config: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """The config that follows a plan, with the plan in it, so that cards and resumed runs know it."""
    place = _optimizer_place(config)
    optimizer = config[place]["optimizer"] | {"lr": plan.learning_rate}
    lengths = {
        "max_epochs": plan.epochs,
        "limit_train_batches": plan.batches,
        "check_val_every_n_epoch": plan.validate_every,
    }
    config = config | {
        "data": config["data"] | {"batch_size": plan.batch_size},
        "trainer": config["trainer"] | lengths,
        place: config[place] | {"optimizer": optimizer},
    }
    return config | {"train": config["train"] | {"plan": asdict(plan)}}


def make_plan(config: dict[str, Any], seconds: float) -> Plan:
    """Probe the machine and divide ``seconds`` among steps and validations.

    The learning rate grows linearly with the batch (Goyal et al., arXiv 1706.02677) from what the config asks for.
    """
    start = now()
    found = fastest(config, until=start + PROBING * seconds)
    left = seconds * (1 - SLACK) - (now() - start)
    rounds = round(VALIDATING * left / max(found.validation_seconds, 1e-3))
    rounds = min(max(rounds, FEWEST_ROUNDS), MOST_ROUNDS)
    steps = int((left - rounds * found.validation_seconds) * found.samples_per_second / found.batch_size)
    if steps < rounds:
        raise ConfigError(
            f"train.budget_minutes: {seconds / 60:.1f} minutes are too short: a step takes "
            f"{found.batch_size / found.samples_per_second:.1f} s, a validation {found.validation_seconds:.1f} s; "
            "give more of them, or validate on less: +trainer.limit_val_batches=10"
        )
    rate = config[_optimizer_place(config)]["optimizer"]["lr"] * found.batch_size / config["data"]["batch_size"]
    every = max(1, round(steps / rounds / found.batches))
    batches = min(found.batches, steps // rounds) if every == 1 else found.batches
    return Plan(
        batch_size=found.batch_size,
        learning_rate=rate,
        samples_per_second=round(found.samples_per_second, 2),
        validation_seconds=round(found.validation_seconds, 2),
        batches=batches,
        epochs=max(steps // (batches * every), 1) * every,
        validate_every=every,
    )


def fastest(config: dict[str, Any], until: float) -> Probe:
    """The batch size, doubled from the configured one while that pays and time is left, that trains fastest."""
    best = probe(config, config["data"]["batch_size"], validate=True)
    assert best is not None
    while now() < until and best.batches >= 2 * FEWEST_ROUNDS:
        larger = probe(config, 2 * best.batch_size)
        if larger is None or larger.samples_per_second < WORTHWHILE * best.samples_per_second:
            break
        best = Probe(larger.batch_size, larger.samples_per_second, larger.batches, best.validation_seconds)
    return best


def probe(config: dict[str, Any], batch_size: int, *, validate: bool = False) -> Probe | None:
    """Train a few steps of the real thing, its loader included; None when the batch does not fit into memory.

    The first probe, of the configured batch size, lets the memory error pass, for nothing smaller is tried.
    """
    # data.root is for the paths of the config itself to build on; no data module takes it.
    node = {key: value for key, value in config["data"].items() if key != "root"} | {"batch_size": batch_size}
    data = instantiate(node)
    module = build_module(config, getattr(data, "charset", None))
    clock = _Clock()
    limits = {"max_steps": WARM_STEPS + TIMED_STEPS, "max_epochs": -1, "limit_val_batches": 0}
    try:
        _probing_trainer(config, limits, clock).fit(module, datamodule=data)
        if validate:
            _probing_trainer(config, {"limit_val_batches": TIMED_VALIDATIONS}, clock).validate(
                module, datamodule=data, verbose=False
            )
    except torch.OutOfMemoryError:
        if validate:
            raise
        return None
    limit = config["trainer"].get("limit_val_batches", 1.0)  # as the trainer has it: batches, or a share of them
    count = len(data.val_dataloader()) if validate else 0
    count = min(count, limit) if isinstance(limit, int) else int(count * limit)
    validation = clock.seconds_per_validation_batch() * count
    return Probe(batch_size, batch_size / clock.seconds_per_step(), len(data.train_dataloader()), validation)


def _probing_trainer(config: dict[str, Any], limits: dict[str, Any], clock: "_Clock") -> Any:
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "callbacks": [clock]}
    return instantiate(config["trainer"] | limits, **quiet)


def _optimizer_place(config: dict[str, Any]) -> str:
    return "train" if config["train"].get("optimizer") else "model"


class _Clock(Callback):  # type: ignore[misc]
    """When the batches of a probe ended."""

    def __init__(self) -> None:
        self.steps: list[float] = []
        self.validations: list[float] = []

    def on_train_batch_end(self, *_: Any) -> None:
        """Note the end of a step, and wait for an accelerator to get there."""
        self.steps.append(_synchronised())

    def on_validation_batch_start(self, *_: Any) -> None:
        """Note the start of the first validation batch, which the start of workers is no part of."""
        if not self.validations:
            self.validations.append(_synchronised())

    def on_validation_batch_end(self, *_: Any) -> None:
        """Note the end of a validation batch."""
        self.validations.append(_synchronised())

    def seconds_per_step(self) -> float:
        """Mean time from the end of one step to the next, once warm; the loader's part is in it."""
        timed = self.steps[min(WARM_STEPS, len(self.steps) - 2) :]
        if len(timed) < 2:
            raise ConfigError(
                "train.budget_minutes: the data has too few batches to time; make data.batch_size smaller"
            )
        return max((timed[-1] - timed[0]) / (len(timed) - 1), 1e-6)

    def seconds_per_validation_batch(self) -> float:
        """Mean time of a validation batch; 0 when there is nothing to validate on."""
        count = len(self.validations) - 1
        return (self.validations[-1] - self.validations[0]) / count if count > 0 else 0.0


def _synchronised() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return now()


class Deadline(Callback):  # type: ignore[misc]
    """Ends a run before its time is over, after a validation where that can be, and says what it leaves.

    It stops after a round of training and validation when the next might not fit any more. Where a single round does
    not fit, it stops inside it: the checkpoint is whole and can be resumed, but has not been validated.
    """

    def __init__(self, *, seconds: float, started: float) -> None:
        self.seconds = seconds
        self.started = started
        self._round_began: float | None = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Begin the first round."""
        self._round_began = now()

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        """Stop inside a round when time is up: what is left is for the checkpoint."""
        if self._left() < 0.4 * SLACK * self.seconds and not trainer.should_stop:
            trainer.limit_val_batches = 0  # or the trainer would validate before it leaves
            self._stop(trainer)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Stop when another round like this one would end too late."""
        if trainer.sanity_checking or self._round_began is None:
            return
        took, self._round_began = now() - self._round_began, now()
        if self._left() < UNEVEN * took and not _is_last(trainer):
            self._stop(trainer)

    def _left(self) -> float:
        return self.seconds - (now() - self.started)

    def _stop(self, trainer: Any) -> None:
        trainer.should_stop = True
        log.info("the time is over at step %d; resume= goes on", trainer.global_step)


def _is_last(trainer: Any) -> bool:
    return bool(trainer.current_epoch + 1 >= trainer.max_epochs)
