"""The one door to optional packages: import one, or say in one line how to install or repair it.

python -m ocr.optional        which optional packages are there, missing or damaged
"""

import importlib
import importlib.util
import os
from dataclasses import dataclass
from types import ModuleType
from typing import Literal

from ocr.errors import MissingExtraError

State = Literal["ok", "missing", "damaged"]

# Import name: (distribution, extra of this project that brings it).
PACKAGES: dict[str, tuple[str, str]] = {
    "numpy": ("numpy", "infer"),
    "cv2": ("opencv-python-headless", "infer"),
    "onnxruntime": ("onnxruntime", "infer"),
    "PIL": ("pillow", "infer"),
    "pyclipper": ("pyclipper", "infer"),
    "pypdfium2": ("pypdfium2", "infer"),
    "reportlab": ("reportlab", "infer"),
    "shapely": ("shapely", "infer"),
    "lmdb": ("lmdb", "infer"),
    "torch": ("torch", "train"),
    "torchvision": ("torchvision", "train"),
    "timm": ("timm", "train"),
    "lightning": ("lightning", "train"),
    "hydra": ("hydra-core", "train"),
    "tensorboard": ("tensorboard", "train"),
    "onnx": ("onnx", "train"),
    "onnxscript": ("onnxscript", "train"),
    "onnx2torch": ("onnx2torch", "train"),
    "fastapi": ("fastapi", "serve"),
    "uvicorn": ("uvicorn", "serve"),
    "prometheus_client": ("prometheus-client", "serve"),
    "python_multipart": ("python-multipart", "serve"),
    "streamlit": ("streamlit", "ui"),
    "ray": ("ray", "batch"),
    "fsspec": ("fsspec", "batch"),
    "pyarrow": ("pyarrow", "batch"),
    "psycopg": ("psycopg", "postgres"),
    "mlflow": ("mlflow-skinny", "tracking"),
    "wandb": ("wandb", "tracking"),
    "matplotlib": ("matplotlib", "plot"),
    "mcp": ("mcp", "mcp"),
    "pygls": ("pygls", "lsp"),
}


# Environment that a package finds at its import, unless the user set another. ONNX Runtime 1.32 reports models
# and machine to Microsoft, and keeps an identifier and a database of events in the user's cache folder.
_ENVIRONMENT = {"onnxruntime": {"ORT_DISABLE_TELEMETRY": "1"}}


@dataclass(frozen=True)
class PackageStatus:
    """One optional package: whether it is there, its version, and the line that cures it."""

    module: str
    extra: str
    state: State
    version: str | None
    remedy: str | None


def safe_import(module: str, *, extra: str | None = None) -> ModuleType:
    """Import ``module``; raises MissingExtraError with the install line when it is absent or damaged.

    A package that is there and fails while it is imported, or lacks a part of its own, counts as damaged: reinstalling
    it is the cure, and editing the code that imports it is not.
    """
    top = module.partition(".")[0]
    distribution, known = PACKAGES.get(top, (top, extra or ""))
    install = f"uv pip install 'receipt-ocr[{extra or known}]'" if extra or known else f"uv pip install {distribution}"
    if importlib.util.find_spec(top) is None:
        raise MissingExtraError(f"{top} is not installed; install it with: {install}")
    repair = f"repair it with: uv pip install --reinstall {distribution}"
    for name, value in _ENVIRONMENT.get(top, {}).items():
        os.environ.setdefault(name, value)
    try:
        return importlib.import_module(module)
    except (ImportError, AttributeError, OSError) as error:
        # AttributeError and OSError: what half-written packages raise (no submodule, no shared library).
        raise MissingExtraError(f"{module} is installed but damaged ({error}); {repair}") from error


def status(modules: list[str] | None = None) -> list[PackageStatus]:
    """Return the state of every optional package, in the order of the table; importing each is the only sure test."""
    from importlib import metadata  # slow to import, and of no use to reading a page

    rows = []
    for module in modules or list(PACKAGES):
        distribution, extra = PACKAGES.get(module, (module, ""))
        try:
            version: str | None = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            version = None
        try:
            safe_import(module)
            rows.append(PackageStatus(module, extra, "ok", version, None))
        except MissingExtraError as error:
            state: State = "missing" if importlib.util.find_spec(module) is None else "damaged"
            rows.append(PackageStatus(module, extra, state, version, str(error).rpartition("; ")[2]))
    return rows


def main() -> int:
    """Print a line per optional package and return 1 when one is damaged."""
    rows = status()
    for row in rows:
        print(f"{row.module:18} {row.extra:9} {row.state:8} {row.version or '-':12} {row.remedy or ''}".rstrip())
    print(f"{sum(row.state == 'ok' for row in rows)}/{len(rows)} available")
    return int(any(row.state == "damaged" for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
