"""The one door to checkpoint files: tensors and plain values only, nothing in them is ever executed."""

import pickle  # noqa: TID251 - only to name the error that torch raises for a file it refuses
from pathlib import Path
from typing import Any

import torch

from ocr.errors import CheckpointError


def load(path: Path, map_location: Any = "cpu") -> dict[str, Any]:
    """Read a checkpoint; CheckpointError for a file that is missing, truncated, no checkpoint, or that holds code."""
    try:
        found = torch.load(path, map_location=map_location, weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: no such checkpoint") from error
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path}: holds more than tensors and plain values, or is damaged, and is not loaded; "
            "save it again with this version"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path}: damaged or no checkpoint ({reason}); use another one") from error
    if not isinstance(found, dict) or not isinstance(found.get("state_dict"), dict):
        raise CheckpointError(f"{path}: holds no state_dict; it is not a checkpoint of this package")
    return found
