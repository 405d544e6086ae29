"""Every format of the table is valid by its schema, or is read back by a reader that is not ours."""

import csv
import io
import json
import shutil
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from hocr_spec.validate import HocrValidator
from lxml import etree, html
from markdown_it import MarkdownIt
from numpy.typing import NDArray
from PIL import Image

from ocr.errors import ConfigError
from ocr.formats.page import FailedImage, FailedPage, Failure, ImageInfo, Line, ModelInfo, Models, Page
from ocr.formats.render import FORMATS, render
from ocr.formats.searchable_pdf import encode
from ocr.formats.words import line_quad, rows, upright, words
from ocr.geometry.turn import turn_back

SCHEMAS = Path(__file__).parent / "schemas"
ALTO = {"a": "http://www.loc.gov/standards/alto/ns-v4#"}
PAGE = {"p": "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"}
SPOILT = str.maketrans({"\x01": "\ufffd", "\ufffe": "\ufffd"})


MODELS = Models(detector=ModelInfo(name="d", sha256="0" * 64), recognizer=ModelInfo(name="r", sha256="1" * 64))
WIDTH, HEIGHT = 800, 600


def make_line(text: str, x: float, y: float, width: float, height: float = 30, *, tilt: float = 0) -> Line:
    """A line with its top left corner at (x, y); its right end is `tilt` pixels lower."""
    polygon = [(x, y), (x + width, y + tilt), (x + width, y + height + tilt), (x, y + height)]
    return Line(polygon=polygon, text=text, confidence=0.875, detection_score=0.9)


def make_page(lines: list[Line], *, source: str = "receipt.jpg", number: int = 1) -> Page:
    image = ImageInfo(source=source, page=number, width=WIDTH, height=HEIGHT)
    return Page(image=image, lines=lines, timings_ms={"total": 1.0}, models=MODELS)


@pytest.fixture
def pages() -> list[Page]:
    hard = [
        make_line("Caf\N{LATIN SMALL LETTER E WITH ACUTE} & <b>Sons</b> \"Ltd\" 'x' \\ ]]>", 40, 30, 500),
        make_line("합계 금액", 40, 100, 200, tilt=15),
        make_line("12,000 원", 500, 108, 180),
        make_line("1. *bold* # _x_ | pipe", 40, 200, 300),
        make_line("- a\x01b\ufffe \U0001f600", -20, 560, 900, 60),  # out of the image, and no XML characters
        make_line("-RM 0.02", 40, 300, 100, 1),
    ]
    return [make_page(hard, source='we"ird & \\ name.png'), make_page([], number=2)]


@pytest.fixture
def failed() -> FailedPage:
    return FailedPage(image=FailedImage(source="gone.png"), error=Failure(reason="no such file", remedy="check *it*"))


@pytest.fixture
def image() -> NDArray[np.uint8]:
    return np.full((HEIGHT, WIDTH, 3), 240, np.uint8)


def spoken(pages: list[Page]) -> list[str]:
    """The texts as XML can hold them."""
    return [line.text.translate(SPOILT) for page in pages for line in page.lines]


def test_every_format_takes_a_blank_page_and_says_what_it_is(image: NDArray[np.uint8]) -> None:
    for name, known in FORMATS.items():
        assert render([make_page([])], name, images=[image]), name
        assert known.suffix.startswith(".")
        assert "/" in known.media_type


def test_alto_is_valid_and_holds_every_word_in_its_line(pages: list[Page], failed: FailedPage) -> None:
    tree = etree.fromstring(render([*pages, failed], "alto"))
    etree.XMLSchema(etree.parse(SCHEMAS / "alto-4.xsd")).assertValid(tree)
    lines = tree.findall(".//a:TextLine", ALTO)
    strings = [[one.get("CONTENT") for one in line.findall("a:String", ALTO)] for line in lines]
    assert strings == [text.split() for text in spoken(pages)]
    assert {one.get("WC") for one in tree.findall(".//a:String", ALTO)} == {"0.8750"}
    for line in lines:
        places = [float(one.get("HPOS")) for one in line.findall("a:String", ALTO)]
        assert places == sorted(places)
        assert 0 <= float(line.get("HPOS")) < WIDTH
        assert float(line.get("VPOS")) + float(line.get("HEIGHT")) <= HEIGHT
    assert tree.findtext(".//a:fileName", namespaces=ALTO) is None  # two sources, room for one
    assert b"<fileName>receipt.jpg<" in render([pages[1]], "alto")


