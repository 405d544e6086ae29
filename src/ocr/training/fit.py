"""One training run from config to the last line: the record, the objects, the trainer."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import yaml
from hydra.core.hydra_config import HydraConfig
from lightning.pytorch.callbacks.callback import Callback
from lightning.pytorch.callbacks.lr_monitor import LearningRateMonitor
from lightning.pytorch.callbacks.progress.rich_progress import RichProgressBar
from omegaconf import DictConfig

from durable.replace import write_text
from ocr.records.catalog import URL_VARIABLE, register
from ocr.records.checkpoint import canonical_hash
from ocr.records.data_manifest import manifest_hash
from ocr.records.find import checkpoint_path
from ocr.records.layout import BEST
from ocr.records.run import Run
from ocr.records.stopping import terminate_as_exit
from ocr.training.budget import Deadline, now, with_budget
from ocr.training.build import build_module
from ocr.training.callbacks import (
    EpochLine,
    FiniteLossGuard,
    Throughput,
    UniqueModelCheckpoint,
    logged_metrics,
)
from ocr.training.cards import CardMaker
from ocr.training.checkpoint_io import DurableCheckpointIO
from ocr.training.config_sources import key_source
from ocr.training.hydra_app import (
    RUN_ID_VARIABLE,
    config_text,
    is_first_process,
    resolve,
)
from ocr.training.instantiate import check, instantiate
from ocr.training.noise import hush
from ocr.training.randomness import RandomState
from ocr.training.start import check_resume, keep_graph, load_start, start_of, with_start_graph

log = logging.getLogger(__name__)

RESOLVED = "resolved.yaml"


def fit(cfg: DictConfig) -> dict[str, float]:
    """Train as `cfg` says, record the run in its folder, print the last line; return the metrics logged last.

    Raises OcrError for what the user can mend; whatever happens, `run.json` says how the run ended.
    """
    started = now()
    config = with_start_graph(resolve(cfg))
    hush()
    folder = Path(config["paths"]["experiment_dir"])
    root = Path(config["paths"]["root"])
    resume = checkpoint_path(config["resume"], [root]) if config["resume"] else None
    config = with_budget(config, resume)
    # The other processes of DDP have the same config; only the first one keeps records.
    first = is_first_process()
    with recorded(cfg, config, folder, resuming=resume is not None) if first else nullcontext() as run:
        metrics = _train(config, folder, run, resume, started)
        if run is not None:
            run.update(metrics=metrics)
    if first:
        print("Training complete! " + ", ".join(f"{name}={value:.4g}" for name, value in sorted(metrics.items())))
    return metrics


@contextmanager
def recorded(cfg: DictConfig, config: dict[str, Any], folder: Path, *, resuming: bool) -> Iterator[Run]:
    """Keep `run.json` true while the block runs: running, then completed, failed or interrupted."""
    os.environ[RUN_ID_VARIABLE] = config["run"]["id"]
    run = Run.start(
        folder,
        run_id=config["run"]["id"],
        name=str(config["name"]),
        resuming=resuming,
        task=config["task"],
        overrides=_overrides(),
        config=f".hydra/{RESOLVED}",
        config_hash=canonical_hash(config),
        seed=config["seed"],
        tags=list(config["run"]["tags"]),
        resumed_from=str(config["resume"]) if resuming else None,
    )
    if os.environ.get(URL_VARIABLE):
        run.on_change = partial(register, Path(config["paths"]["root"]), folder)
        run.tell()
    write_text(folder / ".hydra" / "config.yaml", config_text(cfg))
    write_text(folder / ".hydra" / RESOLVED, yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    _keep_earlier(folder / "metrics.csv")
    with run.alive(), terminate_as_exit():
        try:
            yield run
        except (KeyboardInterrupt, SystemExit) as stop:
            run.end("interrupted", "stopped by " + ("Ctrl-C" if isinstance(stop, KeyboardInterrupt) else "SIGTERM"))
            raise
        except BaseException as error:
            run.end("failed", f"{type(error).__name__}: {' '.join(str(error).split())}"[:2000])
            raise
        run.end("completed")


def _train(
    config: dict[str, Any], folder: Path, run: Run | None, resume: Path | None, started: float
) -> dict[str, float]:
    # data.root is for the paths of the config itself to build on; no data module takes it.
    data_node = {key: node for key, node in config["data"].items() if key != "root"}
    check(config | {"data": data_node}, key_source)
    pl.seed_everything(config["seed"], workers=True, verbose=False)
    data = instantiate(data_node)
    charset = getattr(data, "charset", None)  # a recognizer's data knows its characters; a detector's has none
    module = build_module(config, charset)
    if resume is not None:
        check_resume(module, resume)
    elif config["start"]:
        load_start(module, checkpoint_path(config["start"], [Path(config["paths"]["root"])], BEST))
    maker = None
    if run is not None:
        if not config["trainer"].get("fast_dev_run"):
            keep_graph(config, Path(config["paths"]["checkpoint_dir"]))
        data_hash = manifest_hash(data_node)
        run.update(data_manifest_hash=data_hash)
        characters = None if charset is None else list(charset.characters)
        maker = CardMaker(
            config,
            run_id=run.id,
            git_revision=run.git_revision,
            data_hash=data_hash,
            charset=characters,
            start=start_of(config, module),
        )
    callbacks = _callbacks(config, run, maker)
    if config["train"].get("budget_minutes"):
        callbacks.append(Deadline(seconds=60 * config["train"]["budget_minutes"], started=started))
    loggers = [instantiate(node) for node in (config.get("logger") or {}).values() if node]
    if not loggers:  # the monitor of the learning rate refuses to run without one
        callbacks = [callback for callback in callbacks if not isinstance(callback, LearningRateMonitor)]
    trainer = instantiate(
        config["trainer"],
        callbacks=callbacks,
        logger=loggers or False,
        plugins=[DurableCheckpointIO()],
        default_root_dir=str(folder),
        enable_progress_bar=sys.stderr.isatty(),
        enable_checkpointing=any(isinstance(callback, UniqueModelCheckpoint) for callback in callbacks),
    )
    try:
        trainer.fit(module, datamodule=data, ckpt_path=None if resume is None else str(resume), weights_only=True)
    except SystemExit as leaving:
        if leaving.code == 1:  # what the trainer makes of Ctrl-C
            raise KeyboardInterrupt from None
        raise
    return logged_metrics(trainer)


def _callbacks(config: dict[str, Any], run: Run | None, maker: CardMaker | None) -> list[Callback]:
    """The callbacks of the config with the run's folders, and a bar or lines; no checkpoints in a fast_dev_run."""
    callbacks: list[Callback] = [instantiate(node) for node in (config.get("callbacks") or {}).values() if node]
    if config["trainer"].get("fast_dev_run"):
        callbacks = [callback for callback in callbacks if not isinstance(callback, UniqueModelCheckpoint)]
    for callback in callbacks:
        if isinstance(callback, UniqueModelCheckpoint):
            callback.record(Path(config["paths"]["checkpoint_dir"]), run, maker)
        elif isinstance(callback, FiniteLossGuard):
            callback.folder = Path(config["paths"]["log_dir"])
    bar = RichProgressBar(console_kwargs={"stderr": True}) if sys.stderr.isatty() else EpochLine()
    return [*callbacks, Throughput(), RandomState(), bar]


def _keep_earlier(metrics: Path) -> None:
    """Rename the table of the run that this one continues in its folder, as the logger begins an empty one."""
    if metrics.exists():
        numbered = (metrics.with_name(f"metrics-{n}.csv") for n in range(1, 1_000_000))
        metrics.rename(next(path for path in numbered if not path.exists()))


def _overrides() -> list[str]:
    """What the command line said, or nothing where the config was composed without one."""
    return list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []
