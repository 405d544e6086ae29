"""analyze_broken_imports_adt.py and categorize_internal_ocr_imports.py: broken imports by kind, as JSON files."""

import sys
from pathlib import PurePosixPath
from typing import Any

from durable import replace
from findings.finding import Finding
from preflight.analysis.audit import Audit
from preflight.wrappers import harness

ANALYSIS = "broken_imports_analysis.json"
CATEGORIES = "internal_import_categorization.json"
_NAMES = (
    "torch_missing",
    "lightning_missing",
    "hydra_missing",
    "tiktoken_optional",
    "ui_modules",
    "internal_ocr",
    "other",
)
_PACKAGES = {
    "torch": "torch_missing",
    "torchvision": "torch_missing",
    "lightning": "lightning_missing",
    "pytorch_lightning": "lightning_missing",
    "hydra": "hydra_missing",
    "omegaconf": "hydra_missing",
    "tiktoken": "tiktoken_optional",
    "ui": "ui_modules",
}
_CORE = {
    "validation": "validation_module",
    "interfaces": "base_interfaces",
    "lightning": "lightning_utils",
    "registry": "registry",
    "models": "model_components",
    "nn": "model_components",
    "metrics": "metrics_evaluation",
    "evaluation": "metrics_evaluation",
}


def analyze() -> int:
    """Write broken_imports_analysis.json; 1 when an import is broken."""
    options = harness.arguments(f"Sort broken imports into categories and write {ANALYSIS}.")

    def work() -> int:
        request, _, outcome = harness.audited(options.root, "IMP001", "IMP002", "IMP003", "IMP004", "IMP005")
        details: dict[str, list[dict[str, Any]]] = {name: [] for name in _NAMES}
        for finding in _shown(outcome.findings):
            details[_category(finding)].append(_detail(finding))
        total = sum(map(len, details.values()))
        counts = {name: len(items) for name, items in details.items()}
        replace.write_json(request.root / ANALYSIS, {"total": total, "categories": counts, "details": details})
        sys.stdout.write(f"BROKEN IMPORTS ({total})\n")
        sys.stdout.writelines(f"  {name}: {count}\n" for name, count in counts.items())
        sys.stdout.write(f"written: {ANALYSIS}\n")
        return 1 if total else 0

    return harness.guarded(work)


def categorize() -> int:
    """Write internal_import_categorization.json: library code to repair, and scripts that can wait."""
    options = harness.arguments(f"Sort broken internal imports into core and scripts and write {CATEGORIES}.")

    def work() -> int:
        request, audit, outcome = harness.audited(options.root, "IMP001", "IMP002")
        core: dict[str, list[dict[str, Any]]] = {name: [] for name in [*dict.fromkeys(_CORE.values()), "other_core"]}
        scripts: dict[str, list[dict[str, Any]]] = {}
        for finding in _shown(outcome.findings):
            folder = _script_folder(audit, finding.path)
            if folder is None:
                core[_core_group(finding.symbol)].append(_detail(finding))
            else:
                scripts.setdefault(folder, []).append(_detail(finding))
        to_fix, deferred = sum(map(len, core.values())), sum(map(len, scripts.values()))
        summary = {"total_internal": to_fix + deferred, "core_to_fix": to_fix, "scripts_deferred": deferred}
        data = {"summary": summary, "core_fixes": core, "script_candidates": scripts}
        replace.write_json(request.root / CATEGORIES, data)
        sys.stdout.write(
            f"INTERNAL IMPORTS ({to_fix + deferred}): core {to_fix}, scripts {deferred}\nwritten: {CATEGORIES}\n"
        )
        return 0

    return harness.guarded(work)


def _shown(findings: tuple[Finding, ...]) -> list[Finding]:
    return [finding for finding in findings if finding.severity != "info" and not finding.folded]


def _category(finding: Finding) -> str:
    if finding.code in ("IMP001", "IMP002"):
        return "internal_ocr"
    return _PACKAGES.get(finding.symbol.partition(".")[0], "other")


def _detail(finding: Finding) -> dict[str, Any]:
    module, _, name = finding.symbol.rpartition(".")
    return {
        "file": finding.path,
        "line": finding.line,
        "module": module or name,
        "symbols": [name] if module else [],
        "error": f"{finding.code} {finding.message}",
    }


def _core_group(symbol: str) -> str:
    return next((_CORE[part] for part in symbol.split(".") if part in _CORE), "other_core")


def _script_folder(audit: Audit, path: str) -> str | None:
    """The folder of a script, relative to the scripts folder that it is in; None for library code."""
    for folder in audit.project.settings.scripts:
        if path.startswith(f"{folder}/"):
            return PurePosixPath(path).parent.relative_to(folder).as_posix()
    return None
