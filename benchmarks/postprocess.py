"""Cost and accuracy of turning a probability map into boxes, beside RapidOCR's own post-processing.

    python benchmarks/postprocess.py --peer-python PYTHON [--map MAP.npy]

PYTHON is an interpreter with the package rapidocr. Both get the same map (a drawn receipt of 1696 x 928 pixels when
none is given), each in a process of its own with the same number of threads. Then both get the kernels that a perfect
network would give for lines of growing length, and their boxes are compared with the lines. Needs
`pip install .[infer]`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

ASPECTS = (1, 2, 3, 5, 8, 10, 15, 20, 30)
HEIGHTS = (64, 32)
RATIOS = (0.4, 0.6)
MARGIN = 100
SIZE = (1696, 928)

Map = NDArray[np.float32]
Rows = dict[str, list[float]]


def receipt_map(lines: int = 50) -> Map:
    """A map like those of receipts: `lines` soft-edged kernels with the texture of letters, and faint noise."""
    rng = np.random.default_rng(0)
    probability = np.zeros(SIZE, np.float32)
    for line in range(lines):
        centre = (float(rng.uniform(250, 680)), 30 + line * (SIZE[0] - 60) / lines)
        corners = cv2.boxPoints((centre, (float(rng.uniform(60, 420)), 11.0), float(rng.uniform(-1, 1))))
        cv2.fillPoly(probability, [np.rint(corners).astype(np.int32)], 1.0)
    texture = cv2.GaussianBlur(rng.random(SIZE, np.float32), (0, 0), 3)
    soft = cv2.GaussianBlur(probability, (0, 0), 1.2) * (0.7 + 0.5 * texture)
    return np.asarray(np.clip(soft + rng.random(SIZE, np.float32) * 0.05, 0, 1), np.float32)


def line(aspect: float, height: float) -> NDArray[np.float32]:
    """An upright line, as four corners."""
    low, right, bottom = MARGIN, MARGIN + aspect * height, MARGIN + height
    return np.array(((low, low), (right, low), (right, bottom), (low, bottom)), np.float32)


def kernel(aspect: float, height: float, ratio: float) -> Map:
    """The map of a perfect network for `line`, its kernel shrunk by area * (1 - ratio^2) / perimeter."""
    corners = line(aspect, height)
    distance = aspect * height * height * (1 - ratio**2) / (2 * (aspect + 1) * height)
    inner = corners + distance * np.array(((1, 1), (-1, 1), (-1, -1), (1, -1)), np.float32)
    right, bottom = np.ceil(corners[2]).astype(int) + MARGIN
    probability = np.zeros((bottom, right), np.float32)
    cv2.fillPoly(probability, [np.rint(inner).astype(np.int32)], 0.95)
    return probability


def upright_iou(found: list[NDArray[np.float32]], truth: NDArray[np.float32]) -> float:
    """IoU of the one box found, taken as upright, with the truth; 0 unless there is exactly one."""
    if len(found) != 1:
        return 0.0
    low, high = np.maximum(found[0].min(0), truth.min(0)), np.minimum(found[0].max(0), truth.max(0))
    shared = float(np.clip(high - low, 0, None).prod())
    return shared / (float(np.ptp(found[0], 0).prod()) + float(np.ptp(truth, 0).prod()) - shared)


def timed(run: Any, passes: int) -> dict[str, float]:
    """Wall and CPU milliseconds of one call: medians and the least of each."""
    wall, cpu = [], []
    for _ in range(passes):
        start, start_cpu = time.perf_counter(), time.process_time()
        run()
        wall.append((time.perf_counter() - start) * 1000)
        cpu.append((time.process_time() - start_cpu) * 1000)
    return {
        "wall_ms": statistics.median(wall),
        "wall_min_ms": min(wall),
        "cpu_ms": statistics.median(cpu),
        "cpu_min_ms": min(cpu),
    }


def run_ours(path: Path, passes: int) -> dict[str, Any]:
    """Our figures."""
    from ocr.specs.postprocess import PostprocessSpec, detect

    probability = np.load(path)
    height, width = probability.shape
    spec = PostprocessSpec(shrink_ratio=0.6)
    found = detect(spec, probability, 1, 1, (width, height))
    accuracy: Rows = {}
    for ratio in RATIOS:
        inverse = PostprocessSpec(shrink_ratio=ratio)
        for h in HEIGHTS:
            accuracy[f"{ratio}/{h}"] = []
            for aspect in ASPECTS:
                m = kernel(aspect, h, ratio)
                boxes = detect(inverse, m, 1, 1, (m.shape[1], m.shape[0]))
                accuracy[f"{ratio}/{h}"].append(upright_iou([box.polygon for box in boxes], line(aspect, h)))
    times = timed(lambda: detect(spec, probability, 1, 1, (width, height)), passes)
    return {"ocr.specs.postprocess": {"boxes": len(found), **times, "iou": accuracy}}


def run_peer(path: Path, passes: int) -> dict[str, Any]:
    """RapidOCR's figures: as it ships (its maps are dilated first), and without that."""
    from rapidocr.ch_ppocr_det.utils import DBPostProcess

    probability = np.load(path)
    result = {}
    for name, dilation in (("rapidocr as shipped", True), ("rapidocr without dilation", False)):
        post = DBPostProcess(
            thresh=0.3, box_thresh=0.5, max_candidates=1000, unclip_ratio=1.6, score_mode="fast", use_dilation=dilation
        )
        boxes, _ = post(probability[None, None], probability.shape)
        accuracy: Rows = {}
        for ratio in RATIOS:
            for h in HEIGHTS:
                accuracy[f"{ratio}/{h}"] = []
                for aspect in ASPECTS:
                    m = kernel(aspect, h, ratio)
                    found = post(m[None, None], m.shape)[0]
                    accuracy[f"{ratio}/{h}"].append(
                        upright_iou([np.asarray(box, np.float32) for box in found], line(aspect, h))
                    )
        times = timed(lambda post=post: post(probability[None, None], probability.shape), passes)
        result[name] = {"boxes": len(boxes), **times, "iou": accuracy}
    return result


