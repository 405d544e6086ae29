"""Speed of training, loader included: our detector beside docTR's training script, our PARSeq beside a plain loop.

    python benchmarks/train.py --data ../shared/data/sroie/train [--task recognition] [--steps 16]
    python benchmarks/train.py --data ../shared/data/sroie/train --task detection \\
        --doctr CLONE/references/detection/train.py --doctr-python VENV/bin/python

All sides see the same receipts at the same size in the same batches, on one thread each, the loader in the same
process. Each is a process that takes a step when it is its turn and sleeps between: a busy moment hits all of them.
Detectors take about 4 GiB each, and run three at a time; a speed is that beside the first of the three. The
network of both detectors is MobileNetV3-large with a pyramid of 256 channels and DB's head; the operations that
PyTorch counted in one step are in the table. A plain loop for PARSeq is in `train_sides.py`. Needs
`pip install .[train]`; docTR lives in an environment of its own (`pip install python-doctr matplotlib`).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from train_turns import MARK

from ocr.datasets.annotations import read_samples
from ocr.datasets.crops import write_crops
from ocr.errors import OcrError

HERE = Path(__file__).parent
ARCHITECTURE = "db_mobilenet_v3_large"
DETECTOR = (
    "model=dbnet_mobilenetv3",
    "model.network.backbone.name=mobilenetv3_large_100",
    "model.network.backbone.pretrained=false",
    "model.network.neck.channels=256",
    "model.postprocess.shrink_ratio=0.4",
    "data=receipts_detection",
)
BF16 = "trainer.precision=bf16-mixed"
KEPT_MEMORY = {
    "MALLOC_CONF": "oversize_threshold:0,dirty_decay_ms:-1,muzzy_decay_ms:-1,narenas:1",
    "LD_PRELOAD": "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
}


@dataclass
class Side:
    """One way to train: its command, and what its steps took."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    steps: list[dict[str, float]] = field(default_factory=list)
    flops: float = 0.0

    def start(self) -> "subprocess.Popen[str]":
        """Start the process, which waits for its first turn."""
        environment = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"} | self.environment
        return subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | environment
        )

    def step(self, process: "subprocess.Popen[str]") -> dict[str, float]:
        """Give the process a turn; raises OcrError when it ends instead of answering."""
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write("\n")
            process.stdin.flush()
        except BrokenPipeError:
            raise OcrError(f"{self.name}: ended before its first step; its own message is above") from None
        for line in process.stdout:
            if line.startswith(MARK):
                return dict(json.loads(line.removeprefix(MARK)))
        raise OcrError(f"{self.name}: ended before its step was done; its own message is above")


def measure(sides: Sequence[Side], warm: int, steps: int) -> None:
    """Give every side `warm` steps that do not count, the first one with its operations, and `steps` that do."""
    with ExitStack() as running:
        processes = [running.enter_context(side.start()) for side in sides]
        try:
            for turn in range(warm + steps):
                for side, process in zip(sides, processes, strict=True):
                    answer = side.step(process)
                    side.flops = answer.get("flops", side.flops)
                    if turn >= warm:
                        side.steps.append(answer)
        finally:
            for process in processes:
                process.kill()


def detection_sides(options: argparse.Namespace, folder: Path) -> list[list[Side]]:
    """docTR's script, ours in the same precision and in bf16; and all three with memory kept (docs/pipelines.md)."""
    doctr_set(options.data, folder / "doctr")
    batch, size = str(options.batch_size or 2), str(options.size)
    theirs = [
        str(options.doctr_python), str(HERE / "train_doctr.py"), str(options.doctr), ARCHITECTURE,
        "--train_path", str(folder / "doctr"), "--val_path", str(folder / "doctr"),
        "--batch_size", batch, "--input_size", size, "--workers", "0", "--output_dir", str(folder),
    ]  # fmt: skip
    data = [f"data.train=[{options.data}]", "data.val=[]", f"data.root={options.data}", f"data.crop_size={size}"]
    mine = _ours([*DETECTOR, *data, f"data.batch_size={batch}"])
    ways: tuple[tuple[str, list[str], dict[str, str]], ...] = (
        (f"docTR, {ARCHITECTURE}", theirs, {"PYTHONPATH": ""}),
        ("ours, float32", mine, {}),
        ("ours, bf16", [*mine, BF16], {}),
    )
    groups = [[Side(*way) for way in ways]]
    if Path(KEPT_MEMORY["LD_PRELOAD"]).exists():
        groups.append([Side(f"{name}, memory kept", command, given | KEPT_MEMORY) for name, command, given in ways])
    return groups


