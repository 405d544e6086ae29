"""Start-up times of the commands, as whole processes beside a bare interpreter.

python benchmarks/startup.py [--runs 15] [--json]
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

CASES = {
    "python -c pass": ["-c", "pass"],
    "import ocr": ["-c", "import ocr"],
    "ocr --help": ["-m", "ocr.cli.main", "--help"],
    "ocr read --help": ["-m", "ocr.cli.main", "read", "--help"],
    "preflight --help": ["-c", "from preflight.cli.main import main; main()", "--help"],
    "compass --help": ["-c", "from compass.cli import main; main()", "--help"],
    "aqms --help": ["-c", "from aqms.cli import main; main()", "--help"],
}


def measure(runs: int) -> dict[str, list[float]]:
    """Return the wall milliseconds of each case, the cases taking turns so that a busy moment hits all of them."""
    times: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(runs):
        for name, arguments in CASES.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
            times[name].append(1000 * (time.perf_counter() - start))
    return times


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    times = measure(options.runs)
    bare = statistics.median(times["python -c pass"])
    rows = {
        n: {"median_ms": statistics.median(t), "min_ms": min(t), "above_bare_ms": statistics.median(t) - bare}
        for n, t in times.items()
    }
    if options.json:
        print(json.dumps({"runs": options.runs, "cases": rows}, indent=2))
        return
    print(f"| command | median ms of {options.runs} | minimum | above a bare interpreter |\n|---|---|---|---|")
    for name, row in rows.items():
        print(f"| `{name}` | {row['median_ms']:.0f} | {row['min_ms']:.0f} | {row['above_bare_ms']:.0f} |")


if __name__ == "__main__":
    main()
