"""Files, folders and patterns to pages: nothing stops at a bad one."""

import io
from pathlib import Path

import pytest
from PIL import Image

from ocr.formats.page import FailedImage, FailedPage
from ocr.formats.sources import PageImage, expand, page_images


def picture(path: Path, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (30, 20), "white").save(path, **options)
    return path


def test_folders_patterns_and_names_expand_in_order(tmp_path: Path) -> None:
    b, a, c = (picture(tmp_path / name) for name in ("b.png", "a.JPG", "deep/c.tif"))
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "x.png").mkdir()
    odd = picture(tmp_path / "brackets[1].png")
    assert expand([str(tmp_path)]) == sorted([a, b, c, odd])
    assert expand([str(tmp_path / "?.*"), str(b)]) == [a, b]
    assert expand([str(tmp_path / "**" / "*.tif")]) == [c]
    assert expand([str(odd)]) == [odd]
    none = str(tmp_path / "*.gif")
    assert expand([none]) == [Path(none)]


def test_every_page_of_a_document(ocr_data: Path, tmp_path: Path) -> None:
    pages = list(page_images(ocr_data / "docs" / "ocrmypdf" / "cardinal.pdf", dpi=50))
    assert [(page.page, page.image.shape) for page in pages] == [
        (1, (550, 425, 3)),
        (2, (425, 550, 3)),
        (3, (550, 425, 3)),
        (4, (425, 550, 3)),
    ]
    sheets = [Image.new("L", (20, 30), shade) for shade in (0, 99)]
    sheets[0].save(tmp_path / "fax.tif", save_all=True, append_images=sheets[1:])
    assert [(page.page, page.image[0, 0, 0]) for page in page_images(tmp_path / "fax.tif")] == [(1, 0), (2, 99)]


@pytest.mark.parametrize("suffix", ["png", "tif", "pdf"])
def test_pages_to_skip(suffix: str, tmp_path: Path) -> None:
    sheets = [Image.new("RGB", (60, 40), shade) for shade in ("red", "lime", "blue")]
    sheets[0].save(tmp_path / f"a.{suffix}", save_all=suffix != "png", append_images=sheets[1:])
    whole = [page.page for page in page_images(tmp_path / f"a.{suffix}")]
    assert whole == ([1] if suffix == "png" else [1, 2, 3])
    for skip in ({1}, {2}, {1, 3}):
        found = [page.page for page in page_images(tmp_path / f"a.{suffix}", skip=skip)]
        assert found == [page for page in whole if page not in skip]


def test_an_animation_says_that_one_frame_was_read(tmp_path: Path) -> None:
    picture(tmp_path / "a.gif", save_all=True, append_images=[Image.new("RGB", (30, 20), "black")])
    (page,) = page_images(tmp_path / "a.gif")
    assert isinstance(page, PageImage)
    assert page.notes == ["only the first of 2 frames was read"]


def test_a_bad_page_is_an_entry_and_the_rest_go_on(ocr_data: Path) -> None:
    pages = list(page_images(ocr_data / "docs" / "ocrmypdf" / "multipage.pdf", dpi=320))
    assert [isinstance(page, FailedPage) for page in pages] == [False, True, False, False, False, False]
    failed = pages[1]
    assert isinstance(failed, FailedPage)
    assert failed.image.page == 2
    assert "above 89 million" in failed.error.reason


def test_a_bad_file_is_one_entry(tmp_path: Path) -> None:
    (failed,) = page_images(tmp_path / "none.png")
    assert isinstance(failed, FailedPage)
    assert (failed.image.source, failed.image.page) == (str(tmp_path / "none.png"), None)
    assert (failed.error.reason, failed.error.remedy) == ("no such file", "check the path")


@pytest.mark.parametrize(
    ("cut", "whole", "known"), [(0.02, 0, 2), (0.3, 0, 2), (0.4, 1, 3), (0.5, 1, 3), (0.7, 2, 3), (0.9, 2, 3)]
)
def test_a_truncated_tiff_gives_the_pages_before_the_cut_and_says_which_are_missing(
    cut: float, whole: int, known: int
) -> None:
    """One whose pixels are cut off, and the next, which that one's entry in the list points to."""
    stream = io.BytesIO()
    sheets = [Image.effect_noise((60, 60), 90) for _ in range(3)]
    sheets[0].save(stream, "TIFF", save_all=True, append_images=sheets[1:])
    data = stream.getvalue()
    pages = list(page_images(data[: int(len(data) * cut)], name="scan"))
    assert [isinstance(page, FailedPage) for page in pages] == [False] * whole + [True] * (known - whole)
    for number, page in enumerate(pages[whole:], start=whole + 1):
        assert page.image == FailedImage(source="scan", page=number)  # type: ignore[comparison-overlap]


def test_a_bad_page_of_a_tiff_is_an_entry_and_the_rest_go_on(tmp_path: Path) -> None:
    sheets = [Image.new("L", size, 255) for size in ((2, 2), (30, 20), (400, 300), (30, 20))]
    sheets[0].save(tmp_path / "fax.tif", save_all=True, append_images=sheets[1:])
    pages = list(page_images(tmp_path / "fax.tif", max_pixels=10_000))
    assert [isinstance(page, FailedPage) for page in pages] == [True, False, True, False]
    failed, read = pages[2], pages[3]
    assert isinstance(failed, FailedPage)
    assert isinstance(read, PageImage)
    assert (failed.image.page, read.page) == (3, 4)
    assert [page.page for page in page_images(tmp_path / "fax.tif", skip={1, 2, 3})] == [4]  # type: ignore[union-attr]


def test_a_pdf_is_known_behind_what_a_mailer_put_before_it(tmp_path: Path) -> None:
    picture(tmp_path / "a.pdf")
    for before in (b"\xef\xbb\xbf", b"\n\n"):
        (page,) = page_images(before + (tmp_path / "a.pdf").read_bytes(), name="a")
        assert isinstance(page, PageImage)
