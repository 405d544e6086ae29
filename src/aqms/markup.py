"""Where the tags in HTML point: values of href and src."""

import re

_PIECE = re.compile(
    r"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)"
    r"|<([A-Za-z][\w-]*)(?:\s+[\w:.@-]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'=<>`]+))?)*\s*/?>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"\s([\w:.@-]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'=<>`]+)))?")
_POINTS = re.compile(r"\b(?:href|src)\s*=", re.IGNORECASE)
_TEXT_ONLY = {"script", "style", "textarea"}  # what stands in these is no HTML


def may_point(text: str) -> bool:
    """Whether a text can hold a tag that points somewhere; quickly told."""
    return "<" in text and _POINTS.search(text) is not None


def of_tag(text: str, start: int, end: int) -> list[tuple[int, str]]:
    """Offset and target of each value of href and src in the tag between two offsets.

    Values with braces are left out: they are templates, to be filled in by something else.
    """
    found = []
    for match in _ATTRIBUTE.finditer(text, start, end):
        group = match.lastindex or 1
        value = match[group].strip()
        if group > 1 and match[1].casefold() in ("href", "src") and value and not set(value) & {"{", "}", "\n"}:
            found.append((match.start(group) + match[group].index(value), value))
    return found


def of_block(text: str) -> list[tuple[int, str]]:
    """Offset and target of each value of href and src in a block of HTML."""
    found: list[tuple[int, str]] = []
    at = 0
    while match := _PIECE.search(text, at):
        at = match.end()
        name = (match[1] or "").casefold()
        if name:
            found += of_tag(text, match.start(), at)
        if name in _TEXT_ONLY:
            closing = re.compile(rf"</{name}\b", re.IGNORECASE).search(text, at)
            at = closing.start() if closing else len(text)
    return found
