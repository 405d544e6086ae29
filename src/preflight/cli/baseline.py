"""`preflight baseline write` and `preflight baseline check`: the guard of a migration."""

from pathlib import Path

from findings import baseline as baselines
from findings import report
from findings.counted import counted
from preflight import api


def write(root: Path | None, reason: str) -> str:
    """Accept everything that is reported now; entries that are there keep their reason."""
    top, _ = api.locate([], root)
    audit = api.open_audit(api.Request(top, use_baseline=False, fixes=False))
    path = top / audit.project.settings.baseline
    known = baselines.load(path) if path.is_file() else None
    outcome = api.run(api.Request(top, use_baseline=False, fixes=False), audit)
    made = baselines.accept(outcome.findings, reason=reason, known=known)
    baselines.save(path, made, tool=api.TOOL)
    return (
        f"{path.name}: {counted(len(outcome.findings), 'finding')} accepted in {counted(len(made.entries), 'entry')}\n"
    )


def check(root: Path | None) -> tuple[str, int]:
    """Report what the baseline does not accept, and let the baseline shrink to what is still there."""
    top, _ = api.locate([], root)
    request = api.Request(top, fixes=False)
    audit = api.open_audit(request)
    path = top / audit.project.settings.baseline
    if not path.is_file():
        raise api.UseError(
            f"{path.name}: there is no baseline; write one with `preflight baseline write --reason TEXT`"
        )
    known = baselines.load(path)
    outcome = api.run(request, audit)
    smaller = known.shrunk([*(finding for finding, _ in outcome.accepted), *outcome.findings])
    gone = sum(e.count for e in known.entries.values()) - sum(e.count for e in smaller.entries.values())
    if gone:
        baselines.save(path, smaller, tool=api.TOOL)
    lines = [report.line(finding) for finding in outcome.findings]
    lines.append(report.closing(outcome))
    if gone:
        lines.append(f"{path.name}: {gone} accepted findings are gone and are accepted no longer")
    return "".join(f"{line}\n" for line in lines), outcome.exit_code
