"""How a rule words what it found: what is wrong, what was expected, what to do."""

from aqms.document import Document, Place
from findings.finding import Finding


def found(
    code: str, document: Document, place: Place, message: str, *, expected: str = "", hint: str = "", symbol: str = ""
) -> Finding:
    """A finding in a document whose message has all three parts."""
    parts = (message, expected and f"expected {expected}", hint)
    whole = "; ".join(part for part in parts if part)
    return Finding(
        code, "error", document.path, place.line, place.column, whole, symbol=symbol, expected=expected, hint=hint
    )


def one_of(values: tuple[str, ...] | list[str]) -> str:
    """A choice in words."""
    return values[0] if len(values) == 1 else f"one of {', '.join(values)}"
