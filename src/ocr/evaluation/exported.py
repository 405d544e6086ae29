"""A bundle for a checkpoint: exported once by `ocr export`, kept in a cache under the checkpoint's SHA-256."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import platformdirs

from durable.lock import lock
from ocr.bundles.bundle import CARD_FILE, Bundle, load_bundle
from ocr.bundles.card import Task
from ocr.errors import CheckpointError

SUFFIX = ".ckpt"
# Longer than an export with its parity gate takes, so that a second asker waits for the first instead of repeating it.
EXPORT_TIMEOUT = 1800.0


def cache_folder() -> Path:
    """Where exported checkpoints are kept; it may be deleted at any time."""
    return Path(platformdirs.user_cache_dir("ocr")) / "exports"


def open_model(name_or_path: str | Path, *, task: Task, cache: Path | None = None) -> Bundle:
    """Open a bundle by name or folder, or a checkpoint by its file, which is exported first.

    The export runs as a process of its own, so that this one never imports torch. Raises BundleError as
    ``load_bundle`` does, and CheckpointError when a checkpoint cannot be exported.
    """
    path = Path(name_or_path)
    if path.suffix != SUFFIX:
        return load_bundle(name_or_path, task=task)
    return load_bundle(export_once(path, cache or cache_folder()), task=task)


def export_once(checkpoint: Path, cache: Path, *, threshold_map: bool = False) -> Path:
    """Folder of the checkpoint's bundle in the cache, made if it is not there yet."""
    try:
        with checkpoint.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{checkpoint}: cannot be read ({error.strerror}); check the path") from error
    name = f"{digest}-maps" if threshold_map else digest
    folder = cache / name
    cache.mkdir(parents=True, exist_ok=True)
    with lock(cache / f"{name}.lock", timeout=EXPORT_TIMEOUT):
        if not (folder / CARD_FILE).is_file():
            _export(checkpoint, folder, ["--threshold-map"] if threshold_map else [])
    return folder


def _export(checkpoint: Path, folder: Path, options: list[str]) -> None:
    """Run `ocr export` into a folder beside, which takes its place when it is whole."""
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=folder.parent) as parts:
        target = Path(parts) / "bundle"
        command = [sys.executable, "-m", "ocr.cli.main", "export", str(checkpoint), "--to", str(target), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no message")
            raise CheckpointError(f"{checkpoint}: `ocr export` failed ({done.returncode}): {said.strip()}")
        shutil.rmtree(folder, ignore_errors=True)
        target.rename(folder)
