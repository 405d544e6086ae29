"""Which lines are drawn with characters, and which say something."""

import pytest

from ocr.text.rule import is_rule


@pytest.mark.parametrize("text", ["*****", "-" * 40, "* * * * * *", "=-=-=-=", "......", "_____ _____"])
def test_lines_drawn_with_characters(text: str) -> None:
    assert is_rule(text)


@pytest.mark.parametrize(
    "text", ["", "     ", "*", "---", "****", "**** 1234", "(*****)", "***** TOTAL *****", "....,...."]
)
def test_lines_that_may_say_something(text: str) -> None:
    assert not is_rule(text)
