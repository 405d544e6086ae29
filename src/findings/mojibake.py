"""Text that is UTF-8 read in a one-byte encoding and written again: found, named, undone."""

import re
from dataclasses import dataclass

ENCODINGS = ("mac_roman", "cp1252")
NAMES = {"mac_roman": "Mac-Roman", "cp1252": "Windows-1252"}
_RUN = re.compile(r"[^\x00-\x7f]{2,}")


@dataclass(frozen=True)
class Garbled:
    """Where garbled text is: offset in the text, what stands there, what it should be, and the wrong encoding."""

    offset: int
    text: str
    meant: str
    encoding: str


def find(text: str) -> list[Garbled]:
    """Every garbled run of characters; text that means what it says is never reported."""
    found = []
    for run in _RUN.finditer(text):
        for encoding in ENCODINGS:
            meant = _undo(run[0], encoding)
            if meant is not None:
                found.append(Garbled(run.start(), run[0], meant, encoding))
                break
    return found


def repair(text: str) -> str:
    """The text with every garbled run replaced by what it should be."""
    for garbled in reversed(find(text)):
        end = garbled.offset + len(garbled.text)
        text = text[: garbled.offset] + garbled.meant + text[end:]
    return text


def _undo(run: str, encoding: str) -> str | None:
    """What the run was before it was misread; None when it cannot have been UTF-8."""
    try:
        return b"".join(_byte(char, encoding) for char in run).decode("utf-8")
    except UnicodeError:
        return None


def _byte(char: str, encoding: str) -> bytes:
    try:
        return char.encode(encoding)
    except UnicodeEncodeError:
        # Windows-1252 has five holes, which most programs pass through as control characters.
        if encoding == "cp1252" and "\x80" <= char <= "\x9f":
            return char.encode("latin-1")
        raise
