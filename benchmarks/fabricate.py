"""A tree of runs for the benchmark of the catalog: records and cards as training writes them."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import torch

from ocr.records.checkpoint import CheckpointCard, file_sha256, write_card
from ocr.records.run import Run, RunRecord, write_record
from ocr.text.charset import Charset
from ocr.training.cards import CardMaker
from ocr.training.hydra_app import compose, resolve

BEGIN = datetime(2026, 1, 1, 8, 0, 0, tzinfo=UTC)
CHECKPOINTS = 4  # in each run: three best and the newest
MODELS = {
    "detection": (["model=dbnet_resnet18", "data=synthetic_detection"], "val/hmean"),
    "recognition": (["model=ctc_small", "data=synthetic_recognition"], "val/accuracy"),
}


def weights(path: Path, parameters: int = 1_400_000) -> Path:
    """A checkpoint of the size of the small recognizer's: weights and both moments of AdamW, 17 MB."""
    tensors = {f"layer{n}.weight": torch.randn(parameters // 20) for n in range(20)}
    moments = {n: {"exp_avg": torch.randn(parameters // 20), "exp_avg_sq": torch.rand(1)} for n in range(20)}
    squares = {n: {"exp_avg_sq": torch.rand(parameters // 20)} for n in range(20)}
    torch.save({"state_dict": tensors, "optimizer_states": [moments, squares], "epoch": 0, "global_step": 1}, path)
    return path


def maker(task: str) -> CardMaker:
    """What writes the cards of a run of `task`."""
    overrides, _ = MODELS[task]
    return CardMaker(
        resolve(compose(overrides)),
        run_id=None,
        git_revision="0" * 40,
        data_hash="1" * 64,
        charset=list(Charset.default().characters) if task == "recognition" else None,
        start=None,
    )


def tree(root: Path, checkpoints: int) -> int:
    """Make `checkpoints` checkpoints in a quarter as many runs below `root`; return the bytes of cards and records.

    Every checkpoint is a hard link to one file, as ten thousand of them would not fit a disk.
    """
    root.mkdir(parents=True)
    source = weights(root / ".weights.pt")
    digest, size = file_sha256(source), source.stat().st_size
    makers = {task: maker(task) for task in MODELS}
    Run.start(root, run_id="pattern", name="pattern", task="detection", overrides=["experiment=det_receipt"], seed=1)
    pattern = RunRecord.model_validate_json((root / "run.json").read_bytes())
    for left in root.glob("run.json*"):
        left.unlink()
    draw = random.Random(7)
    written = 0
    for n in range(checkpoints // CHECKPOINTS):
        task = list(MODELS)[n % 2]
        moment = BEGIN + timedelta(seconds=601 * n)
        written += _run(
            root / f"{moment:%Y-%m-%d}" / f"{moment:%H-%M-%S}",
            pattern,
            makers[task],
            task,
            moment,
            draw,
            source,
            digest,
            size,
        )
    return written


def _run(
    folder: Path,
    pattern: RunRecord,
    make: CardMaker,
    task: str,
    moment: datetime,
    draw: random.Random,
    source: Path,
    digest: str,
    size: int,
) -> int:
    """Make one run; return the bytes of its record and cards."""
    kept = folder / "checkpoints"
    kept.mkdir(parents=True)
    monitor = MODELS[task][1]
    run_id = f"{moment:%Y%m%d-%H%M%S}-{draw.getrandbits(24):06x}"
    make.fixed["run_id"] = run_id
    names = []
    written = 0
    for epoch in range(CHECKPOINTS):
        metrics = {name: draw.random() for name in (monitor, "val/loss", "val/precision", "val/recall")}
        name = f"epoch-{epoch:02d}_step-{100 * epoch + 100:06d}_{monitor[4:]}-{metrics[monitor]:.4f}"
        (kept / f"{name}.ckpt").hardlink_to(source)
        card: CheckpointCard = make(
            metrics=metrics,
            n=100,
            epoch=epoch,
            step=100 * epoch + 100,
            monitor=monitor,
            mode="max",
            size=size,
            sha256=digest,
        )
        written += write_card(kept / f"{name}.ckpt", card).stat().st_size
        names.append(f"checkpoints/{name}.ckpt")
    for alias, name in (("best", names[0]), ("last", names[-1])):
        (kept / f"{alias}.ckpt").symlink_to(Path(name).name)
    record: dict[str, Any] = {
        "id": run_id,
        "name": task,
        "task": task,
        "status": "completed",
        "started": moment,
        "updated": moment,
        "ended": moment,
        "metrics": metrics,
        "checkpoints": names,
        "epoch": CHECKPOINTS - 1,
        "step": 400,
    }
    write_record(folder, pattern.model_copy(update=record))
    return written + (folder / "run.json").stat().st_size
