"""What it costs to find one's way in many checkpoints: listings, MLflow beside them, writers at once, kill -9.

    python benchmarks/catalog.py listing [--mlflow PYTHON]      PYTHON: of an environment with mlflow
    python benchmarks/catalog.py growth
    python benchmarks/catalog.py writers [--postgres URL]
    python benchmarks/catalog.py kill [--times 200]

Seconds are CPU seconds of whole processes (user and system), the least of several: what the wall clock shows on an idle
machine. Needs `pip install .[train]`.
"""

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from fabricate import tree
from kills import killed_writers

from ocr.errors import OcrError
from ocr.records.catalog import INDEX, URL_VARIABLE, Catalog, register
from ocr.records.postgres import PostgresStore
from ocr.records.run import RunRecord, write_record
from ocr.records.store import SqliteStore, Store

LIST = ["-m", "ocr.cli.main", "checkpoints", "list", "--root"]
GROWTH = (100, 1_000, 10_000, 50_000)
# The runs of the tree as MLflow keeps them, then the least CPU seconds of a search for all of them.
MLFLOW = """
import json, sys, time
import mlflow
from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient
uri, rows = sys.argv[1], json.load(open(sys.argv[2]))
mlflow.set_tracking_uri(uri)
client = MlflowClient(uri)
experiment = client.create_experiment("ours")
for row in rows:
    run = client.create_run(experiment, run_name=row["id"], tags={"status": row["status"]})
    metrics = [Metric(name, value, 0, row["step"]) for name, value in row["metrics"].items()]
    facts = [Param(name, str(row[name])) for name in ("task", "seed", "config_hash", "epoch", "step")]
    client.log_batch(run.info.run_id, metrics, facts)
times = []
for _ in range(6):
    begin = time.process_time()
    found = mlflow.search_runs([experiment], max_results=50000, output_format="list")
    times.append(time.process_time() - begin)
assert len(found) == len(rows), (len(found), len(rows))
print(min(times[1:]))
"""


# A child's peak memory begins with that of the process that started it, which must be a small one then.
STARTER = """
import resource, subprocess, sys
subprocess.run([sys.executable, *sys.argv[1:]], stdout=subprocess.DEVNULL, check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


def whole_process(arguments: Sequence[str]) -> tuple[float, float]:
    """CPU seconds of a Python process, and its peak memory in MiB."""
    done = subprocess.run([sys.executable, "-c", STARTER, *arguments], capture_output=True, text=True, check=True)
    seconds, peak = map(float, done.stdout.split())
    return seconds, peak


def listings(root: Path, passes: int = 7) -> dict[str, float]:
    """Seconds and MiB of the first and of later listings of every checkpoint, and of the twenty newest."""
    firsts = []
    for _ in range(3):
        (root / INDEX).unlink(missing_ok=True)
        firsts.append(whole_process([*LIST, str(root)]))
    later = [whole_process([*LIST, str(root)]) for _ in range(passes)]
    newest = [whole_process([*LIST, str(root), "--limit", "20"]) for _ in range(passes)]
    return {
        "first": min(seconds for seconds, _ in firsts),
        "later": min(seconds for seconds, _ in later),
        "newest": min(seconds for seconds, _ in newest),
        "peak": max(peak for _, peak in [*firsts, *later]),
    }


def opening(root: Path, sample: int = 100) -> float:
    """CPU seconds to open one checkpoint, weights only, once its bytes are in memory."""
    import torch

    paths = [row["path"] for row in Catalog([root]).find(limit=sample)]
    times = []
    for path in paths:
        begin = time.process_time()
        torch.load(path, weights_only=True, map_location="cpu")
        times.append(time.process_time() - begin)
    return statistics.median(times)


def least(work: Callable[[], object], passes: int = 7) -> float:
    """Least CPU seconds of a call."""
    times = []
    for _ in range(passes):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


def listing(checkpoints: int, mlflow: str | None) -> None:
    """Print what listing costs, beside opening, and beside MLflow."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "outputs")
        written = tree(root, checkpoints)
        found = listings(root)
        one = opening(root)
        print(
            f"{checkpoints} checkpoints in {checkpoints // 4} runs: {written / checkpoints / 1000:.1f} kB a checkpoint"
        )
        opened = one * checkpoints
        print(
            f"first listing {found['first']:.2f} s, later {found['later']:.2f} s, newest twenty {found['newest']:.2f} s"
        )
        print(f"peak {found['peak']:.0f} MiB; opening one {1000 * one:.1f} ms, all {opened:.0f} s:")
        print(f"  {opened / found['first']:.0f} times the first listing, {opened / found['later']:.0f} the later")
        ours = least(lambda: Catalog([root]).find_runs())
        print(f"all runs, in a process that is there: {ours:.3f} s")
        if mlflow is not None:
            rows = Path(folder, "rows.json")
            rows.write_text(json.dumps(Catalog([root]).find_runs()))
            done = subprocess.run(
                [mlflow, "-c", MLFLOW, f"sqlite:///{folder}/mlflow.sqlite", str(rows)],
                capture_output=True,
                text=True,
                check=True,
            )
            theirs = float(done.stdout)
            print(f"MLflow's search_runs: {theirs:.3f} s, {theirs / ours:.1f} times ours")


