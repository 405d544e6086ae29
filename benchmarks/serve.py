"""The service under load: memory, latency, what batching and the cached engine bring, cold start.

    python benchmarks/serve.py --data ../shared/data/sroie/val > benchmarks/serve.md
    python benchmarks/serve.py --data ../shared/data/sroie/val --only start,engine

A real `ocr serve` on this machine; clients are threads of this process. Pages are pieces of the receipts of DATA, each
side a fifth to the whole of the receipt's. Needs `pip install .[serve]` and httpx, psutil.
"""

import argparse
import contextlib
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import httpx
import psutil

from ocr.formats.sources import PageImage
from ocr.images.load import load_image
from ocr.inference.shared import Engine

PARTS = ("memory", "latency", "batching", "engine", "start")


def make_pages(data: Path, count: int) -> list[bytes]:
    """JPEG receipts of mixed sizes, the same ones each time."""
    chance = random.Random(5)
    files = sorted((data / "img").glob("*.jpg"))
    pages = []
    for index in range(count):
        image = load_image(files[index % len(files)])
        height, width = (int(side * chance.triangular(0.2, 1.0, 0.3)) for side in image.shape[:2])
        y, x = chance.randint(0, image.shape[0] - height), chance.randint(0, image.shape[1] - width)
        piece = image[y : y + height, x : x + width]
        pages.append(cv2.imencode(".jpg", piece[:, :, ::-1])[1].tobytes())
    return pages


class Server:
    """`ocr serve` in a process of its own."""

    def __init__(self, folder: str, *arguments: str) -> None:
        began = time.perf_counter()
        command = [sys.executable, "-m", "ocr.cli.main", "serve", "--port", "0", "--work", f"{folder}/work", *arguments]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        self.url = ""
        for line in self.process.stderr:
            entry = json.loads(line)
            if entry["event"] == "listening":
                self.url = entry["url"]
            if entry["event"] == "ready":
                break
        self.ready_seconds = time.perf_counter() - began
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        self.usage = psutil.Process(self.process.pid)

    def cpu_seconds(self) -> float:
        """Processor time so far."""
        times = self.usage.cpu_times()
        return float(times.user + times.system)


@contextlib.contextmanager
def server(*arguments: str) -> Iterator[Server]:
    """A service for the length of a block."""
    with tempfile.TemporaryDirectory() as folder:
        running = Server(folder, *arguments)
        try:
            yield running
        finally:
            running.process.terminate()
            running.process.wait(60)


def send(url: str, bodies: list[bytes], clients: int, after: Callable[[int], None] = lambda _: None) -> list[float]:
    """Send every body from so many clients, each waiting for its answer; return the seconds that each took."""
    seconds: list[float] = []
    with (
        httpx.Client(base_url=url, timeout=300, trust_env=False, limits=httpx.Limits(max_connections=64)) as client,
        ThreadPoolExecutor(clients) as pool,
    ):

        def one(body: bytes) -> None:
            began = time.perf_counter()
            answer = client.post("/v1/read", content=body, headers={"content-type": "image/jpeg"})
            answer.raise_for_status()
            seconds.append(time.perf_counter() - began)
            after(len(seconds))

        list(pool.map(one, bodies))
    return seconds


def memory(pages: list[bytes], count: int) -> str:
    """Resident memory while `count` pages pass."""
    marks: dict[int, float] = {}
    with server() as running:

        def note(done: int) -> None:
            if done % 250 == 0:
                marks[done] = running.usage.memory_info().rss / 1e6
                print(f"{done} pages, {marks[done]:.0f} MB", file=sys.stderr, flush=True)

        bodies = [pages[index % len(pages)] for index in range(count)]
        began = time.perf_counter()
        send(running.url, bodies, 4, note)
        elapsed = time.perf_counter() - began
    first, last = marks[500 if count > 500 else 250], marks[max(marks)]
    shown = [number for number in (250, 500, 1000, 2000, 3000, 4000, 5000) if number in marks]
    return "\n".join(
        [
            f"## Memory: {count} pages of mixed sizes, 4 clients\n",
            "| after pages | " + " | ".join(map(str, shown)) + " |",
            "|---|" + "---|" * len(shown),
            "| resident, MB | " + " | ".join(f"{marks[number]:.0f}" for number in shown) + " |",
            f"\nFrom page 500 to the end: {100 * (last / first - 1):+.1f} %. {count / elapsed:.2f} pages a second.",
        ]
    )


