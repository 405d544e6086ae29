"""Time the audit beside other tools on the same folder, whole processes, in turn; count what each reports.

    python benchmarks/audit.py FOLDER... --peers FOLDER_WITH_EXECUTABLES --runs 5

Each folder is copied first, without `.git`. Peers that are not there are left out; those that take minutes run once.
Processor seconds (user and system, with children) stand beside wall time: other work on the machine changes them less.
"""

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tool:
    """A command, what it reads of its output, and what happens before each run."""

    name: str
    command: list[str]
    count: Callable[[str], int]
    before: Callable[[Path], None] = lambda _folder: None
    slow: bool = False


def _lines(pattern: str) -> Callable[[str], int]:
    return lambda output: len(re.findall(pattern, output, re.MULTILINE))


def _findings(output: str) -> int:
    return int(json.loads(output)["summary"]["count"])


def _hydrust(output: str) -> int:
    found = re.search(r"(\d+) error\(s\)", output)
    return int(found[1]) if found else 0


def _forget(folder: Path) -> None:
    shutil.rmtree(folder / ".preflight_cache", ignore_errors=True)


def _touch_one(folder: Path) -> None:
    """Change one file, as a commit would."""
    path = min(folder.rglob("*.py"))
    path.write_text(path.read_text(encoding="utf-8", errors="replace") + f"# {time.monotonic_ns()}\n", encoding="utf-8")


def tools(folder: Path, peers: Path | None) -> list[Tool]:
    """Our three cases, and the peers that are there."""
    own = [sys.executable, "-m", "preflight", "check", str(folder), "--root", str(folder), "--json"]
    listed = [
        Tool("preflight, cold", own, _findings, _forget),
        Tool("preflight, warm", own, _findings),
        Tool("preflight, one file changed", own, _findings, _touch_one),
    ]
    candidates = {
        "ty": Tool(
            "ty, import rules counted",
            ["ty", "check", str(folder), "--output-format", "concise"],
            _lines(r"import-not-found|missing-module-member"),
        ),
        "hydrust": Tool("hydrust check", ["hydrust", "check", str(folder)], _hydrust),
        "pyright": Tool(
            "pyright, import rules alone",
            ["pyright", "-p", str(folder)],
            _lines(r"reportMissingImports|is unknown import symbol"),
            slow=True,
        ),
        "pylint": Tool(
            "pylint, two checks",
            ["pylint", "-j2", "--disable=all", "--enable=import-error,no-name-in-module", "--recursive=y", str(folder)],
            _lines(r"E0401|E0611"),
            slow=True,
        ),
    }
    for name, tool in candidates.items():
        if peers is not None and (peers / name).exists():
            listed.append(Tool(tool.name, [str(peers / name), *tool.command[1:]], tool.count, slow=tool.slow))
    return listed


_PYRIGHT = {
    "include": ["."],
    "typeCheckingMode": "off",
    "reportMissingImports": "error",
    "reportAttributeAccessIssue": "error",
}


def copied(folder: Path, into: Path) -> Path:
    """A copy to work on: one of its files is changed, and pyright reads its rules from there."""
    copy = into / folder.name
    shutil.copytree(folder, copy, symlinks=True, ignore=shutil.ignore_patterns(".git", ".preflight_cache"))
    (copy / "pyrightconfig.json").write_text(json.dumps(_PYRIGHT), encoding="utf-8")
    return copy


def measure(tool: Tool, folder: Path, limit: int) -> tuple[float, float, int]:
    """Wall seconds, processor seconds, and reports of one run."""
    tool.before(folder)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(
        tool.command, capture_output=True, text=True, errors="replace", env=environment, timeout=limit
    )
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, used, tool.count(done.stdout)


def main() -> None:
    """Print one table for each folder: medians of the runs."""
    parser = argparse.ArgumentParser(description="Time the audit beside other tools.")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--peers", type=Path, help="folder with the executables of ty, hydrust, pyright, pylint")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--limit", type=int, default=1800, help="seconds for one run")
    options = parser.parse_args()
    for folder in options.folders:
        with tempfile.TemporaryDirectory() as place:
            table(copied(folder.resolve(), Path(place)), options.peers, options.runs, options.limit)


def table(folder: Path, peers: Path | None, runs: int, limit: int) -> None:
    """Print the lines of one folder: medians, tools in turn."""
    python = list(folder.rglob("*.py"))
    yaml = sum(1 for pattern in ("*.yaml", "*.yml") for _ in folder.rglob(pattern))
    lines = sum(path.read_bytes().count(b"\n") for path in python if path.is_file())
    print(f"\n{folder.name}: {len(python)} Python files, {lines} lines, {yaml} YAML files", end=", ")
    print(f"load {os.getloadavg()[0]:.1f}\n")
    print("| tool | wall s | processor s | reports |\n|---|---|---|---|", flush=True)
    measured: dict[str, list[tuple[float, float, int]]] = {}
    listed = tools(folder, peers)
    for turn in range(runs):
        for tool in listed:
            if turn == 0 or not tool.slow:
                try:
                    measured.setdefault(tool.name, []).append(measure(tool, folder, limit))
                except (subprocess.TimeoutExpired, ValueError, KeyError) as error:
                    print(f"{tool.name}: {type(error).__name__}", file=sys.stderr)
    for name, results in measured.items():
        wall, used = (statistics.median(result[index] for result in results) for index in (0, 1))
        print(f"| {name} | {wall:.2f} | {used:.2f} | {results[-1][2]} |", flush=True)


if __name__ == "__main__":
    main()
