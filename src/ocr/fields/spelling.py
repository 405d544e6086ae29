"""Words of names and addresses that a reader misspelt, put right where one known word is a single slip away."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path

from ocr.metrics.edit_distance import edit_distance
from ocr.text.normalize import case_free

_WORDS = Path(__file__).parent / "models" / "words.json"
_SHORTEST = 5
_LOOKALIKES = str.maketrans("0158", "OISB")
_DIGIT_IN_WORD = re.compile(
    r"(?<=[A-Za-z])[0158](?=[A-Za-z]{2})|(?<=[A-Za-z]{2})[0158](?=[A-Za-z])|(?<=\b[A-Z]\.)[015](?=\.)|(?<=\bC)0(?=\.)"
)
_LEGAL_FORMS = (
    (re.compile(r"\bS[DOBP0][NMH]\.? ?(BH[DO0]|8HD|B[HN]D)\b", re.IGNORECASE), "SDN BHD"),
    (re.compile(r"\bS/8\b", re.IGNORECASE), "S/B"),
)


class Spelling:
    """Known words, to put texts right by."""

    def __init__(self, words: Iterable[str]) -> None:
        """``words`` are in capitals."""
        self._words = frozenset(words)
        self._by_length: dict[int, list[str]] = defaultdict(list)
        for word in sorted(self._words):
            for length in (len(word) - 1, len(word), len(word) + 1):
                self._by_length[length].append(word)

    def corrected(self, text: str) -> str:
        """The text with legal forms and known words of five letters or more put right; the rest as it was read."""
        for pattern, form in _LEGAL_FORMS:
            text = pattern.sub(partial(_legal_form, form), text)
        text = _DIGIT_IN_WORD.sub(lambda match: match[0].translate(_LOOKALIKES), text)
        return re.sub(r"[A-Za-z0-9]{5,}", lambda match: self._word(match[0]), text)

    def _word(self, word: str) -> str:
        plain = case_free(word).translate(_LOOKALIKES)
        if sum(character.isdigit() for character in word) > len(word) / 3 or case_free(word) in self._words:
            return word
        if plain in self._words:
            return _cased(plain, word)
        near = [one for one in self._by_length.get(len(plain), []) if edit_distance(one, plain) == 1]
        return _cased(near[0], word) if len(near) == 1 and len(plain) > _SHORTEST else word


@cache
def shipped_spelling() -> Spelling:
    """The words that come with the package: those that names and addresses of several merchants have."""
    return Spelling(json.loads(_WORDS.read_text(encoding="utf-8")))


def _legal_form(form: str, match: re.Match[str]) -> str:
    """The form, or what was read when that is it but for case and points."""
    return match[0] if re.sub(r"[^A-Z]", "", match[0].upper()) == form.replace(" ", "") else form


def _cased(known: str, word: str) -> str:
    return known.capitalize() if word[1:].islower() else known.lower() if word.islower() else known
