"""Run rules over a project and sort out what is reported."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from findings import ignore
from findings.baseline import Baseline
from findings.finding import SEVERITIES, Finding
from findings.rule import Rule
from findings.selection import Selection

EVERYTHING = Selection()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found: `findings` are reported, the others were exempt, accepted, or below the shown severity."""

    tool: str
    rules: tuple[Rule[Any], ...]
    findings: tuple[Finding, ...]
    exempt: tuple[Finding, ...] = ()
    accepted: tuple[tuple[Finding, str], ...] = ()
    hidden: tuple[Finding, ...] = ()
    roots: tuple[str, ...] = ()
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 when nothing is reported, else 1."""
        return 1 if self.findings else 0

    @property
    def summary(self) -> dict[str, Any]:
        """The documented JSON summary of the reported findings."""
        return summarize(self.findings)


def summarize(findings: Iterable[Finding]) -> dict[str, Any]:
    """Counts by code, by severity, and the number of files concerned."""
    listed = list(findings)
    severities = Counter(finding.severity for finding in listed)
    return {
        "count": len(listed),
        "by_code": dict(sorted(Counter(finding.code for finding in listed).items())),
        "by_severity": {severity: severities[severity] for severity in SEVERITIES if severities[severity]},
        "files": len({finding.path for finding in listed}),
    }


def run(
    rules: Sequence[Rule[Any]],
    project: Any,
    *,
    tool: str,
    read: Callable[[str], str | None],
    selection: Selection = EVERYTHING,
    baseline: Baseline | None = None,
    only: Callable[[str], bool] | None = None,
    roots: Sequence[str] = (),
) -> Outcome:
    """Check `project` with the selected rules.

    `read` returns the text of a file by the path that findings use, or None; inline ignores are looked up there. `only`
    keeps findings of some paths (the whole project is still what the rules see).
    """
    chosen = selection.rules(rules)
    found = {finding for rule in chosen for finding in rule.check(project)}
    ordered = sorted((f for f in found if only is None or only(f.path)), key=lambda finding: finding.sort_key)
    texts = {path: read(path) for path in {finding.path for finding in ordered}}
    python = (".py", ".pyi")
    ignores = {path: ignore.parse(text, tool, python=path.endswith(python)) for path, text in texts.items() if text}
    kept, exempt = ignore.split(ordered, ignores)
    shown = [finding for finding in kept if selection.shows(finding)]
    hidden = [finding for finding in kept if not selection.shows(finding)]
    accepted: list[tuple[Finding, str]] = []
    if baseline is not None:
        shown, accepted = baseline.split(shown)
    return Outcome(tool, tuple(chosen), tuple(shown), tuple(exempt), tuple(accepted), tuple(hidden), roots=tuple(roots))