def test_page_xml_is_valid_and_holds_lines_in_order(pages: list[Page]) -> None:
    schema = etree.XMLSchema(etree.parse(SCHEMAS / "page-2019-07-15.xsd"))
    for page in pages:
        tree = etree.fromstring(render([page], "page"))
        schema.assertValid(tree)
        texts = [
            line.findtext("p:TextEquiv/p:Unicode", namespaces=PAGE) for line in tree.iterfind(".//p:TextLine", PAGE)
        ]
        assert texts == spoken([page])
    with pytest.raises(ConfigError, match="one page a file"):
        render(pages, "page")


def test_hocr_passes_the_validator_of_its_specification(pages: list[Page], tmp_path: Path) -> None:
    path = tmp_path / "pages.hocr"
    path.write_bytes(render(pages, "hocr"))
    report = HocrValidator("standard").validate(str(path), parse_strict=True)
    assert [item.message for item in report.items if item.level in ("ERROR", "FATAL")] == []
    document = html.fromstring(path.read_bytes())
    lines = document.find_class("ocr_line")
    assert [[word.text for word in line.find_class("ocrx_word")] for line in lines] == [
        t.split() for t in spoken(pages)
    ]
    first = document.find_class("ocr_page")[0].get("title")
    assert first == r'image "we\"ird & \\ name.png"; bbox 0 0 800 600; ppageno 0'
    tilted = lines[1].get("title")
    assert tilted == "bbox 40 100 240 145; baseline 0.075 -15"


def test_hocr_numbers_a_page_as_its_file_does(pages: list[Page], failed: FailedPage) -> None:
    document = html.fromstring(render([failed, pages[1]], "hocr"))
    (page,) = document.find_class("ocr_page")
    assert (page.get("id"), page.get("title").rpartition("; ")[2]) == ("page_1", "ppageno 1")


def test_the_text_of_a_pdf_is_found_where_it_stands(
    pages: list[Page], image: NDArray[np.uint8], tmp_path: Path
) -> None:
    path = tmp_path / "pages.pdf"
    path.write_bytes(render(pages, "pdf", images=[image, encode(image)], dpi=100))
    document = pypdfium2.PdfDocument(path)
    assert [page.get_size() for page in document] == [(WIDTH * 0.72, HEIGHT * 0.72)] * 2
    found = document[0].get_textpage()
    text = found.get_text_range()
    for line in pages[0].lines[:4]:
        assert line.text in text, line.text
        start = text.index(line.text)
        boxes = [found.get_charbox(start + i) for i, c in enumerate(line.text) if c != " "]
        quad = line_quad(line) * 0.72
        assert min(box[0] for box in boxes) == pytest.approx(quad[:, 0].min(), abs=6)
        assert max(box[2] for box in boxes) == pytest.approx(quad[:, 0].max(), abs=6)
        low, high = HEIGHT * 0.72 - quad[:, 1].max(), HEIGHT * 0.72 - quad[:, 1].min()
        assert all(low - 6 < (box[1] + box[3]) / 2 < high + 6 for box in boxes)


def test_the_text_of_a_pdf_cannot_be_seen(pages: list[Page], image: NDArray[np.uint8]) -> None:
    document = pypdfium2.PdfDocument(render(pages[:1], "pdf", images=[image]))
    shown = document[0].render(scale=1).to_numpy()
    assert shown.min() > 230


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs poppler-utils")
def test_poppler_finds_the_same_text(pages: list[Page], image: NDArray[np.uint8], tmp_path: Path) -> None:
    path = tmp_path / "pages.pdf"
    path.write_bytes(render(pages, "pdf", images=[image, image]))
    text = subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True).stdout
    assert all(word in text for word in ["Café", "<b>Sons</b>", "합계", "금액", "12,000", "원", "-RM"])


def test_a_long_strip_fits_a_pdf_page() -> None:
    page = make_page([make_line("TOTAL", 10, 10, 90)])
    strip = replace(page, image=replace(page.image, height=60_000, width=40))
    data = render([strip], "pdf", images=[np.full((60_000, 40, 3), 255, np.uint8)], dpi=72)
    assert pypdfium2.PdfDocument(data)[0].get_size()[1] == 14_400


@pytest.mark.parametrize("size", [(66_000, 40), (3, 70_000)])
def test_an_image_too_long_for_a_jpeg_is_in_the_pdf_all_the_same(size: tuple[int, int]) -> None:
    page = make_page([make_line("TOTAL", 10, 10, 90)])
    page = replace(page, image=replace(page.image, height=size[0], width=size[1]))
    image = np.full((*size, 3), 255, np.uint8)
    with Image.open(io.BytesIO(encode(image))) as jpeg:
        assert max(jpeg.size) == 65_500
    (written,) = pypdfium2.PdfDocument(render([page], "pdf", images=[encode(image)]))
    assert "TOTAL" in written.get_textpage().get_text_range()


