"""Where the links and images in a run of Markdown text point, as CommonMark reads them."""

import re
from dataclasses import dataclass

from aqms import markup

_SPECIAL = re.compile(r"[\\`\[\]!<]")
_TICKS = re.compile(r"`+")
_ANGLE = re.compile(
    r"<(?:[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*|[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+"  # <https://...>, <a@b>
    r"|/?[A-Za-z][\w-]*(?:\s+[\w:.-]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'=<>`]+))?)*\s*/?"  # a tag
    r"|!--.*?--|\?.*?\?|![A-Za-z][^>]*)>",
    re.DOTALL,
)
_TITLE = re.compile(r"(?:\s+(?:\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\((?:\\.|[^()\\])*\)))?\s*\)", re.DOTALL)
_DEFINITION = re.compile(
    r"\[(?!\s*\])(?:\\.|[^\[\]\\])+\]:[ \t]*(?:<([^<>\n]*)>|([^\s<]\S*))[ \t]*(?:[\"'(].*[\"')])?[ \t]*\Z"
)
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


def definition(line: str) -> tuple[str, int] | None:
    """Target of a line such as ``[name]: target``, and its offset; None for any other line."""
    found = _DEFINITION.match(line)
    if not found:
        return None
    group = 1 if found[1] is not None else 2
    return found[group], found.start(group)


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """An inline link or image: offset of its target, the target, offsets of the whole, and its words.

    What a tag of HTML points to has no whole: ``end`` is 0.
    """

    offset: int
    target: str
    begin: int = 0
    end: int = 0
    words: str = ""


@dataclass(slots=True)
class _Bracket:
    """An open bracket: where it stands, whether an image's, and whether a link may still come of it."""

    at: int
    image: bool
    active: bool = True


def targets(text: str) -> list[Target]:
    """The inline links and images, those of tags too, in the order of their targets."""
    found: list[Target] = []
    open_brackets: list[_Bracket] = []
    at = 0
    while match := _SPECIAL.search(text, at):
        at, char = match.start(), match[0]
        if char == "\\":
            at += 2 if text[at + 1 : at + 2] in _PUNCTUATION else 1
        elif char == "`":
            at = _after_code(text, at)
        elif char == "<":
            angle = _ANGLE.match(text, at)
            if angle and text[at + 1].isalpha() and "=" in angle[0]:
                found += (Target(*place) for place in markup.of_tag(text, at, angle.end()))
            at = angle.end() if angle else at + 1
        elif char == "!":
            image = text.startswith("![", at)
            open_brackets += [_Bracket(at, True)] if image else []
            at += 2 if image else 1
        elif char == "[":
            open_brackets.append(_Bracket(at, False))
            at += 1
        else:
            at = _close(text, at, open_brackets, found)
    return sorted(found)


def _close(text: str, at: int, open_brackets: list[_Bracket], found: list[Target]) -> int:
    """Take a closing bracket in; where to go on."""
    if not open_brackets:
        return at + 1
    bracket = open_brackets.pop()
    inside = _destination(text, at + 2) if bracket.active and text.startswith("(", at + 1) else None
    if inside is None:
        return at + 1
    start, end, after = inside
    words = text[bracket.at + (2 if bracket.image else 1) : at]
    found.append(Target(start, text[start:end], bracket.at, after, words))
    if not bracket.image:
        for other in open_brackets:
            other.active = other.image  # No link holds another.
    return after


def _after_code(text: str, at: int) -> int:
    """Where a code span that begins at ``at`` ends, or its run of ticks when nothing closes it."""
    run = _TICKS.match(text, at)
    assert run is not None
    for other in _TICKS.finditer(text, run.end()):
        if len(other[0]) == len(run[0]):
            return other.end()
    return run.end()


def _destination(text: str, at: int) -> tuple[int, int, int] | None:
    """Start and end of the target after an opening parenthesis, and where the link ends; None when it is no link."""
    while text[at : at + 1].isspace():
        at += 1
    if text.startswith("<", at):
        end = at + 1
        while end < len(text) and text[end] not in "<>\n":
            end += 2 if text[end] == "\\" and text[end + 1 : end + 2] in _PUNCTUATION else 1
        if text[end : end + 1] != ">":
            return None
        title = _TITLE.match(text, end + 1)
        return (at + 1, end, title.end()) if title else None
    end, depth = at, 0
    while end < len(text) and text[end] > " " and text[end] != "\x7f":
        if text[end] == "\\" and text[end + 1 : end + 2] in _PUNCTUATION:
            end += 1
        elif text[end] == "(":
            depth += 1
        elif text[end] == ")":
            if not depth:
                break
            depth -= 1
        end += 1
    if depth:
        return None
    title = _TITLE.match(text, end)
    return (at, min(end, len(text)), title.end()) if title else None
