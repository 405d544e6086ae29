"""Inline exemptions: `# preflight: ignore[IMP001] reason` in Python, YAML and shell, `<!-- ... -->` in Markdown.

The comment exempts its own line, or the next one when it stands alone; `ignore-file[CODE]` exempts the whole file.
A code may be the beginning of one (`IMP`); an empty list exempts nothing: nobody switches everything off by accident.
"""

import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from findings.finding import Finding

_LINE_END = re.compile(r"\r\n|\r|\n")  # not splitlines(): it also splits at form feeds, which findings do not


@dataclass(frozen=True, slots=True)
class Ignores:
    """The exemptions of one file: codes by line, and codes for the whole file."""

    lines: dict[int, tuple[str, ...]] = field(default_factory=dict)
    everywhere: tuple[str, ...] = ()

    def covers(self, finding: Finding) -> bool:
        """Whether this finding is exempt."""
        codes = (*self.everywhere, *self.lines.get(finding.line, ()))
        return any(finding.code.startswith(code) for code in codes)


@lru_cache
def _pattern(tool: str) -> re.Pattern[str]:
    return re.compile(rf"(?:#|<!--)\s*{re.escape(tool)}:\s*(ignore|ignore-file)\[([A-Z0-9_,\s]*)\]")


def parse(text: str, tool: str, *, python: bool = False) -> Ignores:
    """Read the exemptions for `tool` from the text of a file; in Python only comments count, not strings."""
    pattern = _pattern(tool)
    if f"{tool}:" not in text or pattern.search(text) is None:
        return Ignores()
    lines: dict[int, tuple[str, ...]] = {}
    everywhere: tuple[str, ...] = ()
    rows = _LINE_END.split(text)
    for number, start in _comments(rows) if python else ((number, 0) for number in range(1, len(rows) + 1)):
        line = rows[number - 1]
        found = pattern.search(line, start)
        if found is None:
            continue
        codes = tuple(code.strip() for code in found[2].split(",") if code.strip())
        if found[1] == "ignore-file":
            everywhere += codes
        else:
            target = number if line[: found.start()].strip() else number + 1
            lines[target] = (*lines.get(target, ()), *codes)
    return Ignores(lines, everywhere)


def _comments(rows: list[str]) -> Iterator[tuple[int, int]]:
    """Where the comments of Python code begin; below a place that cannot be read as code, every line may be one."""
    last = 0
    try:
        for token in tokenize.generate_tokens((f"{row}\n" for row in rows).__next__):
            last = token.start[0]
            if token.type == tokenize.COMMENT:
                yield token.start
    except (tokenize.TokenError, SyntaxError):
        yield from ((number, 0) for number in range(last + 1, len(rows) + 1))


def split(findings: Iterable[Finding], ignores: dict[str, Ignores]) -> tuple[list[Finding], list[Finding]]:
    """Separate findings into (to report, exempt)."""
    kept: list[Finding] = []
    exempt: list[Finding] = []
    for finding in findings:
        covered = finding.path in ignores and ignores[finding.path].covers(finding)
        (exempt if covered else kept).append(finding)
    return kept, exempt
