"""master_audit.py: broken imports and broken Hydra targets in one text report, also written to audit_results.txt."""

import sys
from pathlib import Path

from durable import replace
from findings.engine import Outcome
from findings.finding import Finding
from preflight.analysis.audit import Audit
from preflight.wrappers import harness

RESULTS = "audit_results.txt"
_IMPORTS = ("IMP001", "IMP002")
_TARGETS = ("HYD001", "HYD002")


def main() -> int:
    """Print and write the report; 1 when something is broken."""
    options = harness.arguments("Report broken Python imports and broken Hydra targets.")

    def work() -> int:
        request, audit, outcome = harness.audited(options.root, *_IMPORTS, *_TARGETS, "HYD004", "SRC001")
        text = report(audit, outcome)
        write(request.root, text)
        sys.stdout.write(text)
        return 1 if broken(outcome) else 0

    return harness.guarded(work)


def broken(outcome: Outcome) -> list[Finding]:
    """What is broken by itself: no consequences, and nothing in docs or saved runs."""
    return [finding for finding in outcome.findings if not finding.folded and finding.severity != "info"]


def write(root: Path, text: str) -> None:
    """Write audit_results.txt at the top of the repository."""
    replace.write_text(root / RESULTS, text)


def report(audit: Audit, outcome: Outcome) -> str:
    """The report: headline lines are printed for zero, too."""
    own = broken(outcome)
    imports = [finding for finding in own if finding.code in _IMPORTS]
    targets = [finding for finding in own if finding.code in _TARGETS]
    unreadable = [finding for finding in own if finding.code == "SRC001"]
    folded = [finding for finding in outcome.findings if finding.folded]
    tree = audit.project.tree
    lines = [
        f"AUDIT REPORT | Scanned {len(tree.python)} .py files, {len(tree.yaml)} .yaml files",
        "",
        f"BROKEN IMPORTS ({len(imports)})",
    ]
    for finding in imports:
        lines += [
            f"[File] {finding.path}:{finding.line}",
            f"  --> Import: {finding.symbol}",
            f"  --> Error: {finding.code} {finding.message}",
        ]
    lines += ["", f"BROKEN HYDRA TARGETS ({len(targets)})"]
    for finding in targets:
        lines += [
            f"[Config] {finding.path}:{finding.line}",
            f"  --> Target: {finding.symbol}",
            f"  --> Error: {finding.code} {finding.message}",
        ]
    lines += ["", f"FILES THAT CANNOT BE READ ({len(unreadable)})"]
    lines += [f"[File] {finding.path}:{finding.line} {finding.message}" for finding in unreadable]
    if folded:
        lines += ["", f"CONSEQUENCES ({len(folded)}): they go away with the causes above"]
        lines += [f"  {finding.path}:{finding.line} {finding.symbol}" for finding in folded]
    lines += ["", harness.accepted_line(outcome)]
    return "\n".join(lines) + "\n"
