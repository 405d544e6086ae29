"""Inline exemptions: `# preflight: ignore[IMP001] reason` in Python, YAML and shell, `<!-- ... -->` in Markdown.

The comment exempts its own line, or the next one when it stands alone; `ignore-file[CODE]` exempts the whole file.
A code may be the beginning of one (`IMP`); an empty list exempts nothing: nobody switches everything off by accident.
"""

import re
from collections.abc import Iterable
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


def parse(text: str, tool: str) -> Ignores:
    """Read the exemptions for `tool` from the text of a file."""
    if f"{tool}:" not in text:
        return Ignores()
    lines: dict[int, tuple[str, ...]] = {}
    everywhere: tuple[str, ...] = ()
    for number, line in enumerate(_LINE_END.split(text), 1):
        found = _pattern(tool).search(line)
        if found is None:
            continue
        codes = tuple(code.strip() for code in found[2].split(",") if code.strip())
        if found[1] == "ignore-file":
            everywhere += codes
        else:
            target = number if line[: found.start()].strip() else number + 1
            lines[target] = (*lines.get(target, ()), *codes)
    return Ignores(lines, everywhere)


def split(findings: Iterable[Finding], ignores: dict[str, Ignores]) -> tuple[list[Finding], list[Finding]]:
    """Separate findings into (to report, exempt)."""
    kept: list[Finding] = []
    exempt: list[Finding] = []
    for finding in findings:
        covered = finding.path in ignores and ignores[finding.path].covers(finding)
        (exempt if covered else kept).append(finding)
    return kept, exempt