def in_child(python: str, which: str, path: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run one side in a process of its own."""
    command = [python, __file__, "--child", which, "--map", str(path), "--passes", str(options.passes)]
    environment = os.environ | {"OMP_NUM_THREADS": str(options.threads)}
    done = subprocess.run(
        [*command, "--threads", str(options.threads)], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{python}: {done.stderr.strip().splitlines()[-1] if done.stderr else 'failed'}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def table(results: dict[str, Any]) -> str:
    """The results as Markdown."""
    ours = results["ocr.specs.postprocess"]
    rows = [
        "| post-processing | boxes | wall ms, median | wall ms, least | CPU ms, median | CPU ms, least | times ours |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, result in results.items():
        times = " | ".join(f"{result[key]:.1f}" for key in ("wall_ms", "wall_min_ms", "cpu_ms", "cpu_min_ms"))
        rows.append(f"| {name} | {result['boxes']} | {times} | {result['cpu_min_ms'] / ours['cpu_min_ms']:.1f} |")
    head = " | ".join(f"{aspect}:1" for aspect in ASPECTS)
    rows += [
        "",
        "IoU with the line, from a perfect kernel:",
        "",
        f"| shrink ratio, line height | rule | {head} |",
        "| --- | --- | " + " | ".join("---" for _ in ASPECTS) + " |",
    ]
    for case in ours["iou"]:
        ratio, height = case.split("/")
        for name, result in results.items():
            values = " | ".join(f"{value:.2f}" for value in result["iou"][case])
            rows.append(f"| {ratio}, {height} px | {name} | {values} |")
    return "\n".join(rows)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", help="an interpreter that has rapidocr; without it only ours is measured")
    parser.add_argument("--map", type=Path, help="a float32 (H, W) probability map, as .npy")
    parser.add_argument("--passes", type=int, default=60)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", choices=["ours", "peer"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        cv2.setNumThreads(options.threads)
        run = run_ours if options.child == "ours" else run_peer
        print(json.dumps(run(options.map, options.passes)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = options.map or Path(folder) / "map.npy"
        if options.map is None:
            np.save(path, receipt_map())
        elif not path.is_file():
            print(f"{path}: no such file; give a float32 (H, W) map saved by numpy", file=sys.stderr)
            return 2
        results = in_child(sys.executable, "ours", path, options)
        if options.peer_python:
            results |= in_child(options.peer_python, "peer", path, options)
    print(json.dumps(results, indent=2) if options.json else table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
