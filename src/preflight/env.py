"""`preflight env`: is the environment the one that the code was written for?

This is the one command that runs code of the project: the modules of its entry points are imported in child processes,
to measure how long that takes.
"""

import json
import os
import re
import subprocess
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from preflight.analysis.audit import Audit
from preflight.config.really import interpreter
from preflight.declared import normalize
from preflight.environment import Distribution, Environment

State = Literal["ok", "note", "fail"]
_LIMIT_SECONDS = 120
_CLAUSE = re.compile(r"(>=|<=|==|!=|~=|>|<)\s*([0-9][\w.*+!-]*)")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    state: State
    name: str
    detail: str


def examine(audit: Audit, *, run: bool = True) -> list[Check]:
    """All checks; with `run` False nothing is executed (no imports, no CUDA, no import times)."""
    environment = audit.project.environment
    if environment is None:
        return [Check("fail", "environment", "none found: make .venv, or give --python")]
    python = interpreter(audit)
    found = [_interpreter(audit, environment), *_installed_copy(audit, environment), *_versions(audit, environment)]
    if run:
        found += [*_critical(audit, environment, python), *_cuda(environment, python), *_import_times(audit, python)]
    return found


def _interpreter(audit: Audit, environment: Environment) -> Check:
    version = _python_version(environment)
    wanted = _table(audit).get("requires-python", "")
    if version and isinstance(wanted, str) and not satisfies(version, wanted):
        return Check(
            "fail", "interpreter", f"Python {version} in {environment.label}, but the project asks for {wanted}"
        )
    return Check(
        "ok", "interpreter", f"Python {version or 'of unknown version'} in {environment.label} ({wanted or 'any'})"
    )


def _table(audit: Audit) -> dict[str, Any]:
    try:
        data = tomllib.loads(audit.project.text("pyproject.toml") or "")
    except tomllib.TOMLDecodeError:
        return {}
    project = data.get("project")
    return project if isinstance(project, dict) else {}


def _python_version(environment: Environment) -> str:
    for folder in environment.folders:
        for above in folder.parents:
            config = above / "pyvenv.cfg"
            if config.is_file():
                found = re.search(
                    r"^version(?:_info)?\s*=\s*([\d.]+)", config.read_text(encoding="utf-8"), re.MULTILINE
                )
                return found[1] if found else ""
        found = re.search(r"python(3\.\d+)", str(folder))
        if found:
            return found[1]
    return ""


def _installed_copy(audit: Audit, environment: Environment) -> list[Check]:
    """An installed copy of the project shadows the tree: edits have no effect."""
    checks = []
    root = audit.project.root.resolve()
    for name in sorted(normalize(own) for own in audit.project.declared.own):
        distribution = environment.distributions.get(name)
        if distribution is None:
            checks.append(Check("note", "editable install", f"{name} is not installed; pip install -e ."))
        elif _is_editable(distribution, root, environment):
            checks.append(Check("ok", "editable install", f"{name} runs from this tree"))
        else:
            text = f"{name} is an installed copy in {distribution.base}: edits here have no effect; pip install -e ."
            checks.append(Check("fail", "editable install", text))
    return checks


def _is_editable(distribution: Distribution, root: Path, environment: Environment) -> bool:
    try:
        data = json.loads((distribution.info / "direct_url.json").read_text(encoding="utf-8"))
        if data.get("dir_info", {}).get("editable"):
            return Path(data["url"].removeprefix("file://")).resolve().is_relative_to(root)
    except (OSError, ValueError, KeyError):
        pass
    return any(path.resolve().is_relative_to(root) for path in environment.editable_paths())


