"""`preflight env` and `preflight compose`."""

import json as jsonlib
from pathlib import Path

from findings.counted import counted
from preflight import api
from preflight import env as checks
from preflight.config import really


def env(root: Path | None, python: str, *, json: bool, static: bool) -> tuple[str, int]:
    """The checks as text or JSON, and 1 when one failed."""
    top, _ = api.locate([], root)
    audit = api.open_audit(api.Request(top, python=python))
    found = checks.examine(audit, run=not static)
    audit.project.cache.save()
    failed = sum(check.state == "fail" for check in found)
    if json:
        listed = [{"state": check.state, "name": check.name, "detail": check.detail} for check in found]
        data = {"schema_version": 1, "tool": "preflight", "checks": listed, "failed": failed}
        return jsonlib.dumps(data, indent=2, ensure_ascii=False) + "\n", 1 if failed else 0
    lines = [f"{check.state:5} {check.name}: {check.detail}" for check in found]
    return "".join(
        f"{line}\n" for line in [*lines, f"{counted(len(found), 'check')}, {failed} failed"]
    ), 1 if failed else 0


def compose(root: Path | None, python: str, *, json: bool) -> tuple[str, int]:
    """Every composition by the real Hydra, and 1 when one failed."""
    top, _ = api.locate([], root)
    audit = api.open_audit(api.Request(top, python=python))
    results = really.compose_all(audit)
    audit.project.cache.save()
    bad = [result for result in results if result.problem]
    if json:
        listed = [
            {"root": r.root, "name": r.name, "overrides": list(r.overrides), "problem": r.problem or None}
            for r in results
        ]
        data = {"schema_version": 1, "tool": "preflight", "compositions": listed, "failed": len(bad)}
        return jsonlib.dumps(data, indent=2, ensure_ascii=False) + "\n", 1 if bad else 0
    lines = [f"{r.root}/{r.name} {' '.join(r.overrides)}: {r.problem}" for r in bad]
    lines.append(f"{counted(len(results), 'composition')}, {len(bad)} failed")
    return "".join(f"{line}\n" for line in lines), 1 if bad else 0
