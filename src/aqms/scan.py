"""One pass over the lines of a Markdown body: headings and where the links point, as CommonMark reads them."""

import re
from dataclasses import dataclass, field

from aqms import markup
from aqms.inline import Target, definition, targets

_FENCE = re.compile(r" {0,3}(?:(`{3,})([^`]*)|(~{3,})(.*))\Z")
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*\Z")
_RULER = re.compile(r" {0,3}([-_*])[ \t]*(?:\1[ \t]*){2,}\Z")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*\Z")
_QUOTE = re.compile(r" {0,3}> ?")
_ITEM = re.compile(r"( {0,3})([-+*]|(\d{1,9})[.)])(?:( +)|\Z)")
_TAG = r"</?[A-Za-z][\w-]*(?:\s+[\w:.-]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'=<>`]+))?)*\s*/?>"
_ALONE = re.compile(rf" {{0,3}}(?:{_TAG})[ \t]*\Z")
_RAW = re.compile(r" {0,3}<(?:(script|pre|style|textarea)(?=[\s>]|\Z)|(!--)|(\?)|(![A-Za-z])|(!\[CDATA\[))", re.I)
_RAW_ENDS = (re.compile(r"</(?:script|pre|style|textarea)>", re.I), *map(re.compile, ("-->", r"\?>", ">", r"\]\]>")))
_BLOCK = re.compile(
    r" {0,3}</?(?:address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|"
    r"dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|"
    r"main|menu|menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|"
    r"title|tr|track|ul)(?:\s|/?>|\Z)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: number of its line, level 1 to 6, text as written."""

    line: int
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link, image, reference definition or tag: where its target stands (from 1), and the target as written.

    ``begin`` and ``end`` are the columns of the whole where it is an inline link on one line, and 0 otherwise.
    """

    line: int
    column: int
    target: str
    begin: int = 0
    end: int = 0
    words: str = ""


@dataclass
class _Scanner:
    headings: list[Heading] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    paragraph: list[tuple[int, int, str]] = field(default_factory=list)  # line number, columns cut off, text
    inside: list[int] = field(default_factory=list)  # open list items, by the width of their indent, and quotes: 0
    fence: str = ""
    raw: re.Pattern[str] | None = None  # what ends the HTML block we are in; an empty line where it matches ""
    html: list[tuple[int, int, str]] = field(default_factory=list)  # lines of an HTML block, as those of a paragraph
    empty_item: bool = False  # the last line opened a list item and said nothing else

    def flush(self) -> None:
        """End the paragraph, or the HTML block: its links are known now."""
        if self.html:
            block, self.html = self.html, []
            whole = "\n".join(text for _, _, text in block)
            if markup.may_point(whole):
                self.add(block, whole, [Target(*place) for place in markup.of_block(whole)])
        lines, self.paragraph = self.paragraph, []
        while lines and (found := definition(lines[0][2])):
            number, cut, _ = lines[0]
            self.links.append(Link(number, cut + found[1] + 1, found[0]))
            lines = lines[1:]
        self.inline(lines)

    def inline(self, lines: list[tuple[int, int, str]]) -> None:
        """The links of the lines, which belong together."""
        whole = "\n".join(text for _, _, text in lines)
        if "](" in whole or markup.may_point(whole):
            self.add(lines, whole, targets(whole))

    def add(self, lines: list[tuple[int, int, str]], whole: str, found_there: list[Target]) -> None:
        """Take in what was found in lines that ``whole`` joins."""
        for found in found_there:
            before = whole[: found.offset]
            number, cut, _ = lines[before.count("\n")]
            shift = cut - (before.rfind("\n") + 1) + 1
            place = (number, found.offset + shift, found.target)
            alone = found.end and "\n" not in whole[found.begin : found.end]
            whereabouts = (found.begin + shift, found.end + shift, found.words) if alone else ()
            self.links.append(Link(*place, *whereabouts))

    def line(self, number: int, text: str, wider: int) -> None:
        """Take one line in, which its tabs made ``wider`` than it is."""
        rest, cut = self.enter(text)
        cut -= wider
        if self.fence or self.raw:
            self.code(number, rest, cut)
        elif rest and not rest.isspace():
            self.empty_item = False
            self.block(number, rest, cut)
        else:
            if self.empty_item:
                self.inside.pop()  # An item that begins with two empty lines is over.
            self.empty_item = False
            self.flush()

    def enter(self, text: str) -> tuple[str, int]:
        """The line without the marks of the quotes and the indents of the items it lies in, and the columns cut off."""
        rest, cut = text, 0
        for depth, width in enumerate(self.inside):
            if width:
                belongs = not rest[:width].strip(" ")
            else:
                mark = _QUOTE.match(rest)
                belongs = mark is not None
                width = mark.end() if mark else 0
            if not belongs:
                if self.fence or self.raw or not self.paragraph or not rest.strip() or self.starts(rest):
                    self.leave(depth)
                break
            rest, cut = rest[width:], cut + width
        return rest, cut

    def leave(self, depth: int) -> None:
        """Close the quotes and items from the one at ``depth`` on, and all that is open in them."""
        self.flush()
        self.fence, self.raw, self.empty_item = "", None, False
        del self.inside[depth:]

    def starts(self, rest: str) -> bool:
        """Whether a line begins a block that ends a paragraph."""
        item = _ITEM.match(rest)
        return bool(
            _ATX.match(rest)
            or _FENCE.match(rest)
            or _RULER.match(rest)
            or _QUOTE.match(rest)
            or _RAW.match(rest)
            or _BLOCK.match(rest)
            or (item and (any(self.inside) or _interrupts(item, rest)))
        )

    def code(self, number: int, rest: str, cut: int) -> None:
        """A line of a fenced block or of an HTML block."""
        if self.fence:
            mark = _FENCE.match(rest)
            run = (mark[1] or mark[3]) if mark else ""
            if mark and run.startswith(self.fence) and not (mark[2] or mark[4] or "").strip():
                self.fence = ""
        elif self.raw:
            self.html.append((number, cut, rest))
            if self.raw.search(rest) if self.raw.pattern else not rest.strip():
                self.raw = None
                self.flush()

    def block(self, number: int, rest: str, cut: int) -> None:
        """A line that is in no code: a heading, a mark, or text."""
        if rest[:1] not in _MARKS and not rest[:1].isdigit():
            self.text(number, rest, cut)
        elif not self.paragraph and rest.startswith("    "):
            return  # Indented code.
        elif self.paragraph and (under := _UNDERLINE.match(rest)) and not self.only_definitions():
            words = " ".join(text.strip() for _, _, text in self.paragraph)
            self.headings.append(Heading(self.paragraph[0][0], 1 if under[1][0] == "=" else 2, words))
            self.flush()
        elif heading := _ATX.match(rest):
            self.flush()
            self.headings.append(Heading(number, len(heading[1]), (heading[2] or "").strip()))
            self.inline([(number, cut, rest)])
        elif fence := _FENCE.match(rest):
            self.flush()
            self.fence = fence[1] or fence[3]
        elif _RULER.match(rest):
            self.flush()
        elif mark := _QUOTE.match(rest):
            self.flush()
            self.inside.append(0)
            self.rest(number, rest[mark.end() :], cut + mark.end())
        elif (item := _ITEM.match(rest)) and (not self.paragraph or _interrupts(item, rest)):
            self.item(number, item, rest, cut)
        elif not self.opens_html(number, rest, cut):
            self.text(number, rest, cut)

    def item(self, number: int, item: re.Match[str], rest: str, cut: int) -> None:
        """A list item begins; what follows its mark is a line of its own."""
        self.flush()
        spaces = len(item[4] or "")
        width = item.end() if 1 <= spaces <= 4 and item.end() < len(rest) else item.end(2) + 1
        self.inside.append(width)
        self.empty_item = not rest[width:].strip()
        self.rest(number, rest[width:], cut + width)

    def rest(self, number: int, rest: str, cut: int) -> None:
        """What stands after a mark on the same line."""
        if rest.strip():
            self.block(number, rest, cut)

    def opens_html(self, number: int, rest: str, cut: int) -> bool:
        """Whether the line begins an HTML block, which is then open unless it ends on the same line."""
        if raw := _RAW.match(rest):
            end = _RAW_ENDS[next(n for n, group in enumerate(raw.groups()) if group)]
            self.flush()
            self.raw = None if end.search(rest, raw.end()) else end
        elif _BLOCK.match(rest) or (not self.paragraph and _ALONE.match(rest)):
            self.flush()
            self.raw = re.compile("")
        else:
            return False
        self.html.append((number, cut, rest))
        if not self.raw:
            self.flush()
        return True

    def text(self, number: int, rest: str, cut: int) -> None:
        """A line of a paragraph."""
        bare = rest.lstrip()
        self.paragraph.append((number, cut + len(rest) - len(bare), bare))

    def only_definitions(self) -> bool:
        """Whether the paragraph is made of reference definitions, which no underline turns into a heading."""
        return all(definition(text) for _, _, text in self.paragraph)


_MARKS = frozenset(" \t#`~-_*=>+<")
_MARKED = re.compile(r"[ \t>*+\d.)-]*")  # what may stand before the text of a line; tabs count for nothing after it


def _interrupts(item: re.Match[str], rest: str) -> bool:
    """Whether a list item may end a paragraph: not an empty one, and no number but 1."""
    return bool(rest[item.end() :].strip()) and item[3] in (None, "1")


def scan(lines: list[str], first: int = 1) -> tuple[list[Heading], list[Link]]:
    """Headings and links of a body whose first line has the number ``first``, in the order they are read."""
    scanner = _Scanner()
    for number, text in enumerate(lines, first):
        if "\t" in text:
            marks = _MARKED.match(text)
            assert marks is not None
            wide = marks[0].expandtabs(4)
            scanner.line(number, wide + text[marks.end() :], len(wide) - marks.end())
        else:
            scanner.line(number, text, 0)
    scanner.flush()
    return scanner.headings, scanner.links
