"""A Markdown document taken apart: front matter with positions, headings, links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(<?([^)\s>]+)>?(?:\s+[\"'][^)]*)?\)")
_CODE = re.compile(r"(`+)(?:(?!\1).)*?\1")


@dataclass(frozen=True)
class Place:
    """Where something stands; line and column start at 1."""

    line: int
    column: int


@dataclass
class Document:
    """``fields`` and ``places`` of the front matter by key, ``problem`` when there is none that can be read."""

    path: str
    text: str
    fields: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    problem: tuple[Place, str] | None = None
    body_line: int = 1

    def at(self, key: str) -> Place:
        """Where a key stands, or the start of the document."""
        return self.places.get(key, Place(1, 1))

    def lines(self) -> Iterator[tuple[int, str]]:
        """Number and text of the body's lines that are not in a fenced block."""
        fence = ""
        for number, line in enumerate(self.text.splitlines()[self.body_line - 1 :], self.body_line):
            mark = _FENCE.match(line)
            if fence:
                if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                    fence = ""
            elif mark:
                fence = mark[1]
            else:
                yield number, line

    def headings(self) -> list[tuple[int, int, str]]:
        """Line, level and text of each heading."""
        found = ((number, _HEADING.match(line)) for number, line in self.lines())
        return [(number, len(match[1]), match[2]) for number, match in found if match]

    def links(self) -> list[tuple[Place, str]]:
        """Place and target of each inline link outside code."""
        found = []
        for number, line in self.lines():
            shown = _CODE.sub(lambda match: " " * len(match[0]), line)
            found += [(Place(number, match.start(1) + 1), match[1]) for match in _LINK.finditer(shown)]
        return found


def read(path: Path, name: str) -> Document:
    """Read a document; raises OSError, or UnicodeDecodeError when it is not UTF-8."""
    return parse(path.read_bytes().decode("utf-8-sig"), name)


def parse(text: str, name: str) -> Document:
    """Take a document apart; what is wrong with its front matter becomes ``problem``."""
    document = Document(name, text)
    lines = text.splitlines()
    if not lines or lines[0].rstrip() != "---":
        document.problem = Place(1, 1), "there is no front matter; begin the file with a block between two --- lines"
        return document
    end = next((i for i, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), None)
    if end is None:
        document.problem = Place(1, 1), "the front matter has no end; add a line --- after it"
        return document
    document.body_line = end + 2
    try:
        node = yaml.compose("\n".join(lines[1:end]), Loader=yaml.CSafeLoader)
        if not isinstance(node, yaml.MappingNode):
            document.problem = Place(2, 1), "the front matter is not a mapping; write key: value lines"
            return document
        constructor = yaml.constructor.SafeConstructor()
        for key, value in node.value:
            name_of = str(key.value)
            place = Place(key.start_mark.line + 2, key.start_mark.column + 1)
            if name_of in document.fields:
                document.problem = place, f"{name_of} is there twice; keep one"
            # A time stamp stays as it was written: YAML's own reading would move it to another zone, and day.
            stamp = value.tag.endswith(":timestamp")
            document.fields[name_of] = value.value if stamp else constructor.construct_object(value, deep=True)
            document.places[name_of] = place
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = Place(mark.line + 2, mark.column + 1) if mark else Place(2, 1)
        document.problem = place, f"the front matter is not YAML ({getattr(error, 'problem', error)}); quote the value"
    return document
