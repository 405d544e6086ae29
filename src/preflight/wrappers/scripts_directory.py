"""audit_scripts_directory.py: every script with its label and evidence, in scripts_categorization.json."""

import sys
from collections import Counter
from datetime import date

from durable import replace
from preflight.scripts import report
from preflight.wrappers import harness

RESULTS = "scripts_categorization.json"


def main() -> int:
    """Write the JSON file and print the counts."""
    options = harness.arguments(f"Judge every script by evidence and write {RESULTS}.")

    def work() -> int:
        request, audit, _ = harness.audited(options.root, "SRC001")
        scripts = report.judge(audit)
        replace.write_json(request.root / RESULTS, report.as_data(scripts, date.today()))
        counts = Counter(script.label for script in scripts)
        sys.stdout.write(f"SCRIPTS ({len(scripts)})\n")
        for label in report.LABELS:
            share = 100 * counts[label] / len(scripts) if scripts else 0
            sys.stdout.write(f"  {label}: {counts[label]} ({share:.0f}%)\n")
        unnamed = sum(not script.named for script in scripts)
        sys.stdout.write(f"not named in scripts/README.md: {unnamed}\nwritten: {RESULTS}\n")
        return 0

    return harness.guarded(work)
