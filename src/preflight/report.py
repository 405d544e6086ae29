"""Reports that put root causes first: text, Markdown, HTML and statistics."""

from html import escape
from typing import NamedTuple

from findings import report
from findings.engine import Outcome
from findings.finding import Finding

_SHOWN = 5  # findings shown of a third-party cause, which may have hundreds


class Group(NamedTuple):
    """Findings that one repair cures, and the consequences that go away with it."""

    cause: str
    findings: tuple[Finding, ...]
    consequences: tuple[Finding, ...]

    @property
    def headline(self) -> str:
        """`cause: 16 findings, 12 consequences`."""
        parts = [f"{len(self.findings)} finding{'s' * (len(self.findings) != 1)}"] if self.findings else []
        if self.consequences:
            parts.append(f"{len(self.consequences)} consequence{'s' * (len(self.consequences) != 1)}")
        return f"{self.cause}: {', '.join(parts)}"

    @property
    def third_party(self) -> bool:
        """Whether the cause is a package from outside."""
        return self.cause.startswith("package ")


def groups(findings: tuple[Finding, ...]) -> tuple[list[Group], list[Finding]]:
    """Causes with at least two findings, the widest first (own code before packages); and the findings without one."""
    by_cause: dict[str, list[Finding]] = {}
    for finding in findings:
        by_cause.setdefault(finding.cause, []).append(finding)
    grouped, single = [], list(by_cause.pop("", []))
    for cause, members in by_cause.items():
        if len(members) == 1 and not members[0].folded:
            single += members
        else:
            own = tuple(finding for finding in members if not finding.folded)
            grouped.append(Group(cause, own, tuple(finding for finding in members if finding.folded)))
    grouped.sort(key=lambda group: (group.third_party, -len(group.findings) - len(group.consequences), group.cause))
    return grouped, sorted(single, key=lambda finding: finding.sort_key)


def text(outcome: Outcome) -> str:
    """Root causes with their findings, then the other findings, then the summary line."""
    grouped, single = groups(outcome.findings)
    lines: list[str] = []
    for group in grouped:
        lines.append(f"CAUSE {group.headline}")
        shown = group.findings[:_SHOWN] if group.third_party else group.findings
        lines += [f"  {report.line(finding)}" for finding in shown]
        if len(shown) < len(group.findings):
            lines.append(f"  and {len(group.findings) - len(shown)} more (--format json lists all)")
        lines += [f"  -> {report.line(finding)}" for finding in group.consequences]
        lines.append("")
    lines += [report.line(finding) for finding in single]
    return "".join(f"{line}\n" for line in [*lines, report.closing(outcome)])


def markdown(outcome: Outcome) -> str:
    """The same report for an issue or a pull request."""
    grouped, single = groups(outcome.findings)
    lines = ["# preflight", "", report.closing(outcome) + ".", ""]
    for group in grouped:
        lines += [f"## {group.headline}", ""]
        lines += [_item(finding) for finding in group.findings]
        lines += [f"{_item(finding)} (consequence)" for finding in group.consequences]
        lines.append("")
    if single:
        lines += ["## Other findings", "", *(_item(finding) for finding in single), ""]
    return "\n".join(lines)


def _item(finding: Finding) -> str:
    return f"- `{finding.path}:{finding.line}:{finding.column}` **{finding.code}** {finding.message}"


def html(outcome: Outcome) -> str:
    """The same report as one HTML page without outside parts."""
    grouped, single = groups(outcome.findings)
    body = [f"<h1>preflight</h1><p>{escape(report.closing(outcome))}</p>"]
    for group in grouped:
        body.append(f"<h2>{escape(group.headline)}</h2>{_table([*group.findings, *group.consequences])}")
    if single:
        body.append(f"<h2>Other findings</h2>{_table(single)}")
    style = "body{font:15px sans-serif;margin:2em}td{padding:.2em .8em;vertical-align:top}.error{color:#a00}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>preflight</title><style>{style}</style>'
        f"</head><body>{''.join(body)}</body></html>\n"
    )


def _table(findings: list[Finding]) -> str:
    rows = [
        f'<tr class="{finding.severity}"><td>{escape(finding.path)}:{finding.line}:{finding.column}</td>'
        f"<td>{finding.code}</td><td>{escape(finding.message)}</td></tr>"
        for finding in findings
    ]
    return f"<table>{''.join(rows)}</table>"


_CURES = (
    ("is not declared", "missing from the dependency lists", "uv add {0}"),
    ("is not installed", "the environment, not the code", "uv pip install -e ."),
    ("is damaged", "the environment, not the code", "uv pip install --reinstall {0}"),
    ("is optional", "imported too early", "preflight explain IMP006"),
    ("is missing", "a module was moved or deleted", "preflight fix --diff"),
    ("lacks names", "names were moved or deleted", "preflight fix --diff"),
    ("does not parse", "a broken file", "python -m py_compile {0}"),
)


def statistics(outcome: Outcome) -> str:
    """One line a cause: count, cause, verdict, and the command that cures it."""
    grouped, single = groups(outcome.findings)
    rows = [(len(g.findings) + len(g.consequences), g.cause) for g in grouped]
    rows += [(1, finding.cause) for finding in single if finding.cause]
    rows.sort(key=lambda row: (-row[0], row[1]))
    lines = [f"{count:6d}  {cause}  ({verdict}; {cure})" for count, cause in rows for verdict, cure in [_cure(cause)]]
    others: dict[str, int] = {}
    for finding in single:
        if not finding.cause:
            others[finding.code] = others.get(finding.code, 0) + 1
    lines += [f"{count:6d}  {code}  (preflight explain {code})" for code, count in sorted(others.items())]
    return "".join(f"{line}\n" for line in [*lines, report.closing(outcome)])


def _cure(cause: str) -> tuple[str, str]:
    subject = cause.removeprefix("package ").removeprefix("module ").partition(" ")[0]
    for mark, verdict, cure in _CURES:
        if mark in cause:
            return verdict, cure.format(subject)
    return "see the findings", "preflight check"
