"""Markdown as a list of lines that can be edited one by one and written back byte for byte."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from compass.errors import CompassError

BOM = "\ufeff"
LARGEST = 16 * 1024 * 1024
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
_BOX = re.compile(r"(\s*)(?:[-*+]|\d{1,9}[.)])\s+\[([ xX])\](?:\s+(.*)|$)")
_ITEM = re.compile(r"(\s*)(?:[-*+]|\d{1,9}[.)])\s+(.*)")


@dataclass(frozen=True)
class Heading:
    """A heading: its line (from 0), its depth 1 to 6, and its text without emphasis and leading symbols."""

    line: int
    level: int
    text: str


@dataclass(frozen=True)
class Box:
    """A list item with a check box: its line (from 0), its indent in columns, and its text."""

    line: int
    indent: int
    ticked: bool
    text: str


@dataclass
class Document:
    """The lines of one file, each with its own line end. Bytes that are not UTF-8 pass through unharmed."""

    lines: list[str]
    fenced: set[int] = field(default_factory=set)
    front_matter: range = field(default_factory=lambda: range(0))

    def __post_init__(self) -> None:
        self.scan()

    @classmethod
    def parse(cls, data: bytes) -> "Document":
        """The document in `data`."""
        text = data.decode("utf-8", "surrogateescape")
        return cls([piece for piece in re.split(r"(?<=\n)", text) if piece])

    @classmethod
    def read(cls, path: Path) -> "Document":
        """The document in a file; CompassError when it is not a text file of reasonable size."""
        try:
            if path.stat().st_size > LARGEST:
                raise CompassError(f"{path}: larger than {LARGEST // 1024**2} MiB; this is no document")
            data = path.read_bytes()
        except FileNotFoundError:
            raise CompassError(f"{path}: no such file; check the path") from None
        except IsADirectoryError:
            raise CompassError(f"{path}: this is a folder; name the file") from None
        if b"\0" in data:
            raise CompassError(f"{path}: not text (it holds zero bytes); name a Markdown file in UTF-8")
        return cls.parse(data)

    def data(self) -> bytes:
        """The bytes of the file."""
        return "".join(self.lines).encode("utf-8", "surrogateescape")

    @property
    def end(self) -> str:
        """The line end that most lines have."""
        crlf = sum(line.endswith("\r\n") for line in self.lines)
        return "\r\n" if crlf * 2 > len(self.lines) else "\n"

    def text(self, number: int) -> str:
        """Line `number` (from 0) without its line end and without a byte order mark."""
        return self.lines[number].rstrip("\r\n").removeprefix(BOM)

    def put(self, number: int, text: str) -> None:
        """Replace the text of one line; its line end and a byte order mark stay."""
        old = self.lines[number]
        mark = BOM if old.startswith(BOM) else ""
        self.lines[number] = mark + text + old[len(old.rstrip("\r\n")) :]

    def insert(self, number: int, texts: list[str]) -> None:
        """Insert lines before line `number`, with the line end of the document."""
        if number == len(self.lines) and self.lines and not self.lines[-1].endswith("\n"):
            self.lines[-1] += self.end
        self.lines[number:number] = [text + self.end for text in texts]
        self.scan()

    def remove(self, start: int, stop: int) -> None:
        """Remove the lines from `start` up to, not including, `stop`."""
        del self.lines[start:stop]
        self.scan()

    def scan(self) -> None:
        """Find the front matter and the fenced code again."""
        self.front_matter = range(0)
        if self.lines and self.text(0).rstrip() == "---":
            for number in range(1, len(self.lines)):
                if self.text(number).rstrip() in ("---", "..."):
                    self.front_matter = range(number + 1)
                    break
        self.fenced = set(self.front_matter)
        fence = ""
        for number in range(len(self.front_matter), len(self.lines)):
            found = _FENCE.fullmatch(self.text(number))
            if fence:
                self.fenced.add(number)
                if found and found[1].startswith(fence) and not found[2].strip():
                    fence = ""
            elif found and not (found[1][0] == "`" and "`" in found[2]):
                self.fenced.add(number)
                fence = found[1]

    def prose(self) -> list[tuple[int, str]]:
        """Number and text of every line outside code and front matter."""
        return [(number, self.text(number)) for number in range(len(self.lines)) if number not in self.fenced]

    def headings(self) -> list[Heading]:
        """The `#` headings, in order."""
        found = []
        for number, text in self.prose():
            match = _HEADING.fullmatch(text)
            if match:
                found.append(Heading(number, len(match[1]), plain(match[2] or "")))
        return found

    def boxes(self) -> list[Box]:
        """The list items with a check box, in order."""
        found = []
        for number, text in self.prose():
            match = _BOX.fullmatch(text)
            if match:
                found.append(Box(number, len(match[1].expandtabs(4)), match[2] != " ", (match[3] or "").strip()))
        return found

    def section(self, heading: Heading) -> range:
        """The lines below a heading, up to the next one of the same or a higher level."""
        for other in self.headings():
            if other.line > heading.line and other.level <= heading.level:
                return range(heading.line + 1, other.line)
        return range(heading.line + 1, len(self.lines))

    def items(self, lines: range) -> list[tuple[int, str]]:
        """Line and text of the outermost list items among `lines`."""
        found = [
            (n, len(m[1].expandtabs(4)), m[2].strip())
            for n, t in self.prose()
            if n in lines and (m := _ITEM.fullmatch(t))
        ]
        outer = min((indent for _, indent, _ in found), default=0)
        return [(number, text) for number, indent, text in found if indent == outer]

    def front_value(self, key: str) -> str | None:
        """The value of a top-level front matter key that is one plain or quoted scalar on its line."""
        for number in self.front_matter:
            name, colon, value = self.text(number).partition(":")
            if colon and name == key:
                return _scalar(value.strip()) or None
        return None

    def put_front_value(self, key: str, value: str) -> None:
        """Change, or add at the end, one front matter line; a document without front matter gets one."""
        for number in self.front_matter:
            name, colon, _ = self.text(number).partition(":")
            if colon and name == key:
                self.put(number, f"{key}: {value}")
                return
        if self.front_matter:
            self.insert(self.front_matter.stop - 1, [f"{key}: {value}"])
        else:
            self.insert(0, ["---", f"{key}: {value}", "---", ""])


def _scalar(text: str) -> str:
    """What a plain or quoted YAML scalar on one line says; of escapes those of quotes and backslashes are known."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\([\"\\])", r"\1", text[1:-1])
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    return text


def plain(text: str) -> str:
    """A heading or item without emphasis marks and without the symbols that stand before its first word."""
    return re.sub(r"^\W+", "", re.sub(r"\*\*|__|`", "", text)).strip()


def numbered(lines: list[str]) -> list[str]:
    """The lines as a numbered Markdown list."""
    return [f"{number}. {line}" for number, line in enumerate(lines, start=1)]
