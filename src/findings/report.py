"""Print an outcome: text for people, JSON, SARIF for code hosts, workflow commands for GitHub."""

import hashlib
import json
from collections import Counter
from typing import Any, Literal

from findings.counted import counted
from findings.engine import Outcome
from findings.finding import Finding, Severity

Format = Literal["text", "json", "sarif", "github"]
SCHEMA_VERSION = 1
_SARIF_LEVEL: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}
_GITHUB_LEVEL: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "notice"}


def render(outcome: Outcome, form: Format) -> str:
    """The report as one string that ends with a newline, or is empty."""
    return {"text": text, "json": as_json, "sarif": sarif, "github": github}[form](outcome)


def text(outcome: Outcome) -> str:
    """One line a finding, then the summary line."""
    return "".join(f"{line(finding)}\n" for finding in outcome.findings) + closing(outcome) + "\n"


def line(finding: Finding) -> str:
    """`path:line:column CODE message`."""
    path = finding.path.replace("\n", "\\n")
    return f"{path}:{finding.line}:{finding.column} {finding.code} {finding.message}"


def closing(outcome: Outcome) -> str:
    """The summary sentence: what was found, accepted by reason, exempt and hidden."""
    summary = outcome.summary
    if summary["count"]:
        kinds = ", ".join(f"{n} {severity}" for severity, n in summary["by_severity"].items())
        parts = [f"{counted(summary['count'], 'finding')} in {counted(summary['files'], 'file')} ({kinds})"]
    else:
        parts = ["no findings"]
    if outcome.accepted:
        reasons = Counter(reason for _, reason in outcome.accepted)
        listed = ", ".join(f"{reason} {n}" for reason, n in sorted(reasons.items()))
        parts.append(f"ACCEPTED ({len(outcome.accepted)}): {listed}")
    if outcome.exempt:
        parts.append(f"{len(outcome.exempt)} ignored inline")
    if outcome.hidden:
        parts.append(f"{len(outcome.hidden)} below the shown severity (--min-severity info)")
    return "; ".join(parts)


def document(outcome: Outcome) -> dict[str, Any]:
    """The documented JSON object."""
    reasons = Counter(reason for _, reason in outcome.accepted)
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": outcome.tool,
        "roots": list(outcome.roots),
        "findings": [finding.as_json() for finding in outcome.findings],
        "summary": outcome.summary,
        "accepted": {"count": len(outcome.accepted), "by_reason": dict(sorted(reasons.items()))},
        **outcome.notes,
    }


def as_json(outcome: Outcome) -> str:
    """The documented JSON object as text."""
    return json.dumps(document(outcome), ensure_ascii=False, indent=2) + "\n"


def sarif(outcome: Outcome) -> str:
    """SARIF 2.1.0 with fingerprints that do not change when lines move."""
    rules = [
        {
            "id": rule.code,
            "name": rule.name,
            "shortDescription": {"text": rule.summary},
            "defaultConfiguration": {"level": _SARIF_LEVEL[rule.severity]},
        }
        for rule in outcome.rules
    ]
    seen: Counter[tuple[str, str, str]] = Counter()
    results = []
    for finding in outcome.findings:
        seen[finding.identity] += 1
        results.append(_sarif_result(finding, seen[finding.identity]))
    driver = {"name": outcome.tool, "rules": rules}
    data = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def _sarif_result(finding: Finding, occurrence: int) -> dict[str, Any]:
    identity = "\0".join((*finding.identity, str(occurrence)))
    region = {"startLine": finding.line, "startColumn": finding.column}
    location = {"artifactLocation": {"uri": finding.path}, "region": region}
    return {
        "ruleId": finding.code,
        "level": _SARIF_LEVEL[finding.severity],
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {
            "identity/v1": hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        },
    }


def github(outcome: Outcome) -> str:
    """Workflow commands that annotate a pull request."""
    return "".join(_github_line(finding) for finding in outcome.findings)


def _github_line(finding: Finding) -> str:
    place = f"file={_escape(finding.path, ',:')},line={finding.line},col={finding.column},title={finding.code}"
    return f"::{_GITHUB_LEVEL[finding.severity]} {place}::{_escape(finding.message, '')}\n"


def _escape(value: str, special: str) -> str:
    for char in f"%\r\n{special}":
        value = value.replace(char, f"%{ord(char):02X}")
    return value
