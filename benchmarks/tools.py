"""Time compass and aqms as whole processes, and aqms beside npm and Python peers on the same documents.

    python benchmarks/tools.py --remark FOLDER --check-jsonschema EXECUTABLE --runs 3

FOLDER holds node_modules with remark-cli, remark-frontmatter and remark-lint-frontmatter-schema. Peers that are not
given are left out. All take turns; processor seconds (user and system, with children) are given beside wall time,
because other work on the machine changes only the latter.
"""

import argparse
import json
import os
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

SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "required": ["title", "date", "type", "category", "status", "version"],
    "properties": {
        "title": {"type": "string", "minLength": 1},
        "date": {"type": "string"},
        "type": {"const": "research"},
        "category": {"enum": ["development", "research"]},
        "status": {"enum": ["active", "draft"]},
        "version": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "priority": {"type": "integer", "minimum": 1, "maximum": 5},
    },
}
REMARK = """\
import frontmatter from 'remark-frontmatter'
import schema from 'remark-lint-frontmatter-schema'
export default {plugins: [frontmatter, [schema, {schemas: {'./schema.json': ['**/*.md']}}]]}
"""
LINES = 60
BROKEN = 5  # documents with a status that no schema allows: every tool must find exactly these


@dataclass(frozen=True)
class Case:
    """A command in a folder, what happens before each run, and how many findings it must report."""

    name: str
    command: list[str]
    folder: Path
    findings: int = 0
    count: Callable[[str], int] = lambda _output: 0
    before: Callable[[Path], None] = lambda _folder: None


def write_documents(folder: Path, number: int) -> None:
    """Make the documents: 60 lines with front matter, lists, links to each other, a table and code."""
    place = folder / "docs/artifacts/research"
    place.mkdir(parents=True)
    (folder / ".git").mkdir()
    for i in range(number):
        (place / _name(i)).write_text(_document(i, _name((i + 1) % number)), encoding="utf-8")


def _name(i: int) -> str:
    return f"2026-{1 + i // 28 % 12:02d}-{1 + i % 28:02d}_0330_research_topic-{i:04d}.md"


def _document(i: int, following: str) -> str:
    lines = [
        "---",
        f'title: "Topic {i}: what holds"',
        f'date: "{_name(i)[:10]} 03:30 (KST)"',
        "type: research",
        "category: research",
        f"status: {'odd' if i < BROKEN else 'active'}",
        'version: "1.0"',
        "tags: [receipts, ocr]",
        "priority: 2",
        "---",
        f"\n# Topic {i}\n\n## Question\n\nHow are long lines read? See [the next]({following}).\n\n## Findings\n",
    ]
    for k in range(16):
        lines.append(f"- Item {k} of {i} with `code` and **weight**, as [written](https://example.org/{k}).")
        lines.append(f"  It goes on, 둘째 줄, with numbers {k * i}.")
    lines += ["", "```python", f"print({i})", "# no heading", "```", "", "| a | b |", "|---|---|", "| 1 | 2 |"]
    text = "\n".join(lines).split("\n")
    return "\n".join(text + [""] * (LINES - len(text))) + "\n"


def _program(package: str, *words: str) -> list[str]:
    return [sys.executable, "-c", f"import sys; from {package}.cli import main; sys.exit(main())", *words]


def _forget(folder: Path) -> None:
    shutil.rmtree(folder / ".aqms_cache", ignore_errors=True)


def _touch_one(folder: Path) -> None:
    path = folder / "docs/artifacts/research" / _name(BROKEN)
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n") + f"\n{time.monotonic_ns()}\n", encoding="utf-8")


def single_cases(folder: Path) -> list[Case]:
    """The two commands that are run many times a day."""
    (folder / "pulse/.git").mkdir(parents=True)
    pulse = folder / "pulse"
    start = ["pulse-init", "--id", "import-audit-2026-01-29", "--obj", "No broken imports", "--milestone", "refactor"]
    subprocess.run(_program("compass", *start), cwd=pulse, check=True, capture_output=True)
    (pulse / "project_compass/pulse_staging/artifacts/notes.md").write_text("# Notes\n")
    sync = ["pulse-sync", "--path", "notes.md", "--type", "research"]
    subprocess.run(_program("compass", *sync), cwd=pulse, check=True, capture_output=True)
    one = f"docs/artifacts/research/{_name(BROKEN)}"
    return [
        Case("python -c pass", [sys.executable, "-c", "pass"], folder),
        Case("compass pulse-status", _program("compass", "pulse-status"), pulse),
        Case("aqms validate FILE", _program("aqms", "validate", one), folder / "many"),
    ]