def growth() -> None:
    """Print how a listing grows."""
    print("| checkpoints | first s | later s | newest 20 s | peak MiB |\n|---|---|---|---|---|")
    for checkpoints in GROWTH:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder, "outputs")
            tree(root, checkpoints)
            found = listings(root, 3)
            seconds = " | ".join(f"{found[name]:.2f}" for name in ("first", "later", "newest"))
            print(f"| {checkpoints} | {seconds} | {found['peak']:.0f} |", flush=True)


def _register(root: Path, process: int, count: int) -> None:
    now = datetime.now(UTC)
    for n in range(count):
        folder = root / f"{process}-{n}"
        folder.mkdir()
        record = RunRecord(
            id=f"run-{process}-{n}",
            name="run",
            host="host",
            boot_id="",
            pid=1,
            process_start=None,
            status="completed",
            started=now,
            updated=now,
        )
        write_record(folder, record)
        register(root, folder)


def writers(url: str | None, processes: int = 8, count: int = 500) -> None:
    """Print what is there after several processes registered runs at once."""
    for name, address in (("SQLite", None), ("PostgreSQL", url)):
        if name == "PostgreSQL" and url is None:
            continue
        os.environ.pop(URL_VARIABLE, None)
        if address:
            os.environ[URL_VARIABLE] = address
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            store: Store = PostgresStore(address) if address else SqliteStore(root / INDEX)
            with closing(store):
                store.clear()
                begin = time.perf_counter()
                context = multiprocessing.get_context("fork")
                children = [context.Process(target=_register, args=(root, n, count)) for n in range(processes)]
                for child in children:
                    child.start()
                for child in children:
                    child.join()
                seconds = time.perf_counter() - begin
                ids = [row["id"] for body in store.bodies("run", None) for row in json.loads(body)]
            codes = [child.exitcode for child in children]
            lost, twice = processes * count - len(set(ids)), len(ids) - len(set(ids))
            print(
                f"{name}: {processes} x {count} in {seconds:.0f} s: {lost} lost, {twice} twice, exit codes {codes}",
                flush=True,
            )


def kill(times: int) -> None:
    """Print what `times` kills at random moments left."""
    folder = Path(tempfile.mkdtemp())
    try:
        for counts in killed_writers(folder, times):
            print(counts, flush=True)
    finally:
        shutil.rmtree(folder)


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["listing", "growth", "writers", "kill"])
    parser.add_argument("--checkpoints", type=int, default=10_000)
    parser.add_argument("--mlflow", metavar="PYTHON")
    parser.add_argument("--postgres", metavar="URL")
    parser.add_argument("--times", type=int, default=200)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    match options.part:
        case "listing":
            listing(options.checkpoints, options.mlflow)
        case "growth":
            growth()
        case "writers":
            writers(options.postgres)
        case "kill":
            kill(options.times)


if __name__ == "__main__":
    try:
        main()
    except OcrError as error:
        sys.exit(f"catalog.py: {error}")
