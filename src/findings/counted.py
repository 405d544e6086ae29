"""Counts of things in words."""


def counted(count: int, noun: str) -> str:
    """`1 file`, `2 files`, `2 boxes`, `2 entries`."""
    if count == 1:
        return f"1 {noun}"
    if noun.endswith("y"):
        return f"{count} {noun[:-1]}ies"
    return f"{count} {noun}{'es' if noun.endswith(('x', 's', 'ch')) else 's'}"
