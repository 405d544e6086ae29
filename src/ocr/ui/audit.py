"""The auditor's report on a repository: `preflight check --json`, run as a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ocr.errors import InputError

# A whole large repository takes seconds; this ends one that hangs on a file system that does.
SECONDS = 300


def audit(root: Path) -> dict[str, Any]:
    """The report on the repository at ``root``; raises InputError when it is no folder or cannot be audited."""
    if not root.is_dir():
        raise InputError(root, "is no folder", "name the root of a repository")
    command = [sys.executable, "-m", "preflight", "check", "--root", str(root), "--json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        raise InputError(root, f"was not audited within {SECONDS} s", "name a smaller folder") from error
    if done.returncode not in (0, 1):
        said = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no message")
        raise InputError(root, f"`preflight check` failed ({done.returncode}): {said.strip()}", "run it in a terminal")
    report: dict[str, Any] = json.loads(done.stdout)
    return report
