"""Resident memory of one reader over many pages of mixed sizes, and the peak with pages of 35 megapixels.

    python benchmarks/memory.py --data ../shared/data/sroie/train --large ../shared/data/sroie/large --pages 1000

Pages are receipts scaled at random to long sides of 300 to 2,400 pixels. Flat is when the second half does not grow:
the last column of the table is resident memory after so many pages. Needs `pip install .[infer]`.
"""

import argparse
import json
import random
import resource
import sys
from pathlib import Path

import cv2

from ocr.datasets.annotations import read_samples
from ocr.images.load import load_image
from ocr.inference.engine import Reader, open_reader

PAGE = Path("/proc/self/statm")


def resident_mib() -> float:
    """Resident memory of this process in MiB."""
    return int(PAGE.read_text().split()[1]) * resource.getpagesize() / 2**20


def peak_mib() -> float:
    """Highest resident memory of this program so far in MiB; rusage would count the process it was forked from."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def read_mixed(reader: Reader, files: list[Path], pages: int, every: int) -> list[tuple[int, float]]:
    """Read ``pages`` pages; resident memory after every so many."""
    draw = random.Random(0)
    seen = []
    for number in range(1, pages + 1):
        image = load_image(draw.choice(files))
        scale = draw.uniform(300, 2400) / max(image.shape[:2])
        size = [max(32, round(side * scale)) for side in image.shape[1::-1]]
        reader.read(cv2.resize(image, size, interpolation=cv2.INTER_AREA), source="")
        if number % every == 0:
            seen.append((number, resident_mib()))
            print(f"{number} pages: {seen[-1][1]:.0f} MiB", file=sys.stderr, flush=True)
    return seen


def main() -> int:
    """Measure and print; exit code 1 when memory grew by more than a twentieth over the second half."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="annotated pages")
    parser.add_argument("--large", type=Path, help="large pages, read first, each by itself")
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--every", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    reader = open_reader(threads=options.threads)
    start = resident_mib()
    sizes = []
    for sample in read_samples(options.large) if options.large else ():
        image = load_image(sample.image)
        sizes.append(image.shape[0] * image.shape[1] / 1e6)
        reader.read(image, source="")
        del image  # the next is decoded before this name is bound to it
    large_peak = peak_mib()
    seen = read_mixed(reader, [sample.image for sample in read_samples(options.data)], options.pages, options.every)
    middle, last = seen[len(seen) // 2][1], seen[-1][1]
    report = {
        "loaded_mib": round(start, 1),
        "large_megapixels": [round(size, 1) for size in sizes],
        "large_peak_mib": round(large_peak, 1),
        "resident_mib": [(number, round(value, 1)) for number, value in seen],
        "second_half_growth": round(last / middle - 1, 4),
        "peak_mib": round(peak_mib(), 1),
    }
    if options.json:
        print(json.dumps(report))
    else:
        print(f"loaded {start:.0f} MiB; peak {large_peak:.0f} MiB after pages of {report['large_megapixels']} MP")
        print("| pages | resident, MiB |\n| --- | --- |")
        print("\n".join(f"| {number} | {value:.0f} |" for number, value in seen))
        print(f"\nsecond half: {report['second_half_growth']:+.1%}; peak {peak_mib():.0f} MiB")
    return int(last > 1.05 * middle)


if __name__ == "__main__":
    raise SystemExit(main())
