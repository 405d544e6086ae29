"""What commands print."""

import json as jsonlib
import sys
from collections import Counter

from findings import report as plain
from findings.engine import Outcome
from preflight import report
from preflight.analysis.audit import Audit
from preflight.files import context, excluded


def outline(audit: Audit) -> None:
    """One line on stderr: what was read, and where imports begin."""
    project = audit.project
    roots = ", ".join(root or "." for root in project.roots) or "none"
    environment = project.environment.label if project.environment else "none"
    counts = f"{len(project.tree.python)} Python files, {len(project.tree.yaml)} YAML files"
    sys.stderr.write(f"preflight: {counts}; source roots: {roots}; environment: {environment}\n")


def render(outcome: Outcome, form: str, *, statistics: bool = False) -> str:
    """The report in the asked form."""
    if statistics:
        return report.statistics(outcome)
    forms = {
        "text": report.text,
        "markdown": report.markdown,
        "html": report.html,
        "json": plain.as_json,
        "sarif": plain.sarif,
        "github": plain.github,
    }
    return forms[form](outcome)


def unknown(audit: Audit) -> str:
    """What the text of the repository cannot decide, one line each."""
    lines = [
        f"{path}:{item.line}:{item.column} unknown import '{'.' * item.level}{item.module}' {item.name or ''}".rstrip()
        for path, item in audit.imports.unknown
    ]
    lines += [
        f"{target.path}:{target.line}:{target.column} unknown target '{target.text}'"
        for target in audit.targets.all
        if audit.targets.lead(target.text).status == "unknown"
    ]
    return "".join(f"{line}\n" for line in [*lines, f"{len(lines)} unknown"])


def targets(audit: Audit, only: tuple[str, ...], *, json: bool) -> tuple[str, int]:
    """All targets with what they lead to, and how many of them are broken."""
    rows = []
    for target in audit.targets.all:
        if only and not excluded(target.path, only):
            continue
        lead = audit.targets.lead(target.text)
        defined = lead.defined.dotted if lead.defined is not None and lead.status == "found" else ""
        rows.append((target, lead.status, defined))
    counts = Counter(status for _, status, _ in rows)
    broken = counts["module"] + counts["attribute"] + counts["names-module"]
    if json:
        listed = [
            {"path": t.path, "line": t.line, "column": t.column, "key": t.key, "target": t.text, "status": status}
            | {"defined": defined, "partial": t.partial}
            for t, status, defined in rows
        ]
        data = {"schema_version": 1, "tool": "preflight", "targets": listed, "summary": dict(sorted(counts.items()))}
        return jsonlib.dumps(data, indent=2, ensure_ascii=False) + "\n", broken
    lines = [
        f"{t.path}:{t.line}:{t.column} {status} {t.text}" + (f" = {defined}" if defined not in ("", t.text) else "")
        for t, status, defined in rows
    ]
    counted = ", ".join(f"{n} {status}" for status, n in sorted(counts.items())) or "none"
    return "".join(f"{line}\n" for line in [*lines, f"{len(rows)} targets: {counted}"]), broken


def allowlist(audit: Audit, *, json: bool) -> str:
    """Defining names of all targets in configs and code (not in tests, documents and saved runs), sorted."""
    names = set()
    for target in audit.targets.all:
        lead = audit.targets.lead(target.text)
        if context(target.path) != "code" or lead.status not in ("found", "external"):
            continue
        known = lead.defined is not None and lead.status == "found"
        names.add(lead.defined.dotted if known and lead.defined else target.text)
    if json:
        return jsonlib.dumps({"schema_version": 1, "tool": "preflight", "targets": sorted(names)}, indent=2) + "\n"
    return "".join(f"{name}\n" for name in sorted(names))
