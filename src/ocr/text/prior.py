"""Which character tends to follow which: a small n-gram model that helps a recognizer between look-alikes.

Case is folded, so that what a text looks like decides between `a` and `A`. Witten-Bell smoothing: a context seen in few
ways trusts its own counts, one seen in many leaves more to the shorter context.
"""

import math
import struct
import sys
from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable

from ocr.errors import ConfigError
from ocr.text.normalize import nfc

START, END = "\x02", "\x03"
_MAGIC = b"OCRPRIOR1\0"
_HEADER = struct.Struct("<BBII")  # order, bits per symbol, bytes of the alphabet, entries
_STEPS_PER_NAT = 16
_FLOOR = 255  # the least probability that can be stored: exp(-255 / 16)
# Answers kept for asking again; the longest receipt needs a few thousand.
_REMEMBERED = 20_000


class Prior:
    """Log-probability of a character after those before it."""

    def __init__(
        self, order: int, alphabet: str, keys: "array[int]", costs: "array[int]", backoffs: "array[int]"
    ) -> None:
        """Take the tables as `build_prior` makes them: sorted packed n-grams, and for each its cost and backoff."""
        self.order = order
        self.alphabet = alphabet
        self._keys, self._costs, self._backoffs = keys, costs, backoffs
        self._bits = _bits(len(alphabet))
        self._symbols = {character: index for index, character in enumerate(alphabet, start=1)}
        self._unknown = -math.log(len(alphabet) + 1)
        self._remembered: dict[tuple[str, str], float] = {}

    def start(self) -> str:
        """State at the beginning of a text."""
        return START * (self.order - 1)

    def after(self, state: str, character: str) -> str:
        """State once ``character``, folded by `fold`, has followed."""
        return (state + character)[1:]

    def log_probability(self, state: str, character: str) -> float:
        """Natural logarithm of the probability that ``character``, folded by `fold`, or END follows in ``state``."""
        question = (state, character)
        answer = self._remembered.get(question)
        if answer is None:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            answer = self._remembered[question] = self._look_up(state, character)
        return answer

    def _look_up(self, state: str, character: str) -> float:
        symbols = self._symbols
        target = symbols.get(character, 0)
        cost = 0
        for begin in range(len(state) + 1):
            context = 1
            for one in state[begin:]:
                context = context << self._bits | symbols.get(one, 0)
            found = self._find(context << self._bits | target)
            if found >= 0:
                return -(cost + self._costs[found]) / _STEPS_PER_NAT
            if (known := self._find(context)) >= 0:
                cost += self._backoffs[known]
        return self._unknown - cost / _STEPS_PER_NAT

    def _find(self, key: int) -> int:
        index = bisect_left(self._keys, key)
        return index if index < len(self._keys) and self._keys[index] == key else -1

    def to_bytes(self) -> bytes:
        """The file's content, the same on every machine."""
        alphabet = self.alphabet.encode()
        head = _HEADER.pack(self.order, self._bits, len(alphabet), len(self._keys))
        keys = struct.pack(f"<{len(self._keys)}Q", *self._keys)
        return _MAGIC + head + alphabet + keys + self._costs.tobytes() + self._backoffs.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Prior":
        """Read what `to_bytes` gave; raises ValueError when it is anything else."""
        begin = len(_MAGIC) + _HEADER.size
        if not data.startswith(_MAGIC) or len(data) < begin:
            raise ValueError("is not a character prior")
        order, bits, length, count = _HEADER.unpack_from(data, len(_MAGIC))
        if len(data) != begin + length + 10 * count:
            raise ValueError("is truncated or damaged")
        alphabet = data[begin : begin + length].decode()
        if bits != _bits(len(alphabet)):
            raise ValueError("has an alphabet that does not fit its entries")
        begin += length
        keys = array("Q", data[begin : begin + 8 * count])
        if sys.byteorder == "big":
            keys.byteswap()
        begin += 8 * count
        costs, backoffs = array("B", data[begin : begin + count]), array("B", data[begin + count :])
        return cls(order, alphabet, keys, costs, backoffs)


def fold(character: str) -> str:
    """The form in which a prior knows a character: upper case where that is one character too."""
    upper = character.upper()
    return upper if len(upper) == 1 else character


def build_prior(texts: Iterable[str], *, order: int = 5) -> Prior:
    """Count n-grams of up to ``order`` characters in ``texts``, one a line. Raises ConfigError when there are none."""
    lines = ["".join(map(fold, nfc(text))) for text in texts]
    alphabet = START + END + "".join(sorted(set("".join(lines)) - {START, END}))
    bits = _bits(len(alphabet))
    if not any(lines):
        raise ConfigError("a character prior needs at least one text to learn from")
    if order < 1 or order * bits > 63:
        raise ConfigError(
            f"an order of {order} with {len(alphabet)} characters does not fit; at most {63 // bits} does"
        )
    symbols = {character: index for index, character in enumerate(alphabet, start=1)}
    followers: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for line in lines:
        codes = [symbols[START]] * (order - 1) + [symbols[one] for one in line + END]
        for end in range(order - 1, len(codes)):
            context, place = 1, 0
            followers[context][codes[end]] += 1
            # Contexts grow to the left: the packed key is built anew from their first symbol.
            for length in range(1, order):
                place = bits * (length - 1)
                context = (context - (1 << place)) + (codes[end - length] << place) + (1 << place + bits)
                followers[context][codes[end]] += 1
    probability: dict[int, float] = {}
    backoff: dict[int, float] = {}
    for context in sorted(followers):  # shorter ones first: their keys are smaller
        counts = followers[context]
        total, kinds = counts.total(), len(counts)
        backoff[context] = kinds / (total + kinds)
        length = (context.bit_length() - 1) // bits
        shorter = 1 << bits * (length - 1) | context & ((1 << bits * (length - 1)) - 1) if length else None
        for symbol, count in counts.items():
            lower = 1 / (len(alphabet) + 1) if shorter is None else probability[shorter << bits | symbol]
            probability[context << bits | symbol] = (count + kinds * lower) / (total + kinds)
    keys = sorted(probability.keys() | backoff.keys())
    costs = array("B", [_steps(probability[key]) if key in probability else _FLOOR for key in keys])
    backoffs = array("B", [_steps(backoff[key]) if key in backoff else 0 for key in keys])
    return Prior(order, alphabet, array("Q", keys), costs, backoffs)


def _bits(alphabet: int) -> int:
    """Bits of one symbol; 0 stands for a character outside the alphabet."""
    return max(1, alphabet.bit_length())


def _steps(probability: float) -> int:
    return min(_FLOOR, round(-math.log(probability) * _STEPS_PER_NAT))
