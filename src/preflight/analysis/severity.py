"""How severe a finding in a config is, by what the file is for."""

from findings.finding import Severity
from preflight.files import context


def in_config(path: str, usual: Severity = "error") -> Severity:
    """The usual severity in configs and code; information in tests (broken on purpose), documents and saved runs."""
    return "info" if context(path) in ("test", "docs", "history") else usual
