"""What is told of an amount by the others of its receipt."""

from collections.abc import Callable

import pytest

from ocr.fields.amount_features import amount_features
from ocr.formats.page import Page


@pytest.mark.parametrize("printed", ["8.55", "-8.55", "8.55-", "(8.55)"])
def test_cash_less_change_is_the_total_however_change_is_signed(
    make: Callable[[list[str]], Page], rows: list[str], printed: str
) -> None:
    found, features = amount_features(make([row.replace("8.55", printed) for row in rows]))
    paid = {one.amount.cents for one, named in zip(found, features, strict=True) if named["cash less change"]}
    assert paid == {1145}
