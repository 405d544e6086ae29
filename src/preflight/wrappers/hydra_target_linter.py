"""hydra_target_linter.py: every Hydra target must name the module that defines it."""

import sys

from preflight.wrappers import harness


def main() -> int:
    """Print the verdict; 1 when a target is missing or goes through a re-export."""
    options = harness.arguments("Check that Hydra targets use full module paths (FQN).")

    def work() -> int:
        _, audit, outcome = harness.audited(options.root, "HYD001", "HYD002", "HYD003")
        found = [finding for finding in outcome.findings if finding.severity != "info"]
        if not found:
            sys.stdout.write("All Hydra targets use full module paths (FQN)\n")
            sys.stdout.write(f"{len(audit.targets.all)} targets checked\n")
            return 0
        sys.stdout.write(f"HYDRA TARGETS WITHOUT FULL MODULE PATH ({len(found)})\n")
        for finding in found:
            sys.stdout.write(f"{finding.path}:{finding.line}:{finding.column} {finding.code} {finding.message}\n")
        return 1

    return harness.guarded(work)
