"""A broken target as a finding: the part that HYD001 and HYD002 share."""

from findings.finding import Finding, Severity, at_least
from preflight.analysis.audit import Audit
from preflight.analysis.severity import in_config
from preflight.analysis.targets import Lead, Target
from preflight.fixers.targets import replaced_target


def finding(audit: Audit, target: Target, lead: Lead, code: str, message: str, severity: Severity = "error") -> Finding:
    """The finding for one broken target, with a hint and a fix where there is a certain one."""
    name = target.text.rpartition(".")[2]
    fix = None
    if lead.moved is not None:
        more = f" (or {lead.moved.others} more)" if lead.moved.others else ""
        message += f"; '{name}' is defined in '{lead.moved.module}'{more}"
        if lead.moved.certain:
            fix = replaced_target(audit, target, f"{lead.moved.module}.{name}")
    elif lead.near:
        message += f"; did you mean '{lead.near}'?"
    own = in_config(target.path)
    least = own if at_least(severity, own) else severity
    return Finding(code, least, target.path, target.line, target.column, message, target.text, lead.cause, fix)