def test_a_pdf_needs_the_image_of_every_page(pages: list[Page], image: NDArray[np.uint8]) -> None:
    for images in ([], [image], [image, image[:10]]):
        with pytest.raises(ConfigError, match="needs the image of every page"):
            render(pages, "pdf", images=images)


def test_csv_is_read_back_by_the_csv_module(pages: list[Page], failed: FailedPage) -> None:
    table = list(csv.DictReader(io.StringIO(render([failed, *pages], "csv").decode(), newline="")))
    assert [row["text"] for row in table] == [line.text for line in pages[0].lines]
    assert [float(table[1][key]) for key in ("x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4")] == [
        40, 100, 240, 115, 240, 145, 40, 130,
    ]  # fmt: skip
    assert {row["source"] for row in table} == {'we"ird & \\ name.png'}


def test_markdown_shows_the_texts_literally(pages: list[Page], failed: FailedPage) -> None:
    shown = html.fromstring(MarkdownIt().render(render([*pages, failed], "markdown").decode()))
    assert [heading.text_content() for heading in shown.iter("h2")] == [
        'we"ird & \\ name.png', "receipt.jpg, page 2", "gone.png",
    ]  # fmt: skip
    assert not [tag for tag in ("ul", "ol", "em", "b", "h1") if shown.find(f".//{tag}") is not None]
    lines = shown.find(".//p").text_content().split("\n")
    assert lines[1].split("\N{EM SPACE}") == ["합계 금액", "12,000 원"]
    assert lines[2] == "1. *bold* # _x_ | pipe"
    assert "check *it*" in shown.find(".//blockquote").text_content()


def turned(page: Page, quarters: int) -> Page:
    """The page as it is read from ``np.rot90(image, quarters)``."""
    width, height = page.image.width, page.image.height
    size = (height, width) if quarters % 2 else (width, height)
    lines = [
        replace(line, polygon=[(x, y) for x, y in turn_back(np.array(line.polygon), -quarters, size).tolist()])
        for line in page.lines
    ]
    return replace(page, image=replace(page.image, width=size[0], height=size[1]), lines=lines)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_markdown_of_a_page_that_lies_on_its_side_is_that_of_the_upright_one(pages: list[Page], quarters: int) -> None:
    page = turned(pages[0], quarters)
    assert render([page], "markdown") == render(pages[:1], "markdown")
    assert upright(page).lines == pages[0].lines
    assert upright(page).image == pages[0].image
    assert upright(pages[0]) is pages[0]


def test_text_and_json(pages: list[Page], failed: FailedPage) -> None:
    assert render([*pages, failed], "text").decode().split("\f") == [pages[0].text + "\n", "\n", ""]
    document = json.loads(render([*pages, failed], "json"))
    assert [page["image"]["source"] for page in document["pages"]] == [
        'we"ird & \\ name.png',
        "receipt.jpg",
        "gone.png",
    ]


def test_an_unknown_format_names_the_known_ones(pages: list[Page]) -> None:
    with pytest.raises(ConfigError, match="no format 'docx'; choose json, text"):
        render(pages, "docx")


def test_words_share_a_line_by_their_width() -> None:
    """Hangul is twice as wide: 4 + 1 + 2 parts of 70 pixels."""
    first, second = words(make_line("합계 ab", 10, 0, 70))
    assert (first.text, second.text) == ("합계", "ab")
    assert np.allclose(first.quad[:, 0], [10, 50, 50, 10])
    assert np.allclose(second.quad[:, 0], [60, 80, 80, 60])
    assert words(make_line("  ", 0, 0, 10)) == []
    repeated = words(make_line("a a a", 0, 0, 50))
    assert all(left.quad[1, 0] < right.quad[0, 0] for left, right in pairwise(repeated))


def test_words_of_a_line_that_stands_follow_each_other_downwards() -> None:
    """From the right side on, as a page turned a quarter clockwise is read."""
    first, second = words(replace(make_line("up down", 10, 20, 30, 200), spans=[(0.0, 0.25), (0.5, 1.0)]))
    assert np.allclose(first.quad, [(40, 20), (40, 70), (10, 70), (10, 20)])
    assert np.allclose(second.quad, [(40, 120), (40, 220), (10, 220), (10, 120)])
    (narrow,) = words(replace(make_line("1", 10, 20, 10, 30), spans=[(0.1, 0.9)]))
    assert np.allclose(narrow.quad, [(10, 20), (20, 20), (20, 50), (10, 50)])


def test_rows_gather_what_stands_side_by_side() -> None:
    lines = [make_line(text, x, y, 50) for text, x, y in (("b", 300, 2), ("a", 10, 0), ("c", 10, 40))]
    assert [[line.text for line in row] for row in rows(lines)] == [["a", "b"], ["c"]]
