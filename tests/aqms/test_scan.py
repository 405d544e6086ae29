"""The line scanner reads headings and links as a full Markdown parser does."""

from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from aqms.scan import scan

ROOT = Path(__file__).resolve().parents[2]
PARSER = MarkdownIt("commonmark")


def meant(target: str) -> str:
    """A target without escapes and percent signs, for one parser encodes what the other leaves as written."""
    for char in "()[]\\<>_*`!":
        target = target.replace("\\" + char, char)
    return unquote(unescape(target))


def by_parser(text: str) -> tuple[list[tuple[int, int]], list[str]]:
    """Line and level of each heading, and all targets, sorted."""
    env: dict[str, Any] = {}
    tokens = PARSER.parse(text, env)
    headings = [(t.map[0] + 1, int(t.tag[1])) for t in tokens if t.type == "heading_open" and t.map]
    targets = [str(t.attrs.get("href", t.attrs.get("src"))) for t in _leaves(tokens) if _is_target(t)]
    targets += [target for t in _leaves(tokens) if t.type.startswith("html_") for target in by_html_parser(t.content)]
    targets += [found["href"] for found in (*env.get("references", {}).values(), *env.get("duplicate_refs", []))]
    return headings, sorted(map(meant, targets))


class Tags(HTMLParser):
    """Collects the values of href and src."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("href", "src") and value]


def by_html_parser(text: str) -> list[str]:
    """What the tags of HTML point to."""
    tags = Tags()
    tags.feed(text)
    tags.close()
    return tags.found


def _leaves(tokens: list[Token]) -> list[Token]:
    return [leaf for t in tokens for leaf in (t, *_leaves(t.children or []))]


def _is_target(token: Token) -> bool:
    return token.type == "image" or (token.type == "link_open" and token.info != "auto")


def by_scanner(text: str) -> tuple[list[tuple[int, int]], list[str]]:
    lines = text.split("\n")
    headings, links = scan(lines)
    for link in links:
        line = lines[link.line - 1]
        assert line[link.column - 1 :].startswith(link.target)
        if link.end:
            whole = line[link.begin - 1 : link.end - 1]
            assert whole.startswith(("[", "!["))
            assert whole.endswith(")")
            assert link.words in whole
    return [(h.line, h.level) for h in headings], sorted(meant(link.target) for link in links)


WORDS = st.sampled_from(["word", "둘", "a_b", "2026", "x*y", "1 < 2", "a > b", "\\[no\\](gone.md)", "&amp;", "--"])
TARGETS = st.sampled_from(["a.md", "../b c.md", "c_(1).md", "<d e.md>", "#part", "https://x.y/z", 'f.md "title"', ""])
TAGGED = st.sampled_from(["q.md", "../b%20c.md#part", "https://x.y/z", "/d.png", "a&amp;b.md", ""])
LINK = st.builds("[{}]({})".format, WORDS, TARGETS)
INLINE = st.one_of(
    WORDS,
    LINK,
    st.builds("![{}]({})".format, WORDS, TARGETS),
    st.builds("[![{}](i.png)]({})".format, WORDS, TARGETS),
    st.builds("[a {} b](outer.md)".format, LINK),
    st.builds("`{}`".format, LINK),
    st.builds("``{} ` ``".format, LINK),
    st.builds("`{}".format, LINK),
    st.builds("**{}**".format, LINK),
    st.builds("<https://x.y/{}>".format, st.sampled_from(["a", "b"])),
    st.builds('<b title="{}">'.format, LINK),
    st.just("<img src='p q.png' alt=\"a > b\"/>"),
    st.builds('<a class="x" href="{}">q</a>'.format, TAGGED),
    st.builds('`<a href="{}">`'.format, TAGGED),
    st.builds('[<img src="{}">](a.md)'.format, TAGGED),
    st.builds('<a title=" href=gone.md"\n href={}>'.format, st.sampled_from(["q.md", "../r.md#s"])),
    st.builds("[{}".format, WORDS),
    st.builds("{}](x.md)".format, WORDS),
)
SENTENCE = st.lists(INLINE, min_size=1, max_size=4).map(" ".join)
PARAGRAPH = st.lists(SENTENCE, min_size=1, max_size=3).map("\n".join)
LEAF = st.one_of(
    PARAGRAPH,
    st.builds("{} {}".format, st.sampled_from(["#", "##", "###", "   ####", "#######", "\\#"]), SENTENCE),
    st.builds("{} {} ##".format, st.sampled_from(["#", "##"]), SENTENCE),
    st.builds("{}\n{}".format, SENTENCE, st.sampled_from(["===", "---", "-", "= =", "***"])),
    st.builds("{0}\n# {1}\n{1}\n{0}".format, st.sampled_from(["```", "~~~", "````"]), LINK),
    st.builds("```python\n{}\n```\n{}".format, PARAGRAPH, PARAGRAPH),
    st.builds("    # {}".format, LINK),
    st.builds("<!--\n# {}\n-->".format, LINK),
    st.builds("<div>\n# {0}\n\n{0}\n</div>".format, LINK),
    st.builds("<pre>\n\n{}\n</pre>".format, LINK),
    st.builds('<p align="center">\n<img src="{0}"><a\n  href="{0}">a</a> `<a href="{0}">`\n</p>'.format, TAGGED),
    st.builds('<!-- <a href="{0}"> --> <a href="{0}">'.format, TAGGED),
    st.builds('<script src="{0}">\nx = "<a href=\'{0}\'>"\n</script>\n<a href="{0}">'.format, TAGGED),
    st.builds('```html\n<a href="{0}">\n```\n\n    <a href="{0}">'.format, TAGGED),
    st.sampled_from(["---", "***", "[ref]: r.md", "[ref]: <r s.md>\n[other]: o.md 'title'", "#", "# #"]),
)


def indented(text: str, first: str, other: str) -> str:
    lines = text.split("\n")
    return "\n".join([first + lines[0], *(other + line if line else line for line in lines[1:])])


BLOCK = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.builds(lambda t: indented(t, "- ", "  "), inner),
        st.builds(lambda t: indented(t, "1. ", "   "), inner),
        st.builds(lambda t: indented(t, "- [ ] ", "  "), PARAGRAPH),
        st.builds(lambda t: "\n".join(f"> {line}" for line in t.split("\n")), inner),
        st.lists(inner, min_size=2, max_size=3).map("\n\n".join),
    ),
    max_leaves=4,
)
DOCUMENT = st.lists(BLOCK, min_size=1, max_size=6).map("\n\n".join)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENT)
@example("- a\n\n      # code [a](b.md)\n\n  [c](d.md)")
@example("para\n> quoted [a](b.md)\nlazy [c](d.md)")
@example("1. one\n\n   ```\n   # no\n   ```\n2. two [a](b.md)")
@example('> <div>\n> <img src="a.png">\n\n- <p><a href="b.md">b</a>\n\t<a href="c.md">c</a>')
@example("[a\nb](c.md) and [d](\ne.md)")
@example("-\ta\tb\t[c](d.md)\n\t- [e](f.md)\n\n\t\t[code](g.md)")
@example("1.\t# a [b](c.md)\n\n>\t[d](e.md)\n\n\t[f](g.md)")
def test_headings_and_links_are_those_of_a_full_parser(text: str) -> None:
    assert by_scanner(text) == by_parser(text)


@pytest.mark.parametrize(
    "path",
    sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.parent.glob("shared/reference/documents/*.md")]),
    ids=lambda path: path.name,
)
def test_documents_are_read_as_a_full_parser_reads_them(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if text.startswith("---\n"):
        text = text.partition("\n---\n")[2]
    assert by_scanner(text) == by_parser(text)
