"""The wrapped scripts that edit: moved imports, hopeless imports in scripts, targets."""

import sys
from collections.abc import Callable

from findings.finding import Finding
from findings.selection import Selection
from preflight import api
from preflight.cli.fix import describe
from preflight.files import excluded
from preflight.fixers import apply
from preflight.wrappers import harness

_DRY = ("--dry-run", "say what would be done and write nothing")


def batch_fix_imports() -> int:
    """Point imports of moved names at the module that defines them now."""
    return _fix("Repair imports whose name is defined in exactly one other module.", ("IMP001", "IMP002"), _DRY)


def comment_out_broken_scripts() -> int:
    """Comment out imports in scripts that nobody can repair, with everything that used them."""

    def in_scripts(finding: Finding) -> bool:
        return excluded(finding.path, ("scripts", "archive", "examples"))

    text = "Comment out hopeless imports in scripts/, in whole statements, with everything that used them."
    return _fix(text, ("IMP001", "IMP002"), _DRY, unsafe=True, wanted=in_scripts)


def fix_hydra_targets() -> int:
    """Write the defining path of every moved or re-exported target."""
    scan = ("--scan", "only list what is wrong")
    return _fix("Repair Hydra targets.", ("HYD001", "HYD002", "HYD003"), _DRY, scan)


def auto_align_hydra() -> int:
    """Repair broken targets of configs (not re-exports) from the symbol index of the repository."""
    return _fix("Align broken Hydra targets with the code.", ("HYD001", "HYD002"), _DRY)


def _fix(
    description: str,
    select: tuple[str, ...],
    *flags: tuple[str, str],
    unsafe: bool = False,
    wanted: Callable[[Finding], bool] = lambda _finding: True,
) -> int:
    options = harness.arguments(description, *flags)

    def work() -> int:
        top, _ = api.locate([options.root] if options.root else [], options.root)
        request = api.Request(top, selection=Selection(select=select))
        if getattr(options, "scan", False):
            return _scan(request)
        report = apply.run(request, unsafe=unsafe, dry_run=options.dry_run, wanted=wanted)
        sys.stdout.write(describe(report, dry_run=options.dry_run))
        return 0

    return harness.guarded(work)


def _scan(request: api.Request) -> int:
    outcome = api.run(request)
    for finding in outcome.findings:
        sys.stdout.write(f"{finding.path}:{finding.line}:{finding.column} {finding.code} {finding.message}\n")
    sys.stdout.write(f"{len(outcome.findings)} targets to repair\n")
    return outcome.exit_code
