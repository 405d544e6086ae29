"""A Markdown document taken apart: front matter with positions, headings, links, garbled text."""

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from aqms.scan import Heading, Link, scan
from findings import mojibake, safe_yaml

LARGEST = 16 * 1024 * 1024
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands; line and column start at 1."""

    line: int
    column: int


@dataclass(slots=True)
class Document:
    """``fields`` and ``places`` of the front matter by key, ``problem`` when there is none that can be read.

    ``garbled`` holds place, text, what it should be, and the encoding it was misread in; ``schema`` what the schemas of
    the registry say about the fields, by field, once somebody has asked them.
    """

    path: str
    text: str
    fields: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    problem: tuple[Place, str] | None = None
    body_line: int = 1
    headings: list[Heading] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    garbled: list[tuple[Place, str, str, str]] = field(default_factory=list)
    schema: list[tuple[str, str]] | None = None

    def at(self, key: str) -> Place:
        """Where a key stands, or the start of the document."""
        return self.places.get(key, Place(1, 1))


def lines_of(text: str) -> list[str]:
    """The lines of a text without their ends."""
    return _LINE_END.split(text)


def split(text: str) -> list[str]:
    """Lines and their ends in turn; joined they are the text."""
    return re.split(rf"({_LINE_END.pattern})", text)


def front_lines(lines: list[str]) -> int | None:
    """Index of the line that ends the front matter; None when there is none that begins and ends."""
    if lines[0].rstrip() != "---":
        return None
    return next((i for i, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), None)


def decode(data: bytes) -> str:
    """The text of a file; ValueError with a reason when it is none."""
    if len(data) > LARGEST:
        raise ValueError(f"larger than {LARGEST // 1024**2} MiB; this is no document")
    if b"\0" in data:
        raise ValueError("it holds zero bytes; this is no text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 at byte {error.start}; save it as UTF-8") from error


def parse(text: str, name: str) -> Document:
    """Take a document apart; what is wrong with its front matter becomes ``problem``."""
    document = Document(name, text)
    lines = lines_of(text)
    end = front_lines(lines)
    if lines[0].rstrip() != "---":
        document.problem = Place(1, 1), "there is no front matter; begin the file with a block between two --- lines"
    elif end is None:
        document.problem = Place(1, 1), "the front matter has no end; add a line --- after it"
    else:
        document.body_line = end + 2
        _read_front(document, "\n".join(lines[1:end]))
    body = document.body_line - 1
    document.headings, document.links = scan(lines[body:], body + 1)
    if not text.isascii():
        document.garbled = [
            (Place(number, found.offset + 1), found.text, found.meant, mojibake.NAMES[found.encoding])
            for number, line in enumerate(lines, 1)
            if not line.isascii()
            for found in mojibake.find(line)
        ]
    return document


def _read_front(document: Document, front: str) -> None:
    try:
        node = safe_yaml.compose(front)
        if isinstance(node, yaml.MappingNode):
            _read_fields(document, node)
        elif (
            node is not None
        ):  # With nothing between the lines every field is missing, and that is said field by field.
            document.problem = Place(2, 1), "the front matter is not a mapping; write key: value lines"
    except safe_yaml.ERRORS as error:
        mark = getattr(error, "problem_mark", None)
        place = Place(mark.line + 2, mark.column + 1) if mark else Place(2, 1)
        reason = getattr(error, "problem", None) or " ".join(str(error).split())
        document.problem = place, f"the front matter is not YAML ({reason}); mend it, perhaps by quoting the value"


def _read_fields(document: Document, node: yaml.MappingNode) -> None:
    constructor = safe_yaml.Constructor()
    for key, value in node.value:
        name, place = str(key.value), Place(key.start_mark.line + 2, key.start_mark.column + 1)
        if name in document.fields:
            document.problem = place, f"{name} is there twice; keep one"
        document.fields[name] = safe_yaml.plain(constructor.construct_object(value, deep=True))
        document.places[name] = place
