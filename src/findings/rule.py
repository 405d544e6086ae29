"""A rule: a code, a severity, a check, and a page that explains it."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from findings.finding import Finding, Severity

SECTIONS = ("What it does", "Why it is bad", "Example", "Fix safety")

ProjectT = TypeVar("ProjectT")


@dataclass(frozen=True, slots=True)
class Rule(Generic[ProjectT]):
    """One check over a whole project; `doc` is the docstring of the rule's module, in the four parts of `SECTIONS`.

    `severity` is the greatest that its findings have. `default` is False for house rules that a project switches on by
    policy.
    """

    code: str
    name: str
    severity: Severity
    check: Callable[[ProjectT], Iterable[Finding]]
    doc: str
    default: bool = True

    @property
    def summary(self) -> str:
        """First line of the page, without its full stop."""
        return self.doc.strip().splitlines()[0].rstrip(".")


def sections(doc: str) -> dict[str, str]:
    """Split a rule's docstring at its `## Title` lines."""
    parts = re.split(r"^## (.+)$", doc, flags=re.MULTILINE)
    return {title.strip(): body.strip() for title, body in zip(parts[1::2], parts[2::2], strict=True)}


def page(rule: Rule[Any]) -> str:
    """The rule's page in Markdown: what `explain` prints and what the documentation holds."""
    state = "" if rule.default else "; off by default"
    body = "\n".join(rule.doc.strip().splitlines()[1:]).strip()
    return f"# {rule.code} {rule.name}\n\nSeverity: {rule.severity}{state}.\n\n{rule.summary}.\n\n{body}\n"


def find(rules: Sequence[Rule[Any]], code: str) -> Rule[Any] | None:
    """The rule with this code or name, whatever its case; None when there is none."""
    wanted = code.casefold()
    return next((rule for rule in rules if wanted in (rule.code.casefold(), rule.name.casefold())), None)
