"""PDFs of strangers: the same pages as in this process, and none that keeps it."""

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from ocr.errors import DocumentError
from ocr.formats import pdf_apart
from ocr.formats.page import FailedPage
from ocr.formats.pdf_apart import open_pdf_apart
from ocr.formats.pdf_pages import open_pdf
from ocr.formats.sources import PageImage, page_images


@pytest.fixture(autouse=True)
def fresh():
    """No process of another test, and none left after this one."""
    yield
    while pdf_apart._idle:
        pdf_apart._idle.pop().end()


def test_pages_are_those_of_this_process(ocr_data: Path) -> None:
    for name in ("korean/report/report.pdf", "docs/ocrmypdf/multipage.pdf"):
        path = ocr_data / name if (ocr_data / name).is_file() else next((ocr_data / name).parent.glob("*.pdf"))
        with open_pdf_apart(path.read_bytes(), name="a.pdf") as apart, open_pdf(path) as here:
            assert len(apart) == len(here)
            for index in range(len(here)):
                found = apart.render(index, dpi=50)
                assert np.array_equal(found, here.render(index, dpi=50))
                assert found.flags.writeable


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"%PDF-1.4 nothing", "a.pdf: is not a whole PDF"),
        (b"", "a.pdf: is not a whole PDF"),
    ],
)
def test_what_is_no_pdf_is_told_as_in_this_process(data: bytes, message: str) -> None:
    with pytest.raises(DocumentError, match=message), open_pdf_apart(data, name="a.pdf"):
        pass
    assert len(pdf_apart._idle) == 1


def test_pages_beyond_the_limit_are_refused(slow_pdf: bytes) -> None:
    with open_pdf_apart(slow_pdf, name="a.pdf") as pages:
        with pytest.raises(DocumentError, match=r"a\.pdf page 2: would be 556 x 278 pixels at 200 dpi"):
            pages.render(1, max_pixels=1000)
        assert pages.render(1).shape == (278, 556, 3)


def test_a_page_that_takes_too_long_is_given_up_and_the_next_is_had(slow_pdf: bytes) -> None:
    slow, plain = page_images(slow_pdf, name="a.pdf", page_seconds=2.0)
    assert isinstance(slow, FailedPage)
    assert slow.error.reason == "takes more than 2 s to render"
    assert isinstance(plain, PageImage)
    assert plain.image.shape == (278, 556, 3)


def test_other_documents_do_not_wait_for_a_slow_one(slow_pdf: bytes) -> None:
    ended: list[float] = []

    def slow() -> None:
        list(page_images(slow_pdf, name="slow.pdf", page_seconds=20.0))
        ended.append(time.monotonic())

    thread = threading.Thread(target=slow)
    thread.start()
    with open_pdf_apart(slow_pdf, name="other.pdf") as pages:
        assert pages.render(1).any()
    assert not ended
    assert thread.is_alive()
    thread.join()


def test_a_page_that_takes_the_library_down_is_a_failed_page(slow_pdf: bytes) -> None:
    with open_pdf_apart(slow_pdf, name="a.pdf", page_seconds=60.0) as pages:
        assert pages._child is not None
        os.kill(pages._child._process.pid, signal.SIGSEGV)
        with pytest.raises(DocumentError, match=r"a\.pdf page 2: makes the PDF library fail; print it to a new PDF"):
            pages.render(1)
        assert pages.render(1).any()


def test_processes_are_kept_for_the_next_document_but_not_many(slow_pdf: bytes) -> None:
    with open_pdf_apart(slow_pdf, name="a.pdf") as first:
        child = first._child
    with open_pdf_apart(slow_pdf, name="b.pdf") as second:
        assert second._child is child
        with open_pdf_apart(slow_pdf, name="c.pdf") as third, open_pdf_apart(slow_pdf, name="d.pdf") as fourth:
            assert third.render(1).shape == fourth.render(1).shape
    assert len(pdf_apart._idle) == 2
    assert child not in pdf_apart._idle
    assert not child.is_alive()


def test_a_process_that_died_while_it_waited_is_no_document_s_fault(slow_pdf: bytes) -> None:
    with open_pdf_apart(slow_pdf, name="a.pdf") as pages:
        process = pages._child._process
    process.kill()
    process.wait(30)
    with open_pdf_apart(slow_pdf, name="b.pdf") as pages:
        assert pages.render(1).any()


def test_the_process_ends_with_its_parent(slow_pdf: bytes) -> None:
    with open_pdf_apart(slow_pdf, name="a.pdf") as pages:
        process = pages._child._process
    pdf_apart._idle.clear()
    process.stdin.close()
    assert process.wait(30) == 0
