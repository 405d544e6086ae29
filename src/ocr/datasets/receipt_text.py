"""What stands on receipts: shops, addresses, items, amounts, dates and codes, in English, Malay and Korean.

`receipt_grammar.json` lists for each symbol what it may become, ``*3`` at the end making a choice three times as
likely. ``{symbol}`` is expanded in turn, ``{symbol|upper}`` also cased; ``{4d}`` and ``{2-5d}`` are digits, ``{1-40n}``
is a number (``{01-12n}`` with its leading zero), ``{A}`` a capital letter. ``symbol.ko`` mostly replaces ``symbol``
on Korean receipts.
"""

import json
import random
import re
import string
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from ocr.text.charset import Charset

SLOT = re.compile(r"\{(?:(\d+)(?:-(\d+))?([dn])|(A)|([a-z_0-9]+)(?:\|([a-z]+))?)\}")
KOREAN_SHARE = 0.8


class ReceiptText:
    """Draws texts, one seed always the same; Hangul where `hangul` is set."""

    def __init__(self, rng: random.Random, charset: Charset, *, hangul: bool = False) -> None:
        self.rng = rng
        self.charset = charset
        self.hangul = hangul

    def draw(self, symbol: str) -> str:
        """Return a text for a symbol of the grammar, its characters all in the charset."""
        return self._fitting(self._expand(symbol))

    def _fitting(self, text: str) -> str:
        """Return the text without characters that the charset lacks, spaces single; never empty."""
        kept = " ".join("".join(c for c in text if c in self.charset).split())
        return kept or self._noise()

    def _expand(self, symbol: str) -> str:
        if symbol == "noise":
            return self._noise()
        if symbol == "amount":
            return self._amount()
        if self.hangul and f"{symbol}.ko" in _grammar() and self.rng.random() < KOREAN_SHARE:
            symbol += ".ko"
        choices, weights = _grammar()[symbol]
        return SLOT.sub(self._fill, self.rng.choices(choices, cum_weights=weights)[0])

    def _fill(self, slot: re.Match[str]) -> str:
        low, high, kind, capital, symbol, style = slot.groups()
        if kind == "d":
            return "".join(self.rng.choices(string.digits, k=self.rng.randint(int(low), int(high or low))))
        if kind == "n":
            return str(self.rng.randint(int(low), int(high))).zfill(len(low))
        if capital:
            return self.rng.choice(string.ascii_uppercase)
        text = self._expand(symbol)
        return text if style is None else self._cased(text, style)

    def _cased(self, text: str, style: str) -> str:
        """Return the text in the style; ``cased`` draws one: as it is, capitals, small, a title or, rarely, random."""
        if style == "cased":
            style = self.rng.choices(("", "upper", "lower", "title", "random"), weights=(30, 30, 15, 20, 5))[0]
        if style == "random":
            return "".join(self.rng.choice((c.upper(), c.lower())) for c in text)
        return text if style == "" else {"upper": text.upper, "lower": text.lower, "title": text.title}[style]()

    def _amount(self) -> str:
        value = self.rng.choice((9, 99, 999, 99999)) * self.rng.random() ** 1.5
        sign = "-" if self.rng.random() < 0.06 else ""
        return sign + (f"{value:,.2f}" if self.rng.random() < 0.94 else f"{value:.4f}")

    def _noise(self) -> str:
        """Return 1 to 12 characters drawn evenly from the charset, so that the rare ones occur."""
        return "".join(self.rng.choices(_visible(self.charset), k=self.rng.randint(1, 12)))


@lru_cache(maxsize=1)
def _grammar() -> dict[str, tuple[list[str], list[int]]]:
    """For each symbol its expansions and their cumulative weights."""
    source: dict[str, list[str]] = json.loads(
        Path(__file__).with_name("receipt_grammar.json").read_text(encoding="utf-8")
    )
    return {symbol: _weighted(choices) for symbol, choices in source.items()}


def _weighted(choices: list[str]) -> tuple[list[str], list[int]]:
    texts: list[str] = []
    total: list[int] = []
    for choice in choices:
        text, star, weight = choice.rpartition("*")
        counted = star and weight.isdigit()
        texts.append(text if counted else choice)
        total.append((total[-1] if total else 0) + (int(weight) if counted else 1))
    return texts, total


@lru_cache(maxsize=16)
def _visible(charset: Charset) -> Sequence[str]:
    return [c for c in charset.characters if not c.isspace()] or charset.characters
