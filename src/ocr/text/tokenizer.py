"""Tokenizers: text to ids and back. Each owns its special tokens and says how many classes the head needs."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from ocr.text.charset import Charset
from ocr.text.normalize import nfc


class Tokenizer(Protocol):
    """What recognizers, losses and decoding need to know about text."""

    charset: Charset

    @property
    def size(self) -> int:
        """Number of classes of the head."""
        ...

    def encode(self, text: str) -> list[int]:
        """Return the ids of the text; raises ValueError naming characters that are not in the charset."""
        ...

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of the ids."""
        ...


class CtcTokenizer:
    """Blank is 0, the characters are 1 to n (Graves et al., 2006)."""

    blank = 0

    def __init__(self, *, charset: Charset) -> None:
        self.charset = charset
        self.size = len(charset) + 1

    def encode(self, text: str) -> list[int]:
        """Return one id per character."""
        return _ids(self.charset, text)

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ids whose repeats are already merged; blanks are dropped."""
        return "".join(self.charset.characters[i - 1] for i in ids if i != self.blank)


class ParseqTokenizer:
    """End is 0, the characters are 1 to n, begin is n+1 and padding n+2 (Bautista and Atienza, 2022).

    Begin and padding are never predicted: the head has n+1 classes, the embedding n+3 rows.
    """

    eos = 0

    def __init__(self, *, charset: Charset) -> None:
        self.charset = charset
        self.bos = len(charset) + 1
        self.pad = len(charset) + 2
        self.head_size = len(charset) + 1
        self.size = self.head_size
        self.embedding_size = len(charset) + 3

    def encode(self, text: str) -> list[int]:
        """Return begin, one id per character, end."""
        return [self.bos, *_ids(self.charset, text), self.eos]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text up to the first end; begin and padding are skipped."""
        characters: list[str] = []
        for i in ids:
            if i == self.eos:
                break
            if i < self.bos:
                characters.append(self.charset.characters[i - 1])
        return "".join(characters)


def _ids(charset: Charset, text: str) -> list[int]:
    """Return 1-based positions; raises ValueError naming what is missing, as dropping it would falsify the label."""
    text = nfc(text)
    missing: Sequence[str] = charset.missing(text)
    if missing:
        raise ValueError(f"{text!r} has characters outside the charset: {' '.join(map(repr, missing))}")
    return [charset.index(c) + 1 for c in text]
