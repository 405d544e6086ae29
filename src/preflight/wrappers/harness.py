"""What all wrapped scripts share: the repository they are in, their arguments, and clean failure."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from findings.baseline import BaselineError
from findings.engine import Outcome
from findings.selection import Selection
from preflight import api
from preflight.analysis.audit import Audit
from preflight.environment import InterpreterError
from preflight.settings import SettingsError


def arguments(description: str, *flags: tuple[str, str]) -> argparse.Namespace:
    """Parse `--root` and the script's own flags."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", type=Path, help="repository to audit (default: the one around the current folder)")
    for flag, text in flags:
        parser.add_argument(flag, action="store_true", help=text)
    return parser.parse_args()


def guarded(work: Callable[[], int]) -> int:
    """Run a script's work; wrong use is one line on stderr and exit code 2."""
    try:
        return work()
    except (api.UseError, SettingsError, InterpreterError, BaselineError) as error:
        sys.stderr.write(f"{Path(sys.argv[0]).name}: {error}\n")
        return 2


def audited(root: Path | None, *select: str) -> tuple[api.Request, Audit, Outcome]:
    """Audit the repository with the selected rules."""
    top, _ = api.locate([root] if root else [], root)
    request = api.Request(top, selection=Selection(select=select))
    audit = api.open_audit(request)
    return request, audit, api.run(request, audit)


def accepted_line(outcome: Outcome) -> str:
    """`ACCEPTED (n): reason n, ...` for what the baseline accepts."""
    reasons: dict[str, int] = {}
    for _, reason in outcome.accepted:
        reasons[reason] = reasons.get(reason, 0) + 1
    listed = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
    return f"ACCEPTED ({len(outcome.accepted)}){': ' if listed else ''}{listed}"
