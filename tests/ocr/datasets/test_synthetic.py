"""Synthetic receipts and lines: seeded, true, varied, and readable."""

import random
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr.datasets.annotations import read_samples
from ocr.datasets.lmdb_crops import LmdbCrops
from ocr.datasets.receipt_ink import draw_style, print_text
from ocr.datasets.synthesize import write_lines, write_pages
from ocr.datasets.synthetic import has_hangul, line, receipt
from ocr.errors import InputError
from ocr.fonts.find import font_names
from ocr.geometry.polygon import area
from ocr.geometry.validate import validate
from ocr.text.charset import Charset

HANGUL = Charset((*Charset.default().characters, *map(chr, range(0xAC00, 0xD7A4))))
FEW = settings(max_examples=15, deadline=None)
SEEDS = st.integers(0, 2**40)


@given(SEEDS)
@FEW
def test_a_receipt_has_sound_polygons_inside_its_image(seed: int) -> None:
    page = receipt(seed, items=3, width=420)
    height, width = page.image.shape[:2]
    assert page.image.dtype == np.uint8
    assert len(page.polygons) == len(page.texts) > 8
    for polygon, text in zip(page.polygons, page.texts, strict=True):
        checked = validate(polygon, (width, height))
        assert checked.polygon is not None, (text, polygon)
        assert area(checked.polygon) > 0.9 * area(polygon)
        assert text.strip() == text != ""


@pytest.mark.parametrize("seed", range(6))
def test_the_ink_is_in_the_polygons(seed: int) -> None:
    """On pages as printed: inside is darker than the paper around, for nearly every polygon."""
    page = receipt(seed, severity=0.0, width=600, items=4)
    grey = cv2.cvtColor(page.image, cv2.COLOR_RGB2GRAY).astype(float)
    text = np.zeros(grey.shape, np.uint8)
    for polygon in page.polygons:
        cv2.fillPoly(text, [polygon.round().astype(np.int32)], 1)
    paper = np.median(grey[(text == 0) & (grey > np.percentile(grey, 40))])
    darkest = []
    for polygon in page.polygons:
        x0, y0 = np.maximum(0, np.floor(polygon.min(axis=0)).astype(int))
        x1, y1 = np.ceil(polygon.max(axis=0)).astype(int)
        darkest.append(grey[y0:y1, x0:x1].min())
    assert np.mean(np.array(darkest) < paper - 40) > 0.95


def test_the_same_seed_gives_the_same_page_and_another_another() -> None:
    first, again, other = receipt(7), receipt(7), receipt(8)
    assert np.array_equal(first.image, again.image)
    assert first.texts == again.texts
    assert all(np.array_equal(a, b) for a, b in zip(first.polygons, again.polygons, strict=True))
    assert first.texts != other.texts


def test_receipts_can_be_long_narrow_and_korean() -> None:
    strip = receipt(3, width=420, items=70)
    assert strip.image.shape[0] > 4 * strip.image.shape[1]
    korean = receipt(3, hangul=True, charset=HANGUL)
    assert sum(any("가" <= c <= "힣" for c in text) for text in korean.texts) > 5
    mixed = [receipt(seed, charset=HANGUL, items=1, width=420).texts for seed in range(8)]
    with_hangul = [any("가" <= c <= "힣" for text in texts for c in text) for texts in mixed]
    assert any(with_hangul)
    assert not all(with_hangul)


def test_bent_pages_have_polygons_that_follow_the_bend() -> None:
    corners = {len(polygon) for seed in range(20) for polygon in receipt(seed, items=1, width=420).polygons}
    assert corners == {4, 10}


@given(SEEDS)
@FEW
def test_a_line_is_a_crop_with_visible_ink(seed: int) -> None:
    image, text = line(seed)
    height, width = image.shape[:2]
    assert image.dtype == np.uint8
    assert 6 <= height <= 110
    assert width >= 3
    assert not Charset.default().missing(text)
    assert np.ptp(image.astype(int)) >= 20


