"""NFC everywhere, and the case-free form."""

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from ocr.text.normalize import case_free, nfc

FEW = settings(max_examples=40, deadline=None)


def test_hangul_is_composed() -> None:
    assert nfc(unicodedata.normalize("NFD", "한국 영수증 ₩12,000")) == "한국 영수증 ₩12,000"


@given(st.text())
@FEW
def test_nfc_is_stable(text: str) -> None:
    assert nfc(nfc(text)) == nfc(text)


@given(st.text(alphabet=st.characters(max_codepoint=0x24F)))
@FEW
def test_case_free_forms_agree_for_capitals_and_small_letters(text: str) -> None:
    assert case_free(text.lower()) == case_free(text.lower().upper().lower())
    assert case_free(case_free(text)) == case_free(text)


def test_case_free_is_what_case_free_labels_are_printed_in() -> None:
    assert case_free("Tan Woon Yann No.3/a") == "TAN WOON YANN NO.3/A"
    assert case_free("Straße") == case_free("STRASSE")
    assert case_free("합계 Total") == "합계 TOTAL"