def recognition_sides(options: argparse.Namespace, folder: Path) -> list[list[Side]]:
    """The plain loop and ours, both in float32 and in bf16."""
    write_crops([options.data], folder / "crops.lmdb")
    overrides = [
        f"model={options.parseq}", "data=receipts_recognition", f"data.root={folder}",
        f"data.train=[{folder / 'crops.lmdb'}]", f"data.val=[{folder / 'crops.lmdb'}]", "data.max_length=25",
        f"data.batch_size={options.batch_size or 16}",
    ]  # fmt: skip
    mine, plain = _ours(overrides), _ours(overrides, "plain")
    return [
        [
            Side("plain loop, float32", plain),
            Side("plain loop, bf16", [*plain, BF16]),
            Side("ours, float32", mine),
            Side("ours, bf16", [*mine, BF16]),
        ]
    ]


def _ours(overrides: Sequence[str], side: str = "ours") -> list[str]:
    return [sys.executable, str(HERE / "train_sides.py"), side, *overrides, "data.num_workers=0"]


def doctr_set(data: Path, folder: Path) -> None:
    """Write the data set as docTR reads it: links to the images, polygons in one file."""
    (folder / "images").mkdir(parents=True)
    labels = {}
    for sample in read_samples(data):
        (folder / "images" / sample.image.name).symlink_to(sample.image.resolve())
        height, width = sample.load().shape[:2]
        valid = sample.valid((width, height))
        labels[sample.image.name] = {
            "img_dimensions": [height, width],
            "polygons": [polygon.round().astype(int).tolist() for polygon in valid.polygons],
        }
    (folder / "labels.json").write_text(json.dumps(labels))


def summary(side: Side, first: Side, batch_size: int) -> dict[str, Any]:
    """Medians of a side, and how many times the speed of the first one it has over all steps.

    Our loader prepares the crops of sixteen batches at once: a median would leave that out, the whole does not.
    """
    cpu, wall = (statistics.median(step[key] for step in side.steps) for key in ("cpu", "wall"))
    whole = {key: [sum(step[key] for step in one.steps) for one in (side, first)] for key in ("cpu", "wall")}
    return {
        "side": side.name,
        "gflop_per_step": round(side.flops / 1e9, 1),
        "cpu_s_per_step": round(cpu, 3),
        "wall_s_per_step": round(wall, 3),
        "samples_per_cpu_second": round(batch_size * len(side.steps) / whole["cpu"][0], 3),
        "times_first_cpu": round(whole["cpu"][1] / whole["cpu"][0], 2),
        "times_first_wall": round(whole["wall"][1] / whole["wall"][0], 2),
    }


def table(task: str, rows: Sequence[dict[str, Any]], steps: int) -> str:
    """The rows as Markdown."""
    lines = [
        f"| {task} | GFLOP a step | CPU s a step | wall s a step | samples a CPU second | speed, CPU | speed, wall |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['side']} | {row['gflop_per_step']:.0f} | {row['cpu_s_per_step']:.2f} | {row['wall_s_per_step']:.2f} "
        f"| {row['samples_per_cpu_second']:.2f} | {row['times_first_cpu']:.2f} | {row['times_first_wall']:.2f} |"
        for row in rows
    ]
    load = f"load at the end {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    lines += ["", f"{steps} steps of each, taken in turn: medians, and speeds over all of them; {load}."]
    return "\n".join(lines)


def main() -> int:
    """Measure one task or both, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="annotated receipts")
    parser.add_argument("--task", choices=("detection", "recognition"), action="append")
    parser.add_argument("--doctr", type=Path, help="docTR's references/detection/train.py")
    parser.add_argument("--doctr-python", type=Path, help="the interpreter of docTR's environment")
    parser.add_argument("--parseq", default="parseq", help="the model option of the recognizer")
    parser.add_argument("--size", type=int, default=1024, help="pixels of a side of the detectors' input")
    parser.add_argument("--batch-size", type=int, help="2 for detectors, as docTR has it, 16 for recognizers")
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--warm", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.data = options.data.resolve()
    tasks = options.task or (["detection", "recognition"] if options.doctr else ["recognition"])
    if "detection" in tasks and not (options.doctr and options.doctr_python):
        parser.error("the detector is measured beside docTR: give --doctr and --doctr-python")
    results = {}
    try:
        for task in tasks:
            with tempfile.TemporaryDirectory() as folder:
                prepare = {"detection": detection_sides, "recognition": recognition_sides}[task]
                groups = prepare(options, Path(folder))
                for sides in groups:  # each has the memory for itself
                    measure(sides, options.warm, options.steps)
            batch_size = options.batch_size or {"detection": 2, "recognition": 16}[task]
            results[task] = [summary(side, sides[0], batch_size) for sides in groups for side in sides]
    except OcrError as error:
        print(error, file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(results, indent=2))
    else:
        print("\n\n".join(table(task, rows, options.steps) for task, rows in results.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
