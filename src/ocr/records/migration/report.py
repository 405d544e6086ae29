"""What a migration did, for people (Markdown) and for programs (JSON beside it)."""

import json
import os
import shlex
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from durable.replace import write_text
from ocr.records.migration.migrate import Outcome

REPORT = "migration-report.md"


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The report as plain values."""
    problems = [{"path": path, "reason": reason} for path, reason in outcome.problems]
    return {"schema_version": 1, "summary": summary(outcome)} | asdict(outcome) | {"problems": problems}


def summary(outcome: Outcome) -> dict[str, Any]:
    """The figures of a report."""
    runs = outcome.runs
    return {
        "runs": len(runs),
        "by_scheme": dict(sorted(Counter(run.scheme for run in runs).items())),
        "by_state": dict(sorted(Counter(run.state for run in runs).items())),
        **{
            key: sum(getattr(run, key) for run in runs) for key in ("files", "checkpoints", "cards", "paths", "targets")
        },
        "bytes": outcome.bytes,
        "problems": len(outcome.problems),
    }


def as_markdown(outcome: Outcome) -> str:
    """The report as a page."""
    figures = summary(outcome)
    to = shlex.quote(outcome.new)
    title = "# Migration, as it would be" if outcome.dry_run else "# Migration"
    lines = [
        title,
        "",
        f"{_code(outcome.old)} to {_code(outcome.new)}, by {outcome.how}.",
        "",
        "| what | how many |",
        "|---|---|",
        *(f"| {name} | {_counts(value)} |" for name, value in figures.items()),
        "",
        "`paths` and `targets` are old paths and old `_target_` names that were rewritten inside of files; the",
        "originals are in `.original` of each run.",
        "",
        "## Runs",
        "",
        "| old | new | scheme | id | files | checkpoints | cards | state |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for run in outcome.runs:
        cells = (
            _code(run.old),
            _code(run.new),
            run.scheme,
            run.run_id,
            run.files,
            run.checkpoints,
            run.cards,
            run.state,
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines += ["", "## Problems", ""]
    lines += [f"- {_code(path)}: {_line(reason)}" for path, reason in outcome.problems] or ["None."]
    lines += ["", "## Left where they are", ""]
    lines += [f"- {_code(name)}: no file of a run" for name in outcome.left]
    lines += [f"- {_code(name)}: a run of today's layout" for name in outcome.current]
    lines += ["Nothing."] if not outcome.left and not outcome.current else []
    lines += [
        "",
        "## Next",
        "",
        f"- prove it: `ocr migrate verify --to {to}`",
        f"- undo it: `ocr migrate undo --to {to}`",
    ]
    return "\n".join(lines) + "\n"


def write_report(outcome: Outcome, path: Path) -> list[Path]:
    """Write the page to `path` and the JSON beside it; return both. OSError when they cannot be written."""
    beside = path.with_suffix(".json")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, as_markdown(outcome))
    write_text(beside, json.dumps(as_json(outcome), ensure_ascii=False, indent=1) + "\n")
    return [Path(os.path.abspath(path)), Path(os.path.abspath(beside))]


def _counts(value: Any) -> str:
    return (
        ", ".join(f"{name} {count}" for name, count in value.items()) or "-" if isinstance(value, dict) else str(value)
    )


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _code(text: str) -> str:
    """A path as code that stays in its cell, whatever is in it."""
    return f"`{json.dumps(text, ensure_ascii=False)[1:-1].replace('`', chr(0x02CB)).replace('|', chr(92) + '|')}`"
