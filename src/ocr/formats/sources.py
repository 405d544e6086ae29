"""What a user names (files, folders, patterns) as page images; a bad page never stops those after it."""

import glob
from collections.abc import Container, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocr.errors import ImageError, InputError
from ocr.formats.page import FailedImage, FailedPage, Failure
from ocr.formats.pdf_apart import PdfPagesApart, open_pdf_apart
from ocr.formats.pdf_pages import DPI, PdfPages, open_pdf
from ocr.images.load import MAX_PIXELS, is_pdf, is_tiff, load_image, load_pages, read_file, read_header, shown_name

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".pdf"})


class PageImage(NamedTuple):
    """One page in pixels, RGB uint8 (H,W,3); ``page`` counts from 1 within ``source``."""

    source: str
    page: int
    image: NDArray[np.uint8]
    notes: list[str]


def expand(arguments: Iterable[str]) -> list[Path]:
    """Files that arguments name: themselves, those of a folder and its folders by suffix, those that match a pattern.

    Sorted within an argument, each file once. A name that matches nothing stays, so that reading it says what is wrong.
    """
    files: dict[Path, None] = {}
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            found = sorted(item for item in path.rglob("*") if item.suffix.lower() in SUFFIXES and item.is_file())
        elif not path.exists() and glob.has_magic(argument):
            found = sorted(Path(item) for item in glob.glob(argument, recursive=True) if Path(item).is_file())
        else:
            found = [path]
        files.update(dict.fromkeys(found or [path]))
    return list(files)


def page_images(
    source: Path | bytes,
    *,
    name: str | None = None,
    dpi: int = DPI,
    max_pixels: int = MAX_PIXELS,
    page_seconds: float | None = None,
    skip: Container[int] = (),
) -> Iterator[PageImage | FailedPage]:
    """Yield the pages of an image, a multi-page TIFF or a PDF, but for ``skip``; a FailedPage where one cannot be had.

    A page of more than ``max_pixels`` is not decoded. With ``page_seconds`` PDFs are rendered in another process, and
    a page that takes longer is given up: for files of strangers.
    """
    page: int | None = None
    name = name or (None if isinstance(source, bytes) else shown_name(source))
    try:
        data, name = read_file(source, name)
        if is_pdf(data):
            if page_seconds is None:
                opened: AbstractContextManager[PdfPages | PdfPagesApart] = open_pdf(data, name=name)
            else:
                opened = open_pdf_apart(data, name=name, page_seconds=page_seconds)
            yield from _pdf_pages(opened, name, dpi, max_pixels, skip)
        elif is_tiff(data):
            page = 1
            for image in load_pages(data, name=name, max_pixels=max_pixels):
                if page in skip:
                    pass
                elif isinstance(image, ImageError):
                    yield failed_page(name, page, image)
                else:
                    yield PageImage(name, page, image, [])
                page += 1
        elif 1 not in skip:
            yield PageImage(name, 1, load_image(data, name=name, max_pixels=max_pixels), _notes(data, name))
    except InputError as error:
        yield failed_page(name or "image", page, error)


def _pdf_pages(
    opened: AbstractContextManager[PdfPages | PdfPagesApart],
    name: str,
    dpi: int,
    max_pixels: int,
    skip: Container[int],
) -> Iterator[PageImage | FailedPage]:
    with opened as document:
        for index in range(len(document)):
            if index + 1 in skip:
                continue
            try:
                yield PageImage(name, index + 1, document.render(index, dpi=dpi, max_pixels=max_pixels), [])
            except InputError as error:
                yield failed_page(name, index + 1, error)


def _notes(data: bytes, name: str) -> list[str]:
    frames = read_header(data, name=name).frames
    return [f"only the first of {frames} frames was read"] if frames > 1 else []


def failed_page(source: str, page: int | None, error: InputError) -> FailedPage:
    """The entry that stands for a page that could not be read."""
    return FailedPage(
        image=FailedImage(source=source, page=page), error=Failure(reason=error.reason, remedy=error.remedy)
    )
