"""Make fixes and prove them: every edited file must parse, and the audit must not get worse, or it is taken back."""

import ast
import tokenize
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from io import BytesIO

from findings import fix as engine
from findings.finding import Finding
from findings.fix import Change, Plan
from preflight import api
from preflight.analysis.audit import Audit
from preflight.api import Request
from preflight.config import yaml_reader
from preflight.fixers.hopeless import commented


@dataclass(frozen=True, slots=True)
class FixReport:
    """What a fix run did, or would do."""

    changes: tuple[Change, ...]
    cured: tuple[Finding, ...]
    skipped: tuple[tuple[Finding, str], ...]
    refused: tuple[tuple[str, str], ...] = ()  # file and why its change was taken back
    remaining: int = 0


def everything(request: Request, audit: Audit | None = None) -> tuple[Finding, ...]:
    """All errors and warnings of the repository but consequences, whatever was asked for: what must not get worse."""
    whole = Request(request.root, python=request.python, use_cache=request.use_cache, use_baseline=False)
    outcome = api.run(whole, audit)
    return tuple(finding for finding in (*outcome.findings, *outcome.exempt) if not finding.folded)


def run(
    request: Request,
    *,
    unsafe: bool = False,
    dry_run: bool = False,
    wanted: Callable[[Finding], bool] = lambda _f: True,
) -> FixReport:
    """Fix what can be fixed in the asked paths; with `dry_run` nothing is written."""
    audit = api.open_audit(request)
    outcome = api.run(replace(request, use_baseline=False), audit)
    findings = [finding for finding in outcome.findings if wanted(finding)]
    if unsafe:
        hopeless = commented(audit, findings)
        findings = [
            replace(finding, fix=hopeless[finding.path])
            if finding.fix is None and finding.path in hopeless and finding.code.startswith("IMP00")
            else finding
            for finding in findings
        ]
    plan = engine.plan(findings, audit.project.text, unsafe=unsafe)
    if dry_run or not plan.changes:
        return FixReport(plan.changes, plan.cured, plan.skipped, remaining=len(findings) - len(plan.cured))
    return _apply(request, audit, plan, everything(request, audit))


def _apply(request: Request, audit: Audit, plan: Plan, before: tuple[Finding, ...]) -> FixReport:
    """Write all at once; when that makes the audit worse, file by file, and leave out the files that do."""
    result = _write(request, audit, plan, before)
    if not result.rolled_back:
        return FixReport(plan.changes, plan.cured, plan.skipped, remaining=_remaining(request))
    kept: list[Change] = []
    refused: list[tuple[str, str]] = []
    left = before
    for change in plan.changes:
        single = Plan((change,), ())
        result = _write(request, audit, single, left)
        if result.rolled_back:
            refused.append((change.path, result.rolled_back))
        else:
            kept.append(change)
            left = result.remaining
    bad = {path for path, _ in refused}
    cured = tuple(f for f in plan.cured if f.fix is None or not bad & {edit.path for edit in f.fix.edits})
    return FixReport(tuple(kept), cured, plan.skipped, tuple(refused), _remaining(request))


def _remaining(request: Request) -> int:
    """How many findings a check would report now."""
    return len(api.run(replace(request, use_baseline=False, fixes=False)).findings)


def _write(request: Request, audit: Audit, plan: Plan, before: Iterable[Finding]) -> engine.Result:
    return engine.apply(
        plan,
        request.root,
        verify=verify,
        before=before,
        audit=lambda: everything(request),
        encode=lambda path, text: encode(audit, path, text),
    )


def verify(path: str, text: str) -> str | None:
    """Why a new text must not be written: it does not parse; None when it does."""
    if path.endswith((".py", ".pyi")):
        try:
            ast.parse(text)
        except (SyntaxError, ValueError) as error:
            return f"would not parse: {error}"
    elif path.endswith((".yaml", ".yml")):
        error_in_yaml = yaml_reader.read(text.encode("utf-8")).error
        if error_in_yaml is not None:
            return f"would not parse: {error_in_yaml[2]}"
    return None


def encode(audit: Audit, path: str, text: str) -> bytes:
    """The bytes of a new text in the encoding of the old file, byte-order mark included."""
    old = audit.project.data(path) or b""
    if path.endswith((".py", ".pyi")):
        encoding, _ = tokenize.detect_encoding(BytesIO(old).readline)
        return text.encode(encoding)
    return text.encode("utf-8")
