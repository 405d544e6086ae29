"""Judge every script by evidence, and print the judgement."""

import ast
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from findings.counted import counted
from preflight.analysis.audit import Audit
from preflight.files import excluded
from preflight.scripts.history import last_commits
from preflight.scripts.references import references

Label = Literal["keep", "refactor", "review", "archive"]
LABELS: tuple[Label, ...] = ("keep", "refactor", "review", "archive")
_OLD_DAYS = 180
_LONG_LINES = 500
_COMPLEX = 60
_BRANCHES = (
    ast.If,
    ast.For,
    ast.While,
    ast.ExceptHandler,
    ast.With,
    ast.BoolOp,
    ast.comprehension,
    ast.Match,
    ast.IfExp,
)


@dataclass(frozen=True, slots=True)
class Script:
    """One script with the evidence for its label; `complexity` counts branches, `named`: scripts/README.md has it."""

    file: str
    label: Label
    reasons: tuple[str, ...]
    complexity: int
    size_bytes: int
    lines: int
    references: tuple[str, ...]
    last_commit: str | None
    entry_point: bool
    broken_imports: int
    named: bool


def judge(audit: Audit) -> list[Script]:
    """All scripts of the repository's script folders, sorted by path."""
    folders = audit.project.settings.scripts
    tree = audit.project.tree
    paths = sorted(path for path in (*tree.python, *tree.scripts) if excluded(path, folders))
    referring = references(audit, paths)
    days, newest = last_commits(audit.project.root, folders)
    broken = Counter(b.path for b in audit.imports.broken if b.severity == "error")
    readme = "\n".join(audit.project.text(f"{folder}/README.md") or "" for folder in folders)
    return [_judge(audit, path, referring[path], days.get(path), newest, broken[path], readme) for path in paths]


def _judge(
    audit: Audit, path: str, users: list[str], day: date | None, newest: date | None, broken: int, readme: str
) -> Script:
    data = audit.project.data(path) or b""
    lines = data.count(b"\n") + 1
    complexity, parses = (
        _complexity(data) if path.endswith(".py") else (data.count(b"\nif ") + data.count(b"\nfor "), True)
    )
    summary = audit.project.summary(path)
    entry = data.startswith(b"#!") or path.endswith((".sh", ".bash")) or bool(summary and summary.main_guard)
    old = bool(day and newest and (newest - day).days > _OLD_DAYS)
    troubles = [counted(broken, "broken import")] if broken else []
    troubles += [] if parses else ["does not parse"]
    sizes = [f"{lines} lines"] if lines > _LONG_LINES else []
    sizes += [f"complexity {complexity}"] if complexity > _COMPLEX else []
    facts = [f"referred to by {counted(len(users), 'file')}" if users else "nothing refers to it"]
    facts += [f"not changed since {day}"] if old else []
    facts += [] if entry else ["no entry point"]
    label = _label(bool(users), troubles, sizes, old)
    name = path.rpartition("/")[2]
    folder = path.rpartition("/")[0].rpartition("/")[2]
    named = name in readme or f"{folder}/" in readme
    shown = tuple(users[:20])
    day_text = day.isoformat() if day else None
    reasons = (*troubles, *sizes, *facts)
    return Script(path, label, reasons, complexity, len(data), lines, shown, day_text, entry, broken, named)


def _label(used: bool, troubles: list[str], sizes: list[str], old: bool) -> Label:
    if used:
        return "refactor" if troubles or sizes else "keep"
    if troubles or old:
        return "archive"
    return "review"


def _complexity(data: bytes) -> tuple[int, bool]:
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError):
        return 0, False
    return sum(isinstance(node, _BRANCHES) for node in ast.walk(tree)), True


def as_data(scripts: list[Script], today: date) -> dict[str, Any]:
    """The documented JSON shape, each entry with its evidence; counts and shares per folder."""
    by_label: dict[str, list[dict[str, Any]]] = {label: [] for label in LABELS}
    for script in scripts:
        entry = asdict(script)
        by_label[entry.pop("label")].append(entry)
    return {
        "schema_version": 1,
        "audit_date": today.isoformat(),
        "total_scripts": len(scripts),
        "categorization": by_label,
        "folders": folders(scripts),
    }


def folders(scripts: list[Script]) -> dict[str, dict[str, float]]:
    """For each folder: number of scripts, share of all in percent, and the number of each label."""
    totals: dict[str, dict[str, float]] = {}
    for script in scripts:
        counts = totals.setdefault(script.file.rpartition("/")[0], {"count": 0, "share": 0.0})
        counts["count"] += 1
        counts[script.label] = counts.get(script.label, 0) + 1
    for counts in totals.values():
        counts["share"] = round(100 * counts["count"] / len(scripts), 1)
    return dict(sorted(totals.items()))


def markdown(scripts: list[Script]) -> str:
    """A table for each label, then the folders and what scripts/README.md does not name."""
    lines = ["# Scripts", ""]
    for label in LABELS:
        own = [script for script in scripts if script.label == label]
        share = 100 * len(own) / len(scripts) if scripts else 0
        lines += [f"## {label} ({len(own)}, {share:.0f}%)", ""]
        lines += [f"- `{script.file}`: {'; '.join(script.reasons)}" for script in own] + [""]
    lines += [
        "## Folders",
        "",
        "| folder | scripts | share | keep | refactor | review | archive |",
        "|---|---|---|---|---|---|---|",
    ]
    for folder, counts in folders(scripts).items():
        cells = " | ".join(f"{counts.get(label, 0):.0f}" for label in LABELS)
        lines.append(f"| {folder} | {counts['count']:.0f} | {counts['share']}% | {cells} |")
    unnamed = [script.file for script in scripts if not script.named]
    if unnamed:
        lines += ["", "## Not named in scripts/README.md", "", *(f"- `{path}`" for path in unnamed)]
    return "\n".join(lines) + "\n"
