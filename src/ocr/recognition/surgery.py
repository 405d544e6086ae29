"""Charset surgery: start a recognizer from one that writes other characters.

Rows of the head and of the token embedding belong to characters. Those of shared characters, and of the special tokens,
move to their new places; new characters keep the rows they were initialised with.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from ocr.errors import CheckpointError
from ocr.text.charset import Charset

# Networks keep to these names: a row per class, special tokens before and after the characters.
ROWS_PER_CLASS = ("head.weight", "head.bias", "embedding.weight")


@dataclass(frozen=True)
class SurgeryReport:
    """Characters whose weights were kept, that are new, and that were dropped."""

    kept: tuple[str, ...]
    new: tuple[str, ...]
    dropped: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"charset: {len(self.kept)} characters keep their weights; {len(self.new)} are new{_some(self.new)}; "
            f"{len(self.dropped)} are dropped{_some(self.dropped)}"
        )


def _some(characters: tuple[str, ...], most: int = 20) -> str:
    shown = "".join(characters[:most]) + ("..." if len(characters) > most else "")
    return f" ({shown})" if characters else ""


def carry_over(
    weights: Mapping[str, Tensor], own: Mapping[str, Tensor], *, source: Charset, target: Charset
) -> tuple[dict[str, Tensor], SurgeryReport]:
    """Return a state to load, made of ``weights`` over ``source`` and of ``own`` state over ``target``, and the report.

    Raises CheckpointError, naming the tensors, when the two differ in more than their charsets.
    """
    state = {name: value.clone() for name, value in own.items()}
    rows = {target.index(c) + 1: source.index(c) + 1 for c in target.characters if c in source}
    problems = [f"{name} is missing" for name in own if name not in weights]
    problems += [f"{name} is not part of the model" for name in weights if name not in own]
    for name, ours in state.items():
        if name not in weights:
            continue
        theirs = weights[name]
        if not name.endswith(ROWS_PER_CLASS):
            if ours.shape == theirs.shape:
                ours.copy_(theirs)
            else:
                problems.append(f"{name} has shape {tuple(theirs.shape)}, the model {tuple(ours.shape)}")
            continue
        special = len(ours) - len(target)
        if special < 1 or len(theirs) - len(source) != special or ours.shape[1:] != theirs.shape[1:]:
            problems.append(f"{name} has shape {tuple(theirs.shape)}, which does not fit {len(source)} characters")
            continue
        # Class 0 comes before the characters, the other special tokens after them.
        places = {0: 0} | rows | {len(target) + i: len(source) + i for i in range(1, special)}
        ours[list(places)] = theirs[list(places.values())].to(ours)
    if problems:
        raise CheckpointError(f"the start is of another architecture: {'; '.join(problems[:3])}")
    kept = tuple(c for c in target.characters if c in source)
    new = tuple(c for c in target.characters if c not in source)
    return state, SurgeryReport(kept, new, tuple(c for c in source.characters if c not in target))
