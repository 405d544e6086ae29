"""The rules that preflight runs: one line for each."""

from findings.rule import Rule
from preflight.analysis.audit import Audit
from preflight.rules import (
    hyd001,
    hyd002,
    hyd003,
    hyd004,
    imp001,
    imp002,
    imp003,
    imp004,
    imp005,
    imp006,
    imp007,
    imp008,
    imp009,
    imp010,
    imp011,
    pat001,
    src001,
)

RULES: tuple[Rule[Audit], ...] = (
    imp001.RULE,
    imp002.RULE,
    imp003.RULE,
    imp004.RULE,
    imp005.RULE,
    imp006.RULE,
    imp007.RULE,
    imp008.RULE,
    imp009.RULE,
    imp010.RULE,
    imp011.RULE,
    src001.RULE,
    pat001.RULE,
    hyd001.RULE,
    hyd002.RULE,
    hyd003.RULE,
    hyd004.RULE,
)
