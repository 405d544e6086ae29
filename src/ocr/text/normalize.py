"""Text normalisation: NFC everywhere, and one case-free form."""

import unicodedata


def nfc(text: str) -> str:
    """Return the text in Unicode normal form C: a Hangul syllable is one character, not its letters."""
    return unicodedata.normalize("NFC", text)


def case_free(text: str) -> str:
    """Return the form in which texts that differ in case alone are equal: capitals.

    Capitals, not small letters, because case-free labels (SROIE) are printed so and a charset then needs one set.
    """
    return nfc(text.casefold().upper())
