"""Counts in words."""

import pytest

from findings.counted import counted


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [
        (0, "page", "0 pages"),
        (1, "page", "1 page"),
        (2, "box", "2 boxes"),
        (1, "entry", "1 entry"),
        (3, "try", "3 tries"),
    ],
)
def test_counts_in_words(count: int, noun: str, text: str) -> None:
    assert counted(count, noun) == text
