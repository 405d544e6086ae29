"""The ordered characters a recognizer can write."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from durable.replace import write_json
from ocr.errors import ConfigError, InputError
from ocr.text.normalize import nfc

PRINTABLE_ASCII = "".join(map(chr, range(0x20, 0x7F)))
SYMBOLS = "€£¥₩°©"
REMEDY = 'give one line of characters, or JSON: ["a", "b"] or {"charset": ["a", "b"]}'


@dataclass(frozen=True)
class Charset:
    """Ordered characters, each one code point in NFC, none twice; raises ConfigError otherwise."""

    characters: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.characters:
            raise ConfigError("charset: it is empty; give at least one character")
        wrong = [c for c in self.characters if not _is_character(c)]
        if wrong:
            raise ConfigError(f"charset: {wrong[0]!r} is not a single NFC character; normalise the charset to NFC")
        if len(self.index_of) != len(self.characters):
            twice = next(c for i, c in enumerate(self.characters) if self.index_of[c] != i)
            raise ConfigError(f"charset: {twice!r} is there twice; keep one of them")

    @classmethod
    def default(cls) -> "Charset":
        """Return printable ASCII (space to tilde) followed by € £ ¥ ₩ ° ©."""
        return cls(tuple(PRINTABLE_ASCII + SYMBOLS))

    @classmethod
    def from_file(cls, path: Path) -> "Charset":
        """Read one line of characters (or one a line), a JSON list, or JSON {"charset": [...]}; raises InputError."""
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(path, f"cannot be read as a charset ({error})", REMEDY) from error
        characters = _from_json(text)
        if characters is None:
            characters = [c for c in text if c not in "\r\n"]
        try:
            return cls(tuple(characters))
        except ConfigError as error:
            raise InputError(path, str(error), REMEDY) from error

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> "Charset":
        """Return the characters that occur in the texts after NFC, sorted by code point."""
        return cls(tuple(sorted({c for text in texts for c in nfc(text)})))

    def save(self, path: Path) -> None:
        """Write {"charset": [...]}, atomically."""
        write_json(path, {"charset": list(self.characters)})

    @cached_property
    def index_of(self) -> dict[str, int]:
        """Position of each character."""
        return {c: i for i, c in enumerate(self.characters)}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the characters in order, in hex."""
        return hashlib.sha256("".join(self.characters).encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.characters)

    def __contains__(self, character: str) -> bool:
        return character in self.index_of

    def index(self, character: str) -> int:
        """Return the position of a character; raises KeyError when it is not in the charset."""
        return self.index_of[character]

    def missing(self, text: str) -> list[str]:
        """Return the characters of the text (in NFC) that are not in the charset, in order, each once."""
        return [c for c in dict.fromkeys(nfc(text)) if c not in self.index_of]


def _is_character(value: object) -> bool:
    """Whether the value is one code point that NFC leaves as it is, and no half of a surrogate pair."""
    return isinstance(value, str) and len(value) == 1 and nfc(value) == value and not "\ud800" <= value <= "\udfff"


def _from_json(text: str) -> list[Any] | None:
    """Return the characters of a JSON charset; None when the text is no JSON list or object."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return None
    if isinstance(value, dict):
        value = value.get("charset", [None])
    # A bare number or string is a line of characters that happens to be JSON.
    return value if isinstance(value, list) else None