def test_lines_are_seeded_and_take_a_given_text() -> None:
    image, text = line(11)
    assert np.array_equal(image, line(11)[0])
    assert line(11, "Sub-Total: €5.00")[1] == "Sub-Total: €5.00"
    assert text != line(12)[1]
    korean = [line(seed, charset=HANGUL)[1] for seed in range(60)]
    assert 10 < sum(any("가" <= c <= "힣" for c in text) for text in korean) < 50


def test_a_text_that_no_font_has_is_refused() -> None:
    with pytest.raises(ValueError, match="no shipped font has all characters"):
        line(0, "漢字")


@pytest.mark.parametrize("name", font_names())
def test_every_font_prints_in_every_way(name: str) -> None:
    styles = {draw_style(random.Random(seed), "A", 30) for seed in range(300)}
    assert {style.pixels for style in styles} == {True, False}
    assert {style.weight for style in styles} == {-1, 0, 1}
    assert max(style.dot for style in styles) > 0
    for style in list(styles)[:12]:
        printed = print_text(replace(style, font=name), "Ag 1.5")
        x0, y0, x1, y1 = printed.box
        assert printed.ink.max() > 120
        assert 0 <= x0 < x1 <= printed.ink.shape[1]
        assert 0 <= y0 < y1 <= printed.ink.shape[0]


def test_hangul_is_known_from_the_charset() -> None:
    assert has_hangul(HANGUL)
    assert not has_hangul(Charset.default())


def test_data_sets_are_written_and_read_back(tmp_path) -> None:
    write_pages(tmp_path / "pages", 3, seed=4)
    samples = list(read_samples(tmp_path / "pages"))
    assert [sample.name for sample in samples] == ["receipt-00000.jpg", "receipt-00001.jpg", "receipt-00002.jpg"]
    assert all(sample.load().shape[2] == 3 and sample.polygons for sample in samples)
    write_pages(tmp_path / "again", 3, seed=4)
    first, again = ((tmp_path / folder / "annotations.json").read_bytes() for folder in ("pages", "again"))
    assert first == again

    write_lines(tmp_path / "lines", 7, seed=4)
    write_lines(tmp_path / "lines", 7, seed=4)
    crops = LmdbCrops(tmp_path / "lines")
    assert len(crops) == 7
    assert crops[6][2]["case_free"] is False
    assert [s.texts[0] for s in read_samples(tmp_path / "lines")] == [text for _, text, _ in crops]


def contents(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_data_set_is_written_over_by_the_same_only(tmp_path) -> None:
    folder = tmp_path / "pages"
    write_pages(folder, 3, seed=4)
    before = contents(folder)
    write_pages(folder, 3, seed=4)
    for n, seed in ((3, 5), (2, 4), (4, 4)):
        with pytest.raises(InputError, match=r"holds other data .*give a new folder"):
            write_pages(folder, n, seed=seed)
    assert contents(folder) == before

    (folder / "annotations.json").unlink()  # as if it was interrupted
    (folder / "images/receipt-00002.jpg").unlink()
    write_pages(folder, 3, seed=4)
    assert contents(folder) == before

    labels = (folder / "annotations.json").read_text().replace('"transcription": "', '"transcription": "mended ', 1)
    (folder / "annotations.json").write_text(labels)
    with pytest.raises(InputError, match="other labels"):
        write_pages(folder, 3, seed=4)
    assert (folder / "annotations.json").read_text() == labels


@pytest.mark.parametrize("there", ["images/mine.jpg", "notes.txt", "gt/1.txt"])
def test_a_folder_of_something_else_is_left_alone(tmp_path, there: str) -> None:
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_text("mine")
    with pytest.raises(InputError, match="holds other data"):
        write_pages(tmp_path, 1, seed=0)
    assert list(contents(tmp_path)) == [there]


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be made .*choose another folder"):
        write_pages(tmp_path / "file", 1, seed=0)
