"""The judgement of scripts, and the documented names under scripts/audit/."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from preflight.cli import scripts as command
from preflight.scripts.history import git
from preflight.wrappers import (
    dependency_check,
    fixing,
    hydra_target_linter,
    import_categories,
    master_audit,
    scripts_directory,
)

ROOT = Path(__file__).parents[2]
FILES = {
    "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["requests"]\n',
    "Makefile": "run:\n\tbash scripts/used.sh\n",
    "README.md": "`python -m scripts.tools.module_used`\n",
    "shop/__init__.py": "",
    "shop/core.py": "def go(): ...\n",
    "shop/model.py": "from shop.gone import x\n",
    "scripts/README.md": "| `tools/` | tools |\n",
    "scripts/used.sh": "#!/bin/sh\nif true; then\n  echo\nfi\n",
    "scripts/tools/module_used.py": "import helper_of_scripts\n",
    "scripts/tools/helper_of_scripts.py": "x = 1\n",
    "scripts/broken_and_unused.py": "from shop.gone import x\nprint(x)\n",
    "scripts/lonely.py": "if __name__ == '__main__':\n    pass\n",
    "scripts/broken_but_used.py": "from shop.gone import y\n",
    "scripts/does_not_parse.py": "def\n",
    ".github/workflows/ci.yml": "jobs: {a: {steps: [{run: python scripts/broken_but_used.py}]}}\n",
    "conf/a.yaml": "_target_: shop.core.go\n",
}


@pytest.fixture
def shop(repository, monkeypatch) -> Path:
    root = repository(FILES)
    for words in (
        ["init", "-q", "."],
        ["add", "."],
        ["-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *words], cwd=root, check=True)
    monkeypatch.chdir(root)
    return root


def test_scripts_are_judged_by_evidence(shop: Path) -> None:
    data = json.loads(command.listing(shop, json=True))
    labels = {entry["file"]: label for label, entries in data["categorization"].items() for entry in entries}
    assert labels == {
        "scripts/broken_and_unused.py": "archive",
        "scripts/broken_but_used.py": "refactor",
        "scripts/does_not_parse.py": "archive",
        "scripts/lonely.py": "review",
        "scripts/tools/helper_of_scripts.py": "keep",
        "scripts/tools/module_used.py": "keep",
        "scripts/used.sh": "keep",
    }
    assert data["total_scripts"] == 7
    assert data["folders"]["scripts/tools"] == {"count": 2, "share": 28.6, "keep": 2}
    text = command.listing(shop, json=False)
    assert "- `scripts/broken_and_unused.py`: 1 broken import; nothing refers to it; no entry point" in text
    assert text.endswith("## Not named in scripts/README.md\n\n" + "".join(f"- `scripts/{n}`\n" for n in _UNNAMED))


_UNNAMED = ("broken_and_unused.py", "broken_but_used.py", "does_not_parse.py", "lonely.py", "used.sh")


def test_archive_moves_with_history_and_refuses_what_is_used(shop: Path) -> None:
    text, code = command.archive(shop, (), dry_run=True)
    assert code == 0
    assert "would move scripts/broken_and_unused.py -> archive/scripts/broken_and_unused.py" in text
    assert (shop / "scripts/broken_and_unused.py").exists()
    text, code = command.archive(shop, ("scripts/used.sh", "scripts/lonely.py"), dry_run=False)
    assert code == 1
    assert "scripts/used.sh: stays, Makefile refer to it" in text
    assert (shop / "archive/scripts/lonely.py").exists()
    assert "R  scripts/lonely.py -> archive/scripts/lonely.py" in str(git(shop, "status", "--short"))


def call(monkeypatch, capsys, main, *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["script.py", *arguments])
    code = main()
    return code, capsys.readouterr().out


def test_master_audit_prints_its_headlines_also_for_zero(shop: Path, monkeypatch, capsys) -> None:
    code, text = call(monkeypatch, capsys, master_audit.main)
    assert code == 1
    assert text.startswith(
        "AUDIT REPORT | Scanned 9 .py files, 2 .yaml files\n\nBROKEN IMPORTS (3)\n[File] scripts/broken_and"
    )
    assert "\nBROKEN HYDRA TARGETS (0)\n" in text
    assert "\nFILES THAT CANNOT BE READ (1)\n" in text
    assert "\nACCEPTED (0)\n" in text
    assert (shop / "audit_results.txt").read_text() == text
    for name in (
        "shop/model.py",
        "scripts/broken_and_unused.py",
        "scripts/broken_but_used.py",
        "scripts/does_not_parse.py",
    ):
        (shop / name).unlink()
    code, text = call(monkeypatch, capsys, master_audit.main)
    assert (code, "BROKEN IMPORTS (0)\n" in text) == (0, True)


def test_master_audit_counts_causes_not_consequences(shop: Path, monkeypatch, capsys) -> None:
    (shop / "conf/a.yaml").write_text("_target_: shop.model.Model\n")
    (shop / "shop/model.py").write_text("from shop.gone import x\nclass Model: ...\n")
    _, text = call(monkeypatch, capsys, master_audit.main)
    assert "BROKEN HYDRA TARGETS (0)\n" in text
    assert "CONSEQUENCES (1): they go away with the causes above\n  conf/a.yaml:1 shop.model.Model\n" in text


def test_the_linter_says_so_when_all_is_well(shop: Path, monkeypatch, capsys) -> None:
    assert call(monkeypatch, capsys, hydra_target_linter.main) == (
        0,
        "All Hydra targets use full module paths (FQN)\n1 targets checked\n",
    )
    (shop / "shop/__init__.py").write_text("from shop.core import go\n")
    (shop / "conf/a.yaml").write_text("_target_: shop.go\n")
    code, text = call(monkeypatch, capsys, hydra_target_linter.main)
    assert code == 1
    assert text.startswith("HYDRA TARGETS WITHOUT FULL MODULE PATH (1)\nconf/a.yaml:1:11 HYD003")
    assert call(monkeypatch, capsys, fixing.fix_hydra_targets, "--scan")[0] == 1
    assert "would fix 1 finding in" in call(monkeypatch, capsys, fixing.fix_hydra_targets, "--dry-run")[1]
    assert call(monkeypatch, capsys, fixing.fix_hydra_targets)[0] == 0
    assert (shop / "conf/a.yaml").read_text() == "_target_: shop.core.go\n"
    assert call(monkeypatch, capsys, fixing.auto_align_hydra, "--dry-run")[1].startswith("would fix 0 findings")


def test_hopeless_scripts_are_commented_out_and_library_code_is_not(shop: Path, monkeypatch, capsys) -> None:
    _, text = call(monkeypatch, capsys, fixing.comment_out_broken_scripts, "--dry-run")
    assert "would fix 2 findings in 2 files" in text
    call(monkeypatch, capsys, fixing.comment_out_broken_scripts)
    assert (shop / "scripts/broken_and_unused.py").read_text().count("\n# ") == 2
    assert (shop / "shop/model.py").read_text() == FILES["shop/model.py"]
    assert "would fix 0 findings" in call(monkeypatch, capsys, fixing.batch_fix_imports, "--dry-run")[1]


def test_categories_have_the_documented_shapes(shop: Path, monkeypatch, capsys) -> None:
    (shop / "shop/other.py").write_text("import tiktoken\nimport torch\nimport ui.x\nimport something\n")
    assert call(monkeypatch, capsys, import_categories.analyze)[0] == 1
    data = json.loads((shop / "broken_imports_analysis.json").read_text())
    assert data["total"] == 7
    assert data["categories"]["internal_ocr"] == 3
    assert {data["categories"][name] for name in ("torch_missing", "tiktoken_optional", "ui_modules", "other")} == {1}
    assert set(data["details"]["internal_ocr"][0]) == {"file", "line", "module", "symbols", "error"}
    assert call(monkeypatch, capsys, import_categories.categorize)[0] == 0
    data = json.loads((shop / "internal_import_categorization.json").read_text())
    assert data["summary"] == {"total_internal": 3, "core_to_fix": 1, "scripts_deferred": 2}
    assert list(data["script_candidates"]) == ["."]
    assert call(monkeypatch, capsys, scripts_directory.main)[1].startswith("SCRIPTS (7)\n")
    data = json.loads((shop / "scripts_categorization.json").read_text())
    assert {"audit_date", "total_scripts", "categorization"} <= set(data)
    assert {"file", "complexity", "size_bytes"} <= set(data["categorization"]["keep"][0])


def test_dependency_check_prints_a_table(shop: Path, monkeypatch, capsys) -> None:
    code, text = call(monkeypatch, capsys, dependency_check.main)
    assert code in (0, 1)
    assert text.splitlines()[0].split()[0] == "requests"
    assert "available in" in text.splitlines()[-1]


def test_wrong_use_of_a_script_is_one_line(shop: Path, monkeypatch, capsys) -> None:
    (shop / "preflight.toml").write_text("rots = 1\n")
    code, _ = call(monkeypatch, capsys, master_audit.main, "--root", str(shop))
    assert code == 2


@pytest.mark.parametrize("path", sorted((ROOT / "scripts/audit").glob("*.py")), ids=lambda path: path.stem)
def test_every_wrapper_starts(path: Path) -> None:
    done = subprocess.run([sys.executable, str(path), "--help"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    assert "usage:" in done.stdout
