"""Which code and which packages a run is made with."""

import subprocess
from importlib import metadata
from pathlib import Path

# The packages whose version changes what a run does; the light ones are left out of the record.
_PACKAGES = (
    "receipt-ocr",
    "torch",
    "torchvision",
    "lightning",
    "timm",
    "hydra-core",
    "omegaconf",
    "numpy",
    "opencv-python-headless",
    "onnxruntime",
    "pillow",
    "pydantic",
)


def git_state(folder: Path) -> tuple[str | None, bool | None]:
    """Revision of the repository around `folder` and whether its tracked files are changed; None outside of one."""
    revision = _git(folder, "rev-parse", "HEAD")
    if revision is None:
        return None, None
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return revision, None if changes is None else bool(changes)


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that decide what a run computes."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
