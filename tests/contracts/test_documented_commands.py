"""Every documented command works as written, in a fresh clone, and leaves `git status` clean."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# The commands of the design, section 6, in order; `pulse-sync` needs the artifact that the line before it makes.
COMMANDS = [
    """python -c "import ocr, os; assert ocr.__file__.startswith(os.getcwd())" """,
    "python runners/train.py experiment=det_resnet50_v1 +trainer.fast_dev_run=True",
    "python runners/train.py experiment=rec_baseline_v1 +trainer.fast_dev_run=True",
    "python scripts/audit/master_audit.py",
    "python scripts/audit/hydra_target_linter.py",
    "python scripts/audit/batch_fix_imports.py --dry-run",
    "python scripts/audit/batch_fix_imports.py",
    "python scripts/audit/comment_out_broken_scripts.py --dry-run",
    "python scripts/audit/comment_out_broken_scripts.py",
    "python scripts/audit/audit_scripts_directory.py",
    "bash scripts/preflight.sh",
    "python scripts/audit/fix_hydra_targets.py",
    "python scripts/audit/auto_align_hydra.py",
    "python scripts/audit/analyze_broken_imports_adt.py",
    "python scripts/audit/categorize_internal_ocr_imports.py",
    "python scripts/audit/dependency_check.py",
    "compass pulse-init --id audit-2026-01-29 --obj 'Every documented command works as written' --milestone commands",
    "compass pulse-status",
    "compass pulse-checkpoint --token-burden medium",
    "sh -c 'echo done > project_compass/pulse_staging/artifacts/notes.md'",
    "compass pulse-sync --path notes.md --type research",
    "compass pulse-export",
    "aqms validate --all",
]


def test_the_list_is_the_design_s() -> None:
    """Each command line of the design's section 6 is run below."""
    section = (ROOT / "docs/design.md").read_text().split("## 6.")[1].split("## 7.")[0]
    block = section.split("```")[1]
    named = set(re.findall(r"(?:runners|scripts)/[\w/]+\.(?:py|sh)|pulse-\w+|aqms validate --all", block))
    braces = re.search(r"scripts/audit/\{([^}]+)\}\.py", block)
    named |= {f"scripts/audit/{name}.py" for name in (braces[1].split(",") if braces else [])}
    assert len(named) > 15
    assert not [name for name in named if not any(name in command for command in COMMANDS)]


def site_packages(python: Path) -> Path:
    """Where an interpreter's environment has its packages."""
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip())


@pytest.mark.slow
def test_a_fresh_clone_runs_every_documented_command(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("VIRTUAL_ENV", "COV", "COVERAGE", "PYTEST"))
    }
    uv = shutil.which("uv") or str(ROOT / ".venv/bin/uv")
    # What `make setup` fetched for this tree serves the clone as well: it takes minutes, and the gate has just done it.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(clone / ".venv")], check=True)
    python = clone / ".venv/bin/python"
    for entry in site_packages(Path(sys.executable)).iterdir():
        if "receipt_ocr" not in entry.name:
            (site_packages(python) / entry.name).symlink_to(entry)
    install = [uv, "pip", "install", "-q", "--python", str(python), "--no-deps", "-e", "."]
    subprocess.run(install, cwd=clone, env=environment, check=True)
    for command in COMMANDS:
        done = subprocess.run(
            f"{uv} run {command}", shell=True, cwd=clone, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        if "train.py" in command:
            assert "Training complete!" in done.stdout
    status = subprocess.run(["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True)
    assert status.stdout == ""
