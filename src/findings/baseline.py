"""Accepted findings: the guard of a migration. Counts may fall, never rise.

An entry is keyed by code, path and symbol, so moved lines change nothing. It has a reason: `optional`, `deferred` or
free text. When fewer findings are there than an entry accepts, the entry shrinks by itself (`shrunk`).
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from durable import replace
from findings.finding import Finding

SCHEMA_VERSION = 1
Key = tuple[str, str, str]


class BaselineError(ValueError):
    """A baseline file cannot be used; the message names file, reason and remedy."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How many findings with one key are accepted, and why."""

    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """Accepted findings by key."""

    entries: dict[Key, Entry]

    def split(self, findings: Iterable[Finding]) -> tuple[list[Finding], list[tuple[Finding, str]]]:
        """Separate findings into (new, accepted with reason); of one key, the first by position are accepted."""
        left = {key: entry.count for key, entry in self.entries.items()}
        new: list[Finding] = []
        accepted: list[tuple[Finding, str]] = []
        for finding in findings:
            if left.get(finding.identity, 0) > 0:
                left[finding.identity] -= 1
                accepted.append((finding, self.entries[finding.identity].reason))
            else:
                new.append(finding)
        return new, accepted

    def shrunk(self, findings: Iterable[Finding]) -> "Baseline":
        """The same baseline without what is no longer found."""
        counts = Counter(finding.identity for finding in findings)
        kept = {
            key: Entry(min(entry.count, counts[key]), entry.reason)
            for key, entry in self.entries.items()
            if counts[key] > 0
        }
        return Baseline(kept)


def accept(findings: Iterable[Finding], *, reason: str, known: Baseline | None = None) -> Baseline:
    """A baseline that accepts all `findings`; keys already in `known` keep their reason."""
    counts = Counter(finding.identity for finding in findings)
    old = known.entries if known else {}
    return Baseline({key: Entry(n, old[key].reason if key in old else reason) for key, n in counts.items()})


def load(path: Path) -> Baseline:
    """Read a baseline file; BaselineError when it is not one."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BaselineError(f"{path}: not readable as a baseline ({error}); write it again") from error
    if not isinstance(data, dict) or data.get("schema_version") != SCHEMA_VERSION:
        raise BaselineError(f"{path}: schema_version is not {SCHEMA_VERSION}; write the baseline again")
    entries: dict[Key, Entry] = {}
    for number, item in enumerate(data.get("entries", [])):
        key, entry = _entry(path, number, item)
        entries[key] = entry
    return Baseline(entries)


def _entry(path: Path, number: int, item: Any) -> tuple[Key, Entry]:
    try:
        key = (str(item["code"]), str(item["path"]), str(item["symbol"]))
        count, reason = int(item["count"]), str(item["reason"]).strip()
    except (KeyError, TypeError, ValueError) as error:
        raise BaselineError(f"{path}: entry {number} needs code, path, symbol, count and reason") from error
    if not reason:
        raise BaselineError(f"{path}: entry {number} has no reason; give one, 'optional' or 'deferred'")
    return key, Entry(count, reason)


def save(path: Path, baseline: Baseline, *, tool: str) -> None:
    """Write a baseline file, sorted, all at once."""
    entries = [
        {"code": key[0], "path": key[1], "symbol": key[2], "count": entry.count, "reason": entry.reason}
        for key, entry in sorted(baseline.entries.items(), key=lambda pair: (pair[0][1], pair[0][0], pair[0][2]))
    ]
    replace.write_json(path, {"schema_version": SCHEMA_VERSION, "tool": tool, "entries": entries})
