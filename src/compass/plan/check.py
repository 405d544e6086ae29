"""What is wrong with a plan before anything is run."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

from compass.plan import graph
from compass.plan.model import Claim, Plan
from findings.finding import Finding, Severity

CODES = {
    "PL001": "a dependency names no step of the plan",
    "PL002": "steps wait for each other",
    "PL003": "two steps have the same id",
    "PL004": "the drawn graph disagrees with the declared dependencies",
    "PL005": "the prose disagrees with the declared dependencies",
    "PL006": "two places give a step different risks",
    "PL007": "two places give a step different names",
    "PL008": "a file to change, remove or check does not exist",
    "PL009": "a step has nothing that a machine can check",
    "PL010": "steps that may run in parallel may touch the same file",
    "PL011": "the parallelizable column disagrees with the dependencies",
}
_Raw = tuple[int, str, Severity, str]


def check(plan: Plan, root: Path, shown: str) -> list[Finding]:
    """All findings, in the order of the lines; `shown` is the plan's path in them, `root` the repository."""
    raw = {
        *_structure(plan),
        *_claims(plan),
        *_repeated(plan),
        *_parallel(plan),
        *_files(plan, root),
    }
    found = [Finding(code, severity, shown, line, 1, message) for line, code, severity, message in raw]
    return sorted(found, key=lambda finding: finding.sort_key)


def fatal(plan: Plan) -> list[tuple[int, str]]:
    """Line and message of what leaves the plan without an order: PL001, PL002, PL003."""
    return [(line, message) for line, _, _, message in _structure(plan)]


def _structure(plan: Plan) -> Iterator[_Raw]:
    seen: dict[str, int] = {}
    for step in plan.steps:
        if step.step_id in seen:
            yield step.line, "PL003", "error", f"step {step.step_id} is also on line {seen[step.step_id]}"
        seen.setdefault(step.step_id, step.line)
    for step in plan.steps:
        for other in step.depends_on:
            if other not in seen:
                known = ", ".join(seen)
                yield (
                    step.line,
                    "PL001",
                    "error",
                    f"step {step.step_id} depends on {other}, which is no step (steps: {known})",
                )
    for path in graph.cycles(plan):
        yield seen[path[0]], "PL002", "error", f"these steps wait for each other: {' -> '.join(path)}"


def _claims(plan: Plan) -> Iterator[_Raw]:
    declared = {step.step_id: set(step.depends_on) for step in plan.steps}
    said: dict[tuple[str, str], list[Claim]] = {}
    for claim in plan.claims:
        needed, stated = set(claim.after), declared[claim.step_id]
        if claim.exact and needed != stated:
            message = f"the graph draws {claim.step_id} after {_listed(needed)}; declared is {_listed(stated)}"
            yield claim.line, "PL004", "warning", message
        elif not claim.exact and (missing := needed - graph.ancestors(plan, claim.step_id)):
            said.setdefault((claim.step_id, _listed(missing)), []).append(claim)
    for (step_id, missing_ids), claims in said.items():
        lines = sorted({claim.line for claim in claims} - {claims[0].line})
        also = f"; also on line {', '.join(map(str, lines))}" if lines else ""
        message = f"{step_id} is not declared to come after {missing_ids}, but here: {_short(claims[0].quote)!r}{also}"
        yield claims[0].line, "PL005", "warning", message


def _repeated(plan: Plan) -> Iterator[_Raw]:
    for item in plan.repeated:
        step = plan.step(item.step_id)
        if item.field == "risk" and item.value != step.risk:
            message = f"{step.step_id} has the risk {item.value!r} here and {step.risk!r} on line {step.line}"
            yield item.line, "PL006", "warning", message
        if item.field == "name" and item.value != step.name:
            message = f"{step.step_id} is called {item.value!r} here and {step.name!r} on line {step.line}"
            yield item.line, "PL007", "info", message


def _parallel(plan: Plan) -> Iterator[_Raw]:
    for step in plan.steps:
        said = (step.parallelizable or "").lower()
        for other in plan.steps:
            named = other.step_id.lower() in said
            if named and other.step_id not in graph.ancestors(plan, step.step_id):
                message = (
                    f"{step.step_id} is parallelizable {step.parallelizable!r} but does not depend on {other.step_id}"
                )
                yield step.line, "PL011", "warning", message
    for one, other in combinations(plan.steps, 2):
        ordered = one.step_id in graph.ancestors(plan, other.step_id) or other.step_id in graph.ancestors(
            plan, one.step_id
        )
        shared = [] if ordered or one.alone or other.alone else graph.shared_files(one, other)
        if shared:
            message = f"{one.step_id} and {other.step_id} may run in parallel and may both touch {', '.join(shared)}"
            yield one.line, "PL010", "warning", message


def _files(plan: Plan, root: Path) -> Iterator[_Raw]:
    for step in plan.steps:
        for glob in step.paths:
            if not any(root.glob(glob)):
                yield step.line, "PL008", "info", f"{step.step_id}: {glob} does not exist here"
        for validation in step.validations:
            for glob in set(validation.files) - set(step.paths):
                if not any(root.glob(glob)):
                    message = f"{step.step_id}: {glob}, for the validation {validation.name}, does not exist here"
                    yield step.line, "PL008", "info", message
        if all(validation.kind == "manual" for validation in step.validations):
            yield step.line, "PL009", "warning", f"{step.step_id} has no validation that can be run"


def _listed(ids: set[str]) -> str:
    return ", ".join(sorted(ids)) or "nothing"


def _short(text: str) -> str:
    return text if len(text) <= 70 else text[:67] + "..."
