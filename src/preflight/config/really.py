"""`preflight compose`: compose everything with the project's own Hydra, in a child process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from preflight.analysis.audit import Audit
from preflight.api import UseError
from preflight.config.tree import Entry

_LIMIT_SECONDS = 540


Choices = tuple[tuple[str, str], ...]


class Result(NamedTuple):
    """One composition: the config, its overrides, and what went wrong ("" when nothing did)."""

    root: str
    name: str
    overrides: tuple[str, ...]
    problem: str


def interpreter(audit: Audit) -> str:
    """The interpreter of the chosen environment, else the one that runs this."""
    environment = audit.project.environment
    if environment is not None:
        for folder in environment.folders:
            for above in folder.parents:
                for name in ("bin/python", "Scripts/python.exe"):
                    if (above / name).exists():
                        return str(above / name)
    return sys.executable


def compose_all(audit: Audit) -> list[Result]:
    """Every entry point, with each option of each group, composed and resolved by Hydra; nothing is instantiated.

    An option that is only whole together with others (a recognizer's model with a recognizer's data) passes when one of
    the experiments makes it whole.
    """
    interpreter(audit)  # a wrong --python is refused even where there is nothing to compose
    asked = [(c.entry, c.choices) for c in audit.compositions.all if c.entry.source]
    results = _results(audit, asked)
    wide = _experiments(audit)
    again = [
        (entry, (*experiment, *choices))
        for (entry, choices), result in zip(asked, results, strict=True)
        if result.problem and choices
        for experiment in wide.get(entry, ())
        if experiment != choices
    ]
    better = {(r.root, r.name, r.overrides[1:]) for r in _results(audit, again) if not r.problem}
    return [r._replace(problem="") if (r.root, r.name, r.overrides) in better else r for r in results]


def _experiments(audit: Audit) -> dict[Entry, list[Choices]]:
    """Options that choose options of several groups: a single option may need one of them to be whole."""
    found: dict[Entry, list[Choices]] = {}
    for composition in audit.compositions.all:
        for group, option in composition.choices:
            path = audit.compositions.trees.option(composition.entry.root, f"{group}/{option}")
            if path and any(default.override for default in audit.compositions.composer.defaults(path)):
                found.setdefault(composition.entry, []).append(composition.choices)
    return found


def _results(audit: Audit, asked: list[tuple[Entry, Choices]]) -> list[Result]:
    jobs: list[dict[str, Any]] = []
    for entry, choices in asked:
        folder = str((audit.project.root / entry.root).resolve())
        overrides = [f"{group}={option}" for group, option in choices]
        jobs.append({"folder": folder, "name": entry.name, "overrides": overrides})
    if not jobs:
        return []
    answers = _run(interpreter(audit), {"compositions": jobs, "resolvers": _resolvers(audit)})
    if answers and "unavailable" in answers[0]:
        why = answers[0]["unavailable"]
        raise UseError(f"Hydra cannot be imported there ({why}); give --python or install hydra-core")
    return [
        Result(entry.root, entry.name, tuple(job["overrides"]), _short(answer.get("problem")))
        for (entry, _), job, answer in zip(asked, jobs, answers, strict=True)
    ]


def _resolvers(audit: Audit) -> list[str]:
    """Names of resolvers that the repository registers or uses, to be stood in for."""
    names = set()
    for composition in audit.compositions.all:
        names |= {reference.resolver for reference in audit.compositions.references(composition.composed.root)}
        hydra = composition.composed.root.children.get("hydra")
        if hydra is not None:
            names |= {reference.resolver for reference in audit.compositions.references(hydra)}
    return sorted(name for name in names if name and not name.startswith(("oc.", "hydra")) and name not in _OF_HYDRA)


_OF_HYDRA = ("now", "python_version", "env")


def _run(python: str, job: dict[str, Any]) -> list[dict[str, Any]]:
    script = Path(__file__).with_name("hydra_child.py")
    try:
        done = subprocess.run(
            [python, "-I", str(script)],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            timeout=_LIMIT_SECONDS,
            env={**os.environ, "HYDRA_FULL_ERROR": "0"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UseError(f"{python}: composing did not finish ({error}); give another --python") from error
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not (lines or not job["compositions"]):
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise UseError(f"{python}: composing failed: {last}")
    return lines


def _short(problem: str | None) -> str:
    lines = [line.strip() for line in (problem or "").splitlines() if line.strip()]
    return " ".join(lines)[:300]
