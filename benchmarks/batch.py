"""`ocr batch` beside the bare engine, and its two engines beside each other, on the same pages.

    python benchmarks/batch.py --data ../shared/data/sroie/val > benchmarks/batch.md

The bare engine: as many processes as workers, each reading its share of the files one after the other on one thread
with nothing around it. Rates are from the first page to the last; start-up stands apart. CPU seconds are those of all
processes of a run while pages are read, which other work on the machine changes little. Needs `pip install .[batch]`
and psutil.
"""

import argparse
import multiprocessing
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import psutil

from ocr.formats.sources import page_images
from ocr.images.load import load_image
from ocr.inference.memory import return_freed_memory
from ocr.inference.shared import shared_engine


class Measured(NamedTuple):
    """One run: seconds before the first page, from the first to the last, and processor time in between."""

    start: float
    reading: float
    cpu: float


def make_pages(data: Path, folder: Path, count: int) -> list[Path]:
    """JPEG receipts of mixed sizes as files, the same ones each time."""
    chance = random.Random(6)
    files = sorted((data / "img").glob("*.jpg"))
    made = []
    for index in range(count):
        image = load_image(files[index % len(files)])
        scale = chance.uniform(0.25, 0.8)
        path = folder / f"{index:05}.jpg"
        cv2.imwrite(str(path), cv2.resize(image[:, :, ::-1], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
        made.append(path)
    return made


def read_share(files: list[Path], times: "multiprocessing.Queue[tuple[float, float]]") -> None:
    """What one bare process does."""
    return_freed_memory()
    engine = shared_engine(1)
    engine.warm_up()
    began, cpu = time.time(), time.process_time()
    for path in files:
        for page in page_images(path):
            engine.read([page])  # type: ignore[list-item]
    times.put((time.time() - began, time.process_time() - cpu))


def run_bare(files: list[Path], workers: int) -> Measured:
    """The engine with nothing around it."""
    context = multiprocessing.get_context("spawn")
    times = context.Queue()
    began = time.time()
    shares = [files[index::workers] for index in range(workers)]
    processes = [context.Process(target=read_share, args=(share, times)) for share in shares]
    for process in processes:
        process.start()
    measured = [times.get() for _ in processes]
    for process in processes:
        process.join()
    reading = max(seconds for seconds, _ in measured)
    return Measured(time.time() - began - reading, reading, sum(cpu for _, cpu in measured))


def run_batch(pages: Path, workers: int, *arguments: str) -> Measured:
    """One `ocr batch`, watched from outside."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = [sys.executable, "-m", "ocr.cli.main", "batch", str(pages), "--out", str(out)]
        command += ["--workers", str(workers), "--shard", "10", *arguments]
        began = time.time()
        process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        first, before = 0.0, 0.0
        used: dict[int, float] = {}
        while process.poll() is None:
            for child in [process, *_children(process)]:
                try:
                    spent = child.cpu_times()
                    used[child.pid] = spent.user + spent.system
                except psutil.Error:
                    continue
            if not first and (out / "begun").is_dir() and any((out / "begun").iterdir()):
                first, before = time.time(), sum(used.values())
            time.sleep(0.1)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
        last = max(path.stat().st_mtime for path in (out / "done").iterdir())
        return Measured(first - began, last - first, sum(used.values()) - before)


def _children(process: psutil.Popen) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []


def main() -> None:
    """Measure in turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with img/*.jpg")
    parser.add_argument("--pages", type=int, default=520)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = make_pages(options.data, Path(folder), options.pages)
        kinds: dict[str, Callable[[], Measured]] = {
            f"bare engine, {options.workers} processes": lambda: run_bare(files, options.workers),
            "`ocr batch`": lambda: run_batch(Path(folder), options.workers),
            "`ocr batch --engine ray`": lambda: run_batch(Path(folder), options.workers, "--engine", "ray"),
        }
        load = os.getloadavg()[0]
        found: dict[str, list[Measured]] = {name: [] for name in kinds}
        for _ in range(options.rounds):
            for name, measure in kinds.items():
                found[name].append(measure())
                print(name, found[name][-1], file=sys.stderr, flush=True)
    bare, local, ray = found.values()
    cores = len(os.sched_getaffinity(0))
    print("# Batches\n")
    print(
        f"{options.pages} receipts of mixed sizes, {options.workers} workers, {options.rounds} rounds in turns; "
        f"{platform.machine()}, {cores} cores, shared with other work (load {load:.1f} at the start).\n"
    )
    print("| | pages/s, first to last | CPU s/page | start-up, s |\n|---|---|---|---|")
    for name, runs in found.items():
        rate = statistics.median(options.pages / run.reading for run in runs)
        cpu = statistics.median(run.cpu for run in runs) / options.pages
        print(f"| {name} | {rate:.2f} | {cpu:.4f} | {statistics.median(run.start for run in runs):.1f} |")
    for title, ours, other in (("`ocr batch` beside the bare engine", local, bare), ("Ray beside local", ray, local)):
        pairs = list(zip(ours, other, strict=True))
        rates = statistics.median(b.reading / a.reading for a, b in pairs)
        cpus = statistics.median(a.cpu / b.cpu for a, b in pairs)
        print(f"\n{title}: {rates:.2f} of its rate, {cpus:.2f} of its CPU seconds (medians of neighbouring runs).")


if __name__ == "__main__":
    main()
