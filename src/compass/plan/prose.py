"""What a plan's drawn graph and its sentences say about the order of the steps."""

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from compass.markdown import Document, plain
from compass.plan.model import Claim

_ARROW = re.compile(r"(?:-{1,3}|={1,2}|[─═]+)?[>→►]")
_JOINTS = "┐┘┤├┼┌└│"
_AFTER = re.compile(r"\bafter\b", re.IGNORECASE)
_DEPENDS = re.compile(r"\b(?:depends|dependent|dependency) on\b", re.IGNORECASE)
_LAST = re.compile(r"\blast\b", re.IGNORECASE)
_FIRST = re.compile(r"\bfirst\b", re.IGNORECASE)


def from_graphs(document: Document, ids: Sequence[str]) -> list[Claim]:
    """The claims of every code block that draws arrows between steps."""
    claims: list[Claim] = []
    for block in _blocks(document):
        drawn = [(number, document.text(number)) for number in block]
        if any(_ARROW.search(text) and _ids(text, ids) for _, text in drawn):
            claims += _from_drawing(drawn, ids)
    return claims


def from_sentences(document: Document, ids: Sequence[str], *, without: Collection[int]) -> list[Claim]:
    """The claims of headings, labels and list items outside the steps' own sections.

    `Can run in parallel (after PLAN-001):` without another id speaks for the list below it.
    """
    claims: list[Claim] = []
    leader: tuple[str, ...] = ()
    for number, raw in document.prose():
        text = plain(raw)
        named = _ids(text, ids)
        if raw.lstrip().startswith("#") or (
            raw.rstrip().endswith((":", ":**")) and not raw.lstrip().startswith(("-", "|"))
        ):
            leader = _after(text, ids) if named == list(_after(text, ids)) else ()
        if number in without or raw.lstrip().startswith(("|", "#")) or not named:
            continue
        claims += _from_sentence(number + 1, text, ids)
        listed = raw.lstrip().startswith(("-", "*", "+")) or raw.lstrip()[:1].isdigit()
        if leader and listed:
            claims += [Claim(number + 1, "prose", one, leader, text) for one in named if one not in leader]
    return claims


def _from_sentence(line: int, text: str, ids: Sequence[str]) -> Iterator[Claim]:
    named = _ids(text, ids)
    after = _after(text, ids)
    for one in named:
        if after and one not in after:
            yield Claim(line, "prose", one, after, text)
    if found := _DEPENDS.search(text):
        before, needed = _ids(text[: found.start()], ids), tuple(_ids(text[found.end() :], ids))
        if before and needed:
            yield Claim(line, "prose", before[-1], needed, text)
    for one, other in pairwise(named):
        if re.search(re.escape(one) + r"\W*?[→>]\W*?" + re.escape(other), text):
            yield Claim(line, "prose", other, (one,), text)
    if len(named) == 1 and _LAST.search(text):
        yield Claim(line, "prose", named[0], tuple(other for other in ids if other != named[0]), text)
    if len(named) == 1 and _FIRST.search(text):
        for other in ids:
            if other != named[0]:
                yield Claim(line, "prose", other, (named[0],), text)


def _after(text: str, ids: Sequence[str]) -> tuple[str, ...]:
    """The first step named after the word `after`."""
    found = _AFTER.search(text)
    return tuple(_ids(text[found.end() :], ids)[:1]) if found else ()


def _from_drawing(drawn: list[tuple[int, str]], ids: Sequence[str]) -> list[Claim]:
    """Arrows on one line, and lines that meet at a drawn joint; `(Independent)` behind a joint means no dependency."""
    needs: dict[str, set[str]] = {}
    lines: dict[str, int] = {}
    free: set[str] = set()
    sources: dict[int, list[str]] = {}
    targets: dict[int, list[str]] = {}
    for number, text in drawn:
        named = _ids(text, ids)
        for one in named:
            lines.setdefault(one, number + 1)
        joint = next((column for column, char in enumerate(text) if char in _JOINTS), None)
        if joint is not None:  # Hand-drawn lines miss each other by a column.
            joint = next((known for known in sources if abs(known - joint) <= 1), joint)
        left = [one for one in named if joint is None or text.index(one) < joint]
        right = [one for one in named if one not in left]
        if "independent" in text.lower():
            free.update(left)
        elif joint is None:
            for one, other in pairwise(named):
                if _ARROW.search(text[text.index(one) + len(one) : text.index(other)]):
                    needs.setdefault(other, set()).add(one)
        else:
            sources.setdefault(joint, []).extend(left)
            targets.setdefault(joint, []).extend(right)
    for joint, reached in targets.items():
        for other in reached:
            needs.setdefault(other, set()).update(sources.get(joint, []))
    return [
        Claim(line, "graph", one, tuple(sorted(needs.get(one, set()))), "independent" if one in free else "drawn", True)
        for one, line in lines.items()
    ]


def _ids(text: str, ids: Sequence[str]) -> list[str]:
    """The step ids in a text, in the order in which they stand there."""
    found = [
        (match.start(), one) for one in ids for match in re.finditer(rf"(?<![\w-]){re.escape(one)}(?![\w-])", text)
    ]
    return list(dict.fromkeys(one for _, one in sorted(found)))


def _blocks(document: Document) -> Iterator[list[int]]:
    """The fenced code blocks as runs of line numbers."""
    run: list[int] = []
    for number in sorted(document.fenced - set(document.front_matter)):
        if run and number != run[-1] + 1:
            yield run
            run = []
        run.append(number)
    if run:
        yield run
