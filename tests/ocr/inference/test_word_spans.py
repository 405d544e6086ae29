"""Words are found where they stand: in a crop by the places of characters, on a page by every format."""

import numpy as np
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from ocr.fonts.find import font_path
from ocr.formats.render import render
from ocr.formats.words import words
from ocr.inference.engine import open_reader
from ocr.inference.word_spans import word_spans

WORDS = ("TOTAL", "(RM):", "1", "x", "12.80", "I", "gift,")


@pytest.fixture(scope="module")
def reader():
    return open_reader(threads=1)


def ink(word, place, font, size):
    """Bounds of what drawing a word there blackens."""
    alone = Image.new("L", size)
    ImageDraw.Draw(alone).text(place, word, fill=255, font=font)
    return alone.point(lambda value: value > 80 and 255).getbbox()


def drawn(font, spaces, margin=0):
    """A crop of the words, so many spaces apart; its text, the middle and the bounds of each word's characters."""
    space = font.getlength(" ")
    width = round(sum(map(font.getlength, WORDS)) + space * sum(spaces)) + 2 * margin
    crop = Image.new("RGB", (width, round(1.3 * font.size)), "white")
    pen, x, middles, bounds = ImageDraw.Draw(crop), float(margin), [], []
    for word, gap in zip(WORDS, (*spaces, 0), strict=True):
        pen.text((x, 0), word, fill="black", font=font)
        bounds.append(ink(word, (x, 0), font, crop.size)[::2])
        for index, character in enumerate(word):
            start = x + font.getlength(word[:index])
            middles.append(start + font.getlength(character) / 2)
        middles.append(x + font.getlength(word) + gap * space / 2)  # the space
        x += font.getlength(word) + gap * space
    places = [min(max(middle / width, 0.0), 1.0) for middle in middles[:-1]]
    return np.asarray(crop), " ".join(WORDS), places, bounds


@pytest.mark.parametrize("size", [14, 32, 60])
@pytest.mark.parametrize("name", ["sans", "serif", "mono", "sans-condensed"])
@pytest.mark.parametrize("spaces", [(1,) * 6, (1, 9, 2, 1, 20, 1)])
@pytest.mark.parametrize("off", [-0.08, 0.0, 0.08])
def test_words_end_where_their_ink_does(name, size, spaces, off):
    """Also where the recognizer places characters a little to one side: by so many heights."""
    font = ImageFont.truetype(str(font_path(name)), size)
    crop, text, places, bounds = drawn(font, spaces)
    moved = [min(max(place + off * size / crop.shape[1], 0.0), 1.0) for place in places]
    found = np.array(word_spans(text, moved, crop)) * crop.shape[1]
    assert found == pytest.approx(np.array(bounds), abs=max(2, 0.1 * size))


def test_a_mark_apart_is_no_part_of_the_first_or_last_word():
    font = ImageFont.truetype(str(font_path("sans")), 32)
    crop, text, places, bounds = drawn(font, (1,) * 6, margin=60)
    marked = crop.copy()
    marked[5:35, :8] = marked[5:35, -8:] = 0
    found = np.array(word_spans(text, places, marked)) * crop.shape[1]
    assert found == pytest.approx(np.array(bounds), abs=3)


@given(
    st.text("ab ", min_size=1, max_size=12),
    st.lists(st.floats(0, 1), min_size=12, max_size=12),
    st.integers(1, 60),
    st.integers(1, 40),
    st.randoms(use_true_random=False),
)
def test_any_crop_gives_a_rising_span_for_each_word(text, places, width, height, chance):
    crop = np.array([chance.choice((0, 255)) for _ in range(width * height)], np.uint8).reshape(height, width, 1)
    spans = word_spans(text, sorted(places)[: len(text)], np.ascontiguousarray(crop.repeat(3, axis=2)))
    assert len(spans) == len(text.split())
    flat = [bound for span in spans for bound in span]
    assert all(0 <= bound <= 1 for bound in flat)
    assert flat == sorted(flat)


@pytest.mark.parametrize(("text", "places"), [("a b", ()), ("", ()), ("  ", (0.2, 0.4)), ("ab", (0.5,))])
def test_without_places_or_words_there_are_no_spans(text, places):
    assert word_spans(text, places, np.zeros((10, 20, 3), np.uint8)) == []


ROWS = ((("Espresso", 60), ("double", 260), ("4.50", 690)), (("Cheesecake", 60), ("with", 330), ("berries", 440)),
        (("Total", 60), ("amount", 190), ("14.50", 660)), (("Thank", 60), ("you,", 190), ("come", 300), ("again", 420)),
        (("Table", 60), ("12", 200), ("Guests", 400), ("7", 700)), (("Card", 60), ("ending", 190), ("3719", 640)),
        (("Service", 60), ("included", 240)))  # fmt: skip


def a_page():
    """A page 820 pixels wide, and the bounds in pixels of each word on it."""
    page, font = Image.new("RGB", (820, 640), "white"), ImageFont.truetype(str(font_path("serif")), 36)
    pen, bounds = ImageDraw.Draw(page), {}
    for number, row in enumerate(ROWS):
        for word, x in row:
            pen.text((x, 50 + 80 * number), word, fill="black", font=font)
            bounds[word] = ink(word, (x, 50 + 80 * number), font, page.size)
    return np.asarray(page), bounds


@pytest.mark.parametrize("quarters", range(4))
def test_words_of_a_page_are_found_where_they_were_drawn_however_it_lies(reader, quarters):
    image, bounds = a_page()
    page = reader.read(np.ascontiguousarray(np.rot90(image, quarters)), source="")
    height, width = image.shape[:2]
    seen = {}
    for word in (word for line in page.lines for word in words(line)):
        x, y = word.quad.T
        for turned in range(quarters, 0, -1):  # back, a quarter at a time
            side = width if turned % 2 else height
            x, y = side - y, x
        seen[word.text] = (x.min(), x.max(), y.min(), y.max())
    found = [word for word in bounds if word in seen]
    assert len(found) >= 0.9 * len(bounds)
    for word in found:
        left, top, right, bottom = bounds[word]
        assert seen[word][:2] == pytest.approx((left, right), abs=6), word
        assert seen[word][2] < (top + bottom) / 2 < seen[word][3], word


def test_words_of_a_pdf_are_selected_where_they_were_drawn(reader):
    image, bounds = a_page()
    page = reader.read(image, source="")
    text = pypdfium2.PdfDocument(render([page], "pdf", images=[image], dpi=72))[0].get_textpage()
    selected = 0
    for word, (left, _, right, _) in bounds.items():
        hit = text.search(word, match_whole_word=True).get_next()
        if hit is not None:
            rectangles = [text.get_charbox(hit[0] + index) for index in range(hit[1])]
            assert (rectangles[0][0], rectangles[-1][2]) == pytest.approx((left, right), abs=9), word
            selected += 1
    assert selected >= 0.9 * len(bounds)