def _versions(audit: Audit, environment: Environment) -> list[Check]:
    """Installed versions against the ranges in pyproject.toml."""
    table = _table(audit)
    lines = [("core", line) for line in table.get("dependencies", []) if isinstance(line, str)]
    for extra, listed in table.get("optional-dependencies", {}).items():
        lines += [(f"extra {extra}", line) for line in listed if isinstance(line, str)]
    checks, good = [], 0
    for group, line in lines:
        found = re.match(r"\s*([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*([^;]*)", line)
        distribution = environment.distributions.get(normalize(found[1])) if found else None
        if found is None or (distribution is None and group != "core"):
            continue
        if distribution is None:
            checks.append(Check("fail", "versions", f"{found[1]} ({group}) is not installed"))
        elif not satisfies(distribution.version, found[2]):
            text = f"{found[1]} {distribution.version} is installed, declared is {found[2].strip()} ({group})"
            checks.append(Check("fail", "versions", text))
        else:
            good += 1
    return [*checks, Check("ok", "versions", f"{good} installed packages fit their declared ranges")]


def satisfies(version: str, wanted: str) -> bool:
    """Whether a version fits comma-separated clauses; what is not plain numbers fits."""
    own = _numbers(version)
    for operator, text in _CLAUSE.findall(wanted):
        star = text.endswith(".*")
        other = _numbers(text.removesuffix(".*"))
        if not own or not other:
            continue
        width = max(len(own), len(other))
        a = own + (0,) * (width - len(own))
        b = other + (0,) * (width - len(other))
        if star:
            a, b = own[: len(other)], other
        fits = {
            ">=": a >= b,
            "<=": a <= b,
            "==": a == b,
            "!=": a != b,
            ">": a > b,
            "<": a < b,
            "~=": a >= b and own[: len(other) - 1] == other[:-1],
        }
        if not fits[operator]:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def _child(python: str, code: str, *options: str) -> tuple[int, str, str]:
    """Exit status, output and errors of a child in an empty folder; status 124 after the time limit."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [python, *options, "-c", code],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=_LIMIT_SECONDS,
                env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
            )
        except subprocess.TimeoutExpired:
            return 124, "", f"took more than {_LIMIT_SECONDS} s"
        except OSError as error:
            return 126, "", str(error)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def _critical(audit: Audit, environment: Environment, python: str) -> list[Check]:
    """Packages of `critical` in the settings, else torch, lightning and hydra where they are installed."""
    names = audit.project.settings.critical or tuple(
        name for name in ("hydra", "omegaconf", "torch", "lightning") if name in environment.names
    )
    checks = []
    for name in names:
        code, _, errors = _child(python, f"import {name}", "-I")
        last = errors.splitlines()[-1] if errors else f"exit code {code}"
        checks.append(Check("fail", "import", f"{name}: {last}") if code else Check("ok", "import", name))
    return checks


def _cuda(environment: Environment, python: str) -> list[Check]:
    if "torch" not in environment.names:
        return [Check("note", "CUDA", "torch is not installed")]
    code, output, _ = _child(python, "import torch; print(torch.cuda.is_available(), torch.cuda.device_count())", "-I")
    visible = code == 0 and output.startswith("True")
    return [Check("ok" if visible else "note", "CUDA", f"{output.split()[-1]} devices" if visible else "not visible")]


def _import_times(audit: Audit, python: str) -> list[Check]:
    """How much processor time the module of each entry point takes to import, against its budget."""
    budgets = dict(audit.project.settings.import_budgets)
    checks = []
    for command, target in sorted(audit.project.declared.scripts.items()):
        module = target.partition(":")[0]
        budget = budgets.get(command, audit.project.settings.import_budget_ms)
        code = f"import time; s = time.process_time(); import {module}; print(round(1000 * (time.process_time() - s)))"
        status, output, errors = _child(python, code)
        if status or not output.isdigit():
            last = errors.splitlines()[-1] if errors else f"exit code {status}"
            checks.append(Check("fail", "entry point", f"{command} ({module}): {last}"))
        else:
            state: State = "ok" if int(output) <= budget else "fail"
            checks.append(Check(state, "entry point", f"{command} imports in {output} ms (budget {budget} ms)"))
    return checks
