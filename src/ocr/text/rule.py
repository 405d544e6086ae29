"""Rules: lines that printers without graphics draw with characters."""

# Shorter runs may mean something: a dash for no amount, an asterisk for taxed goods.
SHORTEST = 5
MARKS = frozenset("*-=_~.+#")


def is_rule(text: str) -> bool:
    """Whether a line of text is a rule, such as ``-----`` or ``* * * * *``, and says nothing."""
    marks = text.replace(" ", "")
    return len(marks) >= SHORTEST and MARKS.issuperset(marks)
