"""Every format of the table, over HTTP: of a request and of a job the same."""

import json
import re
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from ocr.formats.page import Document
from ocr.formats.pdf_pages import open_pdf
from ocr.formats.render import FORMATS, render
from ocr.schema import from_json
from ocr.serving.results import Format

PDF = {"content-type": "application/pdf"}


def _timeless(content: bytes) -> bytes:
    """PAGE-XML says when it was written."""
    return re.sub(rb"<(Created|LastChange)>[^<]*", rb"<\1>", content)


def test_the_query_knows_the_formats_of_the_table() -> None:
    assert {item.value for item in Format} == set(FORMATS)


@pytest.mark.parametrize("format", FORMATS)
def test_a_request_and_a_job_give_what_the_writer_gives(
    client: TestClient, document: Callable[..., bytes], eventually: Callable[..., None], format: str
) -> None:
    body = document(1 if format == "page" else 3)
    answer = client.post(f"/v1/read?dpi=100&format={format}", content=body, headers=PDF)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == FORMATS[format].media_type
    job = client.post("/v1/jobs?dpi=100", content=body, headers=PDF).json()["id"]
    eventually(lambda: client.get(f"/v1/jobs/{job}").json()["state"] == "done")
    result = client.get(f"/v1/jobs/{job}/result?format={format}")
    assert result.headers["content-type"] == FORMATS[format].media_type
    if format == "json":
        return  # it holds how long each took
    assert _timeless(result.content) == _timeless(answer.content)
    if format == "pdf":
        with open_pdf(answer.content) as written:
            assert len(written) == 3
    else:
        read = from_json(Document, client.get(f"/v1/jobs/{job}/result").content)
        assert _timeless(answer.content) == _timeless(render(read.pages, format))
        assert "PAGE" in answer.text


def test_pages_that_failed_are_not_in_the_pdf(
    client: TestClient, document: Callable[..., bytes], ocr_data: object
) -> None:
    body = (ocr_data / "docs/ocrmypdf/multipage.pdf").read_bytes()  # type: ignore[operator]
    read = client.post("/v1/read?dpi=60", content=body, headers=PDF).json()["pages"]
    answer = client.post("/v1/read?dpi=60&format=pdf", content=body, headers=PDF)
    with open_pdf(answer.content) as written:
        assert len(written) == sum("error" not in page for page in read)


def test_a_format_for_one_page_refuses_more(client: TestClient, document: Callable[..., bytes]) -> None:
    answer = client.post("/v1/read?format=page", content=document(2), headers=PDF)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert "format" in answer.json()["detail"]
    assert json.loads(answer.content)["request_id"]
