"""Which rules run and which findings are shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from findings.finding import Finding, Severity, at_least
from findings.rule import Rule


class UnknownCodeError(ValueError):
    """A code was given that no rule has."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Codes, or beginnings of codes, to run and to leave out, and the least severity to show.

    An empty `select` runs every rule that is on by default, and those named in `extend`; a rule that is off by default
    is only selected by its whole code. Selected rules show all their severities unless `min_severity` was set by hand.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    extend: tuple[str, ...] = ()
    min_severity: Severity | None = None

    def rules(self, rules: Sequence[Rule[Any]]) -> list[Rule[Any]]:
        """The rules to run; one whose greatest severity would not be shown is left out."""
        self._refuse_unknown(rules)
        chosen = []
        for rule in rules:
            named = rule.code in self.select or _matches(rule.code, self.extend)
            wanted = named or (rule.default and (not self.select or _matches(rule.code, self.select)))
            if self.select and not _matches(rule.code, self.select):
                wanted = False
            floor = self._floor(rule.code)
            if wanted and at_least(rule.severity, floor) and not _matches(rule.code, self.ignore):
                chosen.append(rule)
        return chosen

    def shows(self, finding: Finding) -> bool:
        """Whether a finding of a rule that ran is reported."""
        return at_least(finding.severity, self._floor(finding.code))

    def _floor(self, code: str) -> Severity:
        return self.min_severity or ("info" if _matches(code, self.select) else "warning")

    def _refuse_unknown(self, rules: Sequence[Rule[Any]]) -> None:
        codes = [rule.code for rule in rules]
        unknown = sorted(
            {given for given in (*self.select, *self.ignore, *self.extend) if not _begins_any(given, codes)}
        )
        if unknown:
            raise UnknownCodeError(f"no rule is called {', '.join(unknown)}; codes are {', '.join(codes)}")


def _matches(code: str, prefixes: Iterable[str]) -> bool:
    return any(code.startswith(prefix) for prefix in prefixes)


def _begins_any(prefix: str, codes: Iterable[str]) -> bool:
    return bool(prefix) and any(code.startswith(prefix) for code in codes)
