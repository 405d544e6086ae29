"""The one door to checkpoint files: tensors and plain values only, nothing in them is ever executed."""

import pickle  # noqa: TID251 - only to name the error that torch raises for a file it refuses
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ocr.errors import CheckpointError


def load(path: Path, map_location: Any = "cpu") -> dict[str, Any]:
    """Read a checkpoint; CheckpointError for a file that is missing, truncated, no checkpoint, or that holds code."""
    if not path.exists():
        raise CheckpointError(f"{path}: no such checkpoint")
    if not zipfile.is_zipfile(path):  # torch would try an older form, in which random bytes may mean anything
        raise CheckpointError(f"{path}: damaged or no checkpoint (its end is missing, or it is another file)")
    try:
        found = torch.load(path, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path}: holds more than tensors and plain values, or is damaged, and is not loaded; "
            "save it again with this version"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path}: damaged or no checkpoint ({reason}); use another one") from error
    if not isinstance(found, dict) or not isinstance(found.get("state_dict"), dict):
        raise CheckpointError(f"{path}: holds no state_dict; it is not a checkpoint of this package")
    return found


def load_exactly(module: Any, state: dict[str, Any], name: Path) -> None:
    """Load weights that must be exactly the module's; CheckpointError names the first that differ."""
    compare(module.state_dict(), state, name)
    module.load_state_dict(state)


def mean(states: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The mean of several trainings' weights, or of several epochs': often better than each (arXiv 2203.05482).

    Counters, and constants that are infinite, are those of the first.
    """
    result = dict(states[0])
    for count, state in enumerate(states[1:], start=2):
        result = mixed(state, result, 1 / count)
    return result


def mixed(start: dict[str, Any], trained: dict[str, Any], share: float) -> dict[str, Any]:
    """Weights between those a training started from and those it ended with: ``share`` of the start's, 0 to 1.

    What a fine-tuning forgets of the start's wider training comes back, and often both get better (WiSE-FT, arXiv
    2109.01903). Counters, and constants that are infinite, stay as they are.
    """

    def between(ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
        if not theirs.is_floating_point():
            return theirs
        return torch.where(torch.isfinite(theirs), torch.lerp(theirs.float(), ours.float(), share), theirs)

    return {key: between(start[key], value).to(value.dtype) for key, value in trained.items()}


def compare(own: dict[str, Any], state: dict[str, Any], name: Path) -> None:
    """Raise CheckpointError, naming what differs on both sides, unless both have the same tensors and shapes."""
    missing = [f"{key} is missing" for key in own if key not in state]
    strange = [f"{key} is not part of the model" for key in state if key not in own]
    shapes = [
        f"{key} has shape {tuple(state[key].shape)}, the model {tuple(own[key].shape)}"
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    if problems := [*missing, *strange, *shapes]:
        told = [*missing[:2], *strange[:2], *shapes[:2]]
        more = f" and {len(problems) - len(told)} more" if len(problems) > len(told) else ""
        raise CheckpointError(
            f"{name}: of another architecture or charset: {'; '.join(told)}{more}; name the model it was trained with"
        )
