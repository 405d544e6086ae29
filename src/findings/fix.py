"""Make the edits that findings carry, and take them back when the result is worse.

The order of events: `plan` makes whole new texts in memory and drops fixes that overlap an earlier one; `apply` lets
the tool check each new text (it must parse), writes all files, lets the tool audit again, and restores every file byte
for byte when the audit got worse or anything was raised on the way.
"""

import difflib
import io
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from durable import replace
from findings.counted import counted
from findings.finding import Edit, Finding, Fix


@dataclass(frozen=True, slots=True)
class Change:
    """One file before and after."""

    path: str
    old: str
    new: str

    def diff(self) -> str:
        """Unified diff of the change."""
        lines = difflib.unified_diff(
            self.old.splitlines(keepends=True), self.new.splitlines(keepends=True), f"a/{self.path}", f"b/{self.path}"
        )
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Plan:
    """New texts, the findings that they cure, and (finding, reason) for each fix that was left out."""

    changes: tuple[Change, ...]
    cured: tuple[Finding, ...]
    skipped: tuple[tuple[Finding, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What `apply` did; `rolled_back` names why nothing was kept, empty when all was."""

    written: tuple[str, ...] = ()
    rolled_back: str = ""
    remaining: tuple[Finding, ...] = field(default=())


def plan(findings: Iterable[Finding], read: Callable[[str], str | None], *, unsafe: bool = False) -> Plan:
    """Collect the fixes of `findings` into whole new texts; unsafe ones only when asked for."""
    edits: dict[str, list[Edit]] = {}
    cured: list[Finding] = []
    skipped: list[tuple[Finding, str]] = []
    done: set[Fix] = set()
    for finding in findings:
        fix = finding.fix
        if fix is None:
            continue
        if not fix.safe and not unsafe:
            skipped.append((finding, "unsafe; ask for it with --unsafe-fixes"))
        elif fix in done:
            cured.append(finding)
        elif any(_overlaps(edit, other) for edit in fix.edits for other in edits.get(edit.path, ())):
            skipped.append((finding, "overlaps another fix; run again"))
        else:
            done.add(fix)
            cured.append(finding)
            for edit in fix.edits:
                edits.setdefault(edit.path, []).append(edit)
    changes: list[Change] = []
    for path, own in sorted(edits.items()):
        old = read(path)
        if old is not None and (new := edited(old, own)) != old:
            changes.append(Change(path, old, new))
    return Plan(tuple(changes), tuple(cured), tuple(skipped))


def edited(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits made; they must not overlap."""
    starts = [0]
    for line in io.StringIO(text, newline=""):  # not splitlines(): it also splits at form feeds, parsers do not
        starts.append(starts[-1] + len(line))

    def offset(line: int, column: int) -> int:
        return min(starts[min(line, len(starts)) - 1] + column - 1, len(text))

    spans = [(offset(e.line, e.column), offset(e.end_line, e.end_column), e.text) for e in edits]
    for start, end, new in sorted(spans, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _overlaps(a: Edit, b: Edit) -> bool:
    a_start, a_end = (a.line, a.column), (a.end_line, a.end_column)
    b_start, b_end = (b.line, b.column), (b.end_line, b.end_column)
    return a_start == b_start or (a_start < b_end and b_start < a_end)


def apply(
    made: Plan,
    root: Path,
    *,
    verify: Callable[[str, str], str | None],
    before: Iterable[Finding],
    audit: Callable[[], Iterable[Finding]],
    encode: Callable[[str, str], bytes] = lambda _path, text: text.encode("utf-8"),
) -> Result:
    """Write a plan below `root`, audit again, and restore everything when the audit got worse.

    `verify(path, text)` returns the reason why a new text must not be written, or None. `encode(path, text)` makes the
    bytes to write. The audit is worse when a file has more findings than before.
    """
    for change in made.changes:
        reason = verify(change.path, change.new)
        if reason is not None:
            return Result(rolled_back=f"{change.path}: {reason}")
    saved = {change.path: (root / change.path).read_bytes() for change in made.changes}
    kept = False
    try:
        for change in made.changes:
            replace.write_bytes(root / change.path, encode(change.path, change.new))
        after = tuple(audit())
        reason = worse(before, after)
        kept = reason is None
    finally:
        if not kept:
            for path, data in saved.items():
                replace.write_bytes(root / path, data)
    if reason is not None:
        return Result(rolled_back=reason, remaining=after)
    return Result(written=tuple(saved), remaining=after)


def worse(before: Iterable[Finding], after: Iterable[Finding]) -> str | None:
    """Why `after` is worse than `before`: a file with more findings than it had, or None.

    Counted by file, because a repaired line often shows what the broken one hid: one finding in place of another.
    """
    had = Counter(finding.path for finding in before)
    listed = sorted(after, key=lambda finding: finding.sort_key)
    has = Counter(finding.path for finding in listed)
    risen = sorted(path for path, count in has.items() if count > had[path])
    if not risen:
        return None
    known = {finding.identity for finding in before}
    fresh = [finding for finding in listed if finding.path == risen[0]]
    first = next((finding for finding in fresh if finding.identity not in known), fresh[0])
    more = f" and {counted(len(risen) - 1, 'more file')}" if len(risen) > 1 else ""
    return f"the audit would get worse: {first.path} {first.code} {first.symbol}{more}"
