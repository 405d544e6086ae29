"""Each rule on its own tree of files, against the whole expected report (`expected.txt`).

To accept a changed report: PREFLIGHT_ACCEPT=1 pytest tests/preflight/test_cases.py, then read the diff.
"""

import os
from pathlib import Path

import pytest

from findings import rule as rules
from findings.selection import Selection
from preflight import api, report
from preflight.rules.table import RULES

CASES = Path(__file__).parent.parent / "cases"
NEEDS_ENVIRONMENT = {"IMP004", "IMP005"}  # shown in test_environment.py: they need an installed environment


@pytest.mark.parametrize("code", [rule.code for rule in RULES if rule.code not in NEEDS_ENVIRONMENT])
def test_report_of_the_rule_is_as_expected(code: str) -> None:
    folder = CASES / code.lower()
    outcome = api.run(api.Request(folder / "tree", selection=Selection(select=(code,)), use_cache=False))
    text = report.text(outcome)
    if os.environ.get("PREFLIGHT_ACCEPT"):
        (folder / "expected.txt").write_text(text, encoding="utf-8")
    assert text == (folder / "expected.txt").read_text(encoding="utf-8")
    assert code in {finding.code for finding in outcome.findings}


def test_every_case_belongs_to_a_rule() -> None:
    assert {path.name.upper() for path in CASES.iterdir()} | NEEDS_ENVIRONMENT == {rule.code for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_is_a_page_in_four_parts(rule: rules.Rule[object]) -> None:
    assert tuple(rules.sections(rule.doc)) == rules.SECTIONS
    assert all(rules.sections(rule.doc).values())
    assert 10 < len(rule.summary) < 110