def latency(pages: list[bytes], count: int) -> str:
    """Median and 95th percentile with 1, 4 and 16 clients."""
    rows = []
    with server() as running:
        send(running.url, pages[:20], 4)
        for clients in (1, 4, 16):
            cpu, began = running.cpu_seconds(), time.perf_counter()
            seconds = send(running.url, pages[:count], clients)
            elapsed = time.perf_counter() - began
            cuts = statistics.quantiles(seconds, n=20)
            used = (running.cpu_seconds() - cpu) / count
            rows.append(
                f"| {clients} | {1000 * cuts[9]:.0f} | {1000 * cuts[18]:.0f} | {count / elapsed:.2f} | {used:.3f} |"
            )
    return "\n".join(
        [
            f"## Latency, {count} pages for each row\n",
            "| clients | p50, ms | p95, ms | pages/s | CPU s/page |",
            "|---|---|---|---|---|",
            *rows,
        ]
    )


def batching(pages: list[bytes], count: int, rounds: int) -> str:
    """Pages a second with 16 clients, batches of up to 8 and of 1, in turns."""
    rates: dict[str, list[float]] = {"8": [], "1": []}
    with server("--batch-pages", "8") as many, server("--batch-pages", "1") as one:
        for running in (many, one):
            send(running.url, pages[:20], 4)
        for _ in range(rounds):
            for name, running in (("8", many), ("1", one)):
                began = time.perf_counter()
                send(running.url, pages[:count], 16)
                rates[name].append(count / (time.perf_counter() - began))
    ratios = [a / b for a, b in zip(rates["8"], rates["1"], strict=True)]
    lines = [
        f"| {name} | {statistics.median(rates[key]):.2f} | {min(rates[key]):.2f} to {max(rates[key]):.2f} |"
        for key, name in (("8", "up to 8 pages"), ("1", "one at a time"))
    ]
    return "\n".join(
        [
            f"## Batching: 16 clients, {count} pages, {rounds} rounds in turns\n",
            "| batches | pages/s, median | range |",
            "|---|---|---|",
            *lines,
            f"\nRatio of neighbouring rounds, median: {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f} to {max(ratios):.2f}).",
        ]
    )


def engine(pages: list[bytes], rounds: int) -> str:
    """A page on the engine that is there, and on one made for it."""
    image = load_image(pages[0])
    kept = Engine()
    kept.read([PageImage("a", 1, image, [])])
    cached, fresh = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        kept.read([PageImage("a", 1, image, [])])
        cached.append(time.perf_counter() - began)
        began = time.perf_counter()
        Engine().read([PageImage("a", 1, image, [])])
        fresh.append(time.perf_counter() - began)
    a, b = statistics.median(cached), statistics.median(fresh)
    return "\n".join(
        [
            f"## Cached engine, {image.shape[1]} x {image.shape[0]} pixels, {rounds} rounds in turns\n",
            "| engine | ms a page, median |",
            "|---|---|",
            f"| kept | {1000 * a:.0f} |",
            f"| a new one each time | {1000 * b:.0f} ({b / a:.1f} times) |",
        ]
    )


def start(runs: int) -> str:
    """From the command to ready."""
    seconds = []
    for _ in range(runs):
        with server() as running:
            seconds.append(running.ready_seconds)
    return "\n".join(
        [
            f"## Cold start, {runs} runs\n",
            "| `ocr serve` to ready, s | median | least | most |",
            "|---|---|---|---|",
            f"| | {statistics.median(seconds):.2f} | {min(seconds):.2f} | {max(seconds):.2f} |",
        ]
    )


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with img/*.jpg")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, by comma")
    parser.add_argument("--pages", type=int, default=5000, help="pages of the memory part")
    parser.add_argument("--count", type=int, default=120, help="pages of a row or round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    pages = make_pages(options.data, max(options.count, 400))
    parts: dict[str, Callable[[], str]] = {
        "memory": lambda: memory(pages, options.pages),
        "latency": lambda: latency(pages, options.count),
        "batching": lambda: batching(pages, options.count, options.rounds),
        "engine": lambda: engine(pages, 4 * options.rounds),
        "start": lambda: start(options.rounds),
    }
    print("# The service\n")
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    print(f"{platform.machine()}, {cores} cores, shared with other work (load {load:.1f} at the start).\n")
    for name in options.only.split(","):
        print(parts[name]() + "\n", flush=True)


if __name__ == "__main__":
    main()
