"""PDF pages: rendered upright on white, and refused before they take memory."""

from pathlib import Path

import numpy as np
import pypdfium2
import pytest

from ocr.errors import DocumentError
from ocr.formats.pdf_pages import open_pdf


def pdf(*sizes: tuple[float, float]) -> bytes:
    kids = " ".join(f"{index + 3} 0 R" for index in range(len(sizes)))
    objects = ["<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Count {len(sizes)}/Kids[{kids}]>>"]
    objects += [f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {width} {height}]>>" for width, height in sizes]
    body = "".join(f"{index + 1} 0 obj{item}endobj\n" for index, item in enumerate(objects))
    return f"%PDF-1.7\n{body}trailer<</Root 1 0 R>>\n".encode()


def protected(path: Path) -> bytes:
    """A PDF (RC4, 40 bits) that opens with a password only: its keys match no empty one."""
    encrypt = f"<</Filter/Standard/V 1/R 2/Length 40/P -4/O<{'ab' * 32}>/U<{'cd' * 32}>>>"
    data = pdf((100, 100)).replace(
        b"trailer<<", f"9 0 obj{encrypt}endobj\ntrailer<</Encrypt 9 0 R/ID[<00><00>]".encode()
    )
    path.write_bytes(data)
    return data


def test_real_pages_render_upright_at_the_resolution_asked_for(ocr_data: Path) -> None:
    with open_pdf(ocr_data / "docs" / "ocrmypdf" / "cardinal.pdf") as pages:
        assert len(pages) == 4
        assert [pages.render(index, dpi=72).shape for index in range(4)] == [(792, 612, 3), (612, 792, 3)] * 2
        image = pages.render(0, dpi=144)
    assert image.shape == (1584, 1224, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert 200 < image.mean() < 255


def test_colours_are_rgb(tmp_path: Path) -> None:
    document = pypdfium2.PdfDocument.new()
    page = document.new_page(50, 50)
    square = pypdfium2.raw.FPDFPageObj_CreateNewRect(0, 0, 50, 50)
    pypdfium2.raw.FPDFPageObj_SetFillColor(square, 255, 0, 0, 255)
    pypdfium2.raw.FPDFPath_SetDrawMode(square, pypdfium2.raw.FPDF_FILLMODE_ALTERNATE, False)
    pypdfium2.raw.FPDFPage_InsertObject(page, square)
    page.gen_content()
    document.save(str(tmp_path / "red.pdf"))
    document.close()
    with open_pdf(tmp_path / "red.pdf") as pages:
        assert pages.render(0, dpi=72)[25, 25].tolist() == [255, 0, 0]


def test_empty_page_is_white(ocr_data: Path) -> None:
    with open_pdf(ocr_data / "docs" / "ocrmypdf" / "no_contents.pdf") as pages:
        assert pages.render(0).min() == 255


def test_the_large_page_of_a_document_renders_or_is_refused_by_size(ocr_data: Path) -> None:
    with open_pdf(ocr_data / "docs" / "ocrmypdf" / "multipage.pdf") as pages:
        assert pages.render(1, dpi=50).shape == (1500, 1500, 3)
        with pytest.raises(DocumentError, match=r"multipage\.pdf page 2: would be 12000 x 12000 .*--dpi 315"):
            pages.render(1, dpi=400)


BAD = {
    "13 GiB": (pdf((60000, 60000)), "page 1: would be 166667 x 166667 pixels at 200 dpi, above 89 million; give at"),
    "a line": (pdf((500, 0.1)), r"page 1: is 1388\.9 x 0\.3 pixels at 200 dpi; give a higher --dpi"),
}


@pytest.mark.parametrize("kind", BAD)
def test_pages_of_impossible_sizes_are_refused(kind: str) -> None:
    data, message = BAD[kind]
    with open_pdf(data) as pages, pytest.raises(DocumentError, match=message):
        pages.render(0)


def test_documents_that_cannot_be_opened(ocr_data: Path, tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="no such file"), open_pdf(tmp_path / "none.pdf"):
        pass
    with pytest.raises(DocumentError, match="is not a whole PDF, or has no pages"):
        open_pdf(ocr_data / "docs" / "ocrmypdf" / "invalid.pdf").__enter__()
    with pytest.raises(DocumentError, match=r"^upload: is not a whole PDF"):
        open_pdf(b"%PDF-1.7 and nothing", name="upload").__enter__()
    with pytest.raises(DocumentError, match="or has no pages"):
        open_pdf(pdf()).__enter__()
    protected(tmp_path / "secret.pdf")
    with pytest.raises(DocumentError, match=r"secret\.pdf: is protected by a password; save a copy without one"):
        open_pdf(tmp_path / "secret.pdf").__enter__()