def many_cases(folder: Path, remark: Path | None, check_jsonschema: Path | None) -> list[Case]:
    """aqms over all documents, cold, warm and with one changed; the peers that are there."""
    many = folder / "many"
    own = _program("aqms", "validate", "--all", "--json")

    def found(output: str) -> int:
        return int(json.loads(output)["summary"]["count"])

    cases = [
        Case("aqms validate --all, cold", own, many, BROKEN, found, _forget),
        Case("aqms validate --all, warm", own, many, BROKEN, found),
        Case("aqms validate --all, one file changed", own, many, BROKEN, found, _touch_one),
    ]
    if remark is not None:
        command = _prepare_remark(folder, remark)
        cases.append(
            Case("remark with frontmatter-schema", command, folder / "remark", BROKEN, lambda o: o.count("6:9-6:12"))
        )
    if check_jsonschema is not None:
        files = _prepare_front_matter(folder)
        command = [
            str(check_jsonschema),
            "--schemafile",
            str(folder / "schema.json"),
            "--output-format",
            "json",
            *files,
        ]
        cases.append(
            Case(
                "check-jsonschema, front matter alone", command, folder, BROKEN, lambda o: len(json.loads(o)["errors"])
            )
        )
    return cases


def _prepare_remark(folder: Path, installed: Path) -> list[str]:
    place = folder / "remark"
    place.mkdir()
    (place / "node_modules").symlink_to(installed.resolve() / "node_modules")
    (place / "package.json").write_text('{"type": "module"}')
    (place / "schema.json").write_text(json.dumps(SCHEMA))
    (place / ".remarkrc.mjs").write_text(REMARK)
    shutil.copytree(folder / "many/docs", place / "docs")
    return [str(place / "node_modules/.bin/remark"), "--quiet", "--no-stdout", "--no-color", "docs"]


def _prepare_front_matter(folder: Path) -> list[str]:
    (folder / "schema.json").write_text(json.dumps(SCHEMA))
    place = folder / "front"
    place.mkdir()
    for path in sorted((folder / "many/docs").rglob("*.md")):
        front = path.read_text(encoding="utf-8").split("---\n")[1]
        (place / f"{path.stem}.yaml").write_text(front, encoding="utf-8")
    return [str(path) for path in sorted(place.iterdir())]


def measure(case: Case, limit: int) -> tuple[float, float]:
    """Wall and processor seconds of one run; SystemExit when it does not find what it must."""
    case.before(case.folder)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(case.command, cwd=case.folder, capture_output=True, text=True, timeout=limit)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # remark reports on standard error.
    output = done.stdout or done.stderr
    if done.returncode not in (0, 1) or case.count(output) != case.findings:
        raise SystemExit(
            f"{case.name}: found {case.count(output)}, not {case.findings}:\n{output[:800]}{done.stderr[:800]}"
        )
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def table(cases: list[Case], runs: int, limit: int) -> str:
    """Medians and minima of the cases, which take turns."""
    times: dict[str, list[tuple[float, float]]] = {case.name: [] for case in cases}
    for _ in range(runs):
        for case in cases:
            times[case.name].append(measure(case, limit))
    lines = ["| command | wall s, median | wall s, least | processor s, median |", "|---|---|---|---|"]
    for name, listed in times.items():
        walls, used = zip(*listed, strict=True)
        lines.append(f"| {name} | {statistics.median(walls):.2f} | {min(walls):.2f} | {statistics.median(used):.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument(
        "--runs", type=int, default=3, help="runs over all documents; single ones run five times as often"
    )
    parser.add_argument("--limit", type=int, default=600, help="seconds for one run")
    parser.add_argument("--remark", type=Path, help="folder with remark's node_modules")
    parser.add_argument("--check-jsonschema", type=Path, help="executable of check-jsonschema")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_documents(folder / "many", options.documents)
        print(
            f"load {os.getloadavg()[0]:.1f}; {options.documents} documents of {LINES} lines, {BROKEN} with a finding\n"
        )
        print(table(single_cases(folder), 5 * options.runs, options.limit), end="\n\n", flush=True)
        print(table(many_cases(folder, options.remark, options.check_jsonschema), options.runs, options.limit))


if __name__ == "__main__":
    main()
