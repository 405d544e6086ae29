"""Dotted names and paths in running text: which of them surely mean the thing that is renamed."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

# Not behind part of a path, of a distribution's name, of an address or of an interpolation (`${data.config}`).
_BEFORE = r"(?<![\w./-])(?<!\w@)(?<!\$\{)"
# Not an override (`data.config=small`) and not a file's name (`data.config.yaml`).
_AFTER = r"(?!\w)(?![\w.]*=(?!=))(?!\.(?:ya?ml|json|toml|txt|md|cfg|ini|csv|log|ckpt|pth?)\b)"


class Mention(NamedTuple):
    """Where an old name is written, and what to write there; None where it may mean something else."""

    start: int
    end: int
    new: str | None


@dataclass(frozen=True, slots=True)
class Path:
    """The path of a moved file or folder, below a source root, without `.py`."""

    root: str
    old: str
    new: str
    folder: bool
    sure: Callable[[str], bool]  # of the whole path from the source root


def names(text: str, old: str, new: str, sure: Callable[[str], bool]) -> Iterator[Mention]:
    """All places that write the dotted name `old`; `sure` is asked of each whole name that begins with it."""
    strict = re.compile(_BEFORE + re.escape(old) + _AFTER)
    for found in re.finditer(rf"(?<![\w.]){re.escape(old)}(?!\w)", text):
        whole = re.compile(r"[\w.]*\w").match(text, found.start())
        certain = strict.match(text, found.start()) and whole is not None and sure(whole[0])
        yield Mention(*found.span(), new if certain else None)


def paths(text: str, path: Path) -> Iterator[Mention]:
    """All places that write the path."""
    end = "/" if path.folder else r"\.py\b"
    before = re.compile(rf"(?<![\w./-])(?:\.{{1,2}}/)*(?:{re.escape(path.root)})?\Z")
    for found in re.finditer(rf"(?<!\w){re.escape(path.old)}(?={end})", text):
        whole = re.compile(r"[\w./-]*\w").match(text, found.start())
        plain = before.search(text[max(found.start() - 300, 0) : found.start()])
        certain = plain and whole is not None and path.sure(whole[0])
        yield Mention(*found.span(), path.new if certain else None)


def replaced(text: str, mentions: list[Mention]) -> str:
    """The text with all certain mentions replaced."""
    for start, end, new in sorted(mentions, key=lambda mention: mention.start, reverse=True):
        if new is not None:
            text = text[:start] + new + text[end:]
    return text
