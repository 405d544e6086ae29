"""/v1/read: every shape of body, every refusal, nothing of what a sender names is believed."""

import base64
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from ocr.schema import from_plain
from ocr.serving.keys import add_key

Draw = Callable[..., bytes]


def test_all_three_shapes_of_body_read_the_same_as_the_command(client: TestClient, line: bytes, tmp_path: Path) -> None:
    (tmp_path / "line.png").write_bytes(line)
    command = [sys.executable, "-m", "ocr.cli.main", "read", "line.png", "--json"]
    printed = json.loads(subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout)
    encoded = base64.b64encode(line).decode()
    answers = {
        "multipart": client.post("/v1/read", files={"file": ("line.png", line, "image/png")}),
        "json": client.post("/v1/read", json={"data": encoded, "name": "line.png"}),
        "raw": client.post("/v1/read", content=line, headers={"content-type": "image/png"}),
    }
    for shape, answer in answers.items():
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["pages"][0]["image"].pop("source") == ("upload" if shape == "raw" else "line.png")
        assert set(body["pages"][0]["timings_ms"]) == {"detect", "recognize", "total"}
        body["pages"][0]["timings_ms"] = printed["pages"][0]["timings_ms"]
        body["pages"][0]["image"] = {"source": "line.png", **body["pages"][0]["image"]}
        assert body == printed
    assert printed["pages"][0]["lines"][0]["text"] == "TOTAL 9.00"


def test_text(client: TestClient, document: Draw) -> None:
    answer = client.post("/v1/read?format=text", content=document(2), headers={"content-type": "application/pdf"})
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == "PAGE 1\n\fPAGE 2\n"


def test_a_bad_page_of_a_tiff_does_not_take_the_others_along(client: TestClient) -> None:
    sheets = [Image.new("1", size, 1) for size in ((2, 2), (64, 64), (9000, 9000), (64, 64))]
    stream = io.BytesIO()
    sheets[0].save(stream, "TIFF", save_all=True, append_images=sheets[1:], compression="group4")
    answer = client.post("/v1/read", content=stream.getvalue(), headers={"content-type": "image/tiff"})
    assert answer.status_code == 200
    assert ["error" in page for page in answer.json()["pages"]] == [True, False, True, False]


@pytest.mark.parametrize("kind", ["PDF", "TIFF"])
def test_pages_of_a_document_come_in_order(client: TestClient, kind: str, document: Draw) -> None:
    body = document(11, kind)
    answer = client.post("/v1/read?dpi=100", content=body, headers={"content-type": "application/octet-stream"})
    pages = answer.json()["pages"]
    assert [page["image"]["page"] for page in pages] == list(range(1, 12))
    assert [page["lines"][0]["text"] for page in pages] == [f"PAGE {number}" for number in range(1, 12)]


def test_a_page_that_cannot_be_read_does_not_take_the_others_along(client: TestClient, ocr_data: Path) -> None:
    """The second page is 9000 x 9000 pixels, above this service's limit."""
    body = (ocr_data / "docs/ocrmypdf/multipage.pdf").read_bytes()
    answer = client.post("/v1/read?dpi=100", content=body, headers={"content-type": "application/pdf"})
    assert answer.status_code == 200
    failed = [page for page in answer.json()["pages"] if "error" in page]
    assert [page["image"]["page"] for page in failed] in ([], [2])
    assert len(answer.json()["pages"]) == 6


def test_options(client: TestClient, line: bytes) -> None:
    def read(query: str) -> list[str]:
        answer = client.post(f"/v1/read?{query}", content=line, headers={"content-type": "image/png"})
        return [item["text"] for item in answer.json()["pages"][0]["lines"]]

    assert read("min_confidence=0") == read("detector=detector&recognizer=recognizer") == ["TOTAL 9.00"]
    assert read("min_confidence=1") == []


def test_lines_are_left_out_by_the_confidence_that_is_shown(client: TestClient, ocr_data: Path) -> None:
    body = min((ocr_data / "sroie/train/img").glob("*.jpg")).read_bytes()

    def confidences(query: str) -> list[float]:
        answer = client.post(f"/v1/read{query}", content=body, headers={"content-type": "image/jpeg"})
        return [line["confidence"] for line in answer.json()["pages"][0]["lines"]]

    every = confidences("")
    assert min(every) < 0.9 < max(every)
    assert confidences("?min_confidence=0.9") == [value for value in every if value >= 0.9]


REFUSED = {
    "no type": ({"content": b"x"}, "", 415, "unsupported_type", "send multipart/form-data"),
    "html": ({"content": b"x", "headers": {"content-type": "text/html"}}, "", 415, "unsupported_type", ""),
    "half a type": ({"content": b"x", "headers": {"content-type": "image/"}}, "", 415, "unsupported_type", ""),
    "empty": ({"content": b"", "headers": {"content-type": "image/png"}}, "", 422, "unreadable", "is empty"),
    "no image": ({"content": b"hello", "headers": {"content-type": "image/png"}}, "", 422, "unreadable", "a JPEG"),
    "broken pdf": (
        {"content": b"%PDF-1.4 hello", "headers": {"content-type": "application/pdf"}},
        "", 422, "unreadable", "whole PDF",
    ),
    "broken json": (
        {"content": b'{"data": ', "headers": {"content-type": "application/json"}},
        "", 422, "invalid", "Invalid JSON",
    ),
    "json of another kind": ({"json": [1, 2]}, "", 422, "invalid", ""),
    "deep json": (
        {"content": b"[" * 100_000, "headers": {"content-type": "application/json"}}, "", 422, "invalid", "",
    ),
    "a url is not fetched": ({"json": {"url": "http://127.0.0.1/x.png"}}, "", 422, "invalid", ""),
    "another field": ({"json": {"data": "aGk=", "path": "/etc/passwd"}}, "", 422, "invalid", "path"),
    "no base64": ({"json": {"data": "=!"}}, "", 422, "invalid", "base64"),
    "not ascii base64": ({"json": {"data": "é"}}, "", 422, "invalid", "base64"),
    "no file field": ({"files": {"other": b"x"}}, "", 422, "invalid", "field named `file`"),
    "field without a file": ({"data": {"file": "x"}, "files": {"other": b""}}, "", 422, "invalid", "`file`"),
    "no boundary": (
        {"content": b"--x", "headers": {"content-type": "multipart/form-data"}}, "", 400, "bad_request", "multipart",
    ),
    "torn multipart": (
        {"content": b"--x\r\nContent-Disp", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        "", 422, "invalid", "multipart",
    ),
    "unknown format": ({"content": b"x"}, "format=exe", 422, "invalid", "format"),
    "unknown option": ({"content": b"x"}, "detectr=x", 422, "invalid", "detectr"),
    "dpi": ({"content": b"x"}, "dpi=100000", 422, "invalid", "dpi"),
    "confidence": ({"content": b"x"}, "min_confidence=nan", 422, "invalid", "min_confidence"),
    "unknown model": ({"content": b"x"}, "detector=none", 422, "invalid", "models: detector"),
    "model of the other task": ({"content": b"x"}, "detector=recognizer", 422, "invalid", "no detection model"),
    "model by path": ({"content": b"x"}, "detector=../../etc", 422, "invalid", "detector"),
    "model by absolute path": ({"content": b"x"}, "detector=/etc", 422, "invalid", "detector"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(client: TestClient, case: str) -> None:
    request, query, status, code, words = REFUSED[case]
    answer = client.post(f"/v1/read?{query}", **request)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert words in answer.json()["detail"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_limits_on_bytes_pixels_and_pages(
    make_client: Callable[..., TestClient], line: bytes, picture: Draw, document: Draw
) -> None:
    client = make_client(limits={"body_bytes": 400_000, "page_pixels": 320 * 96, "pages_pixels": 320 * 96, "pages": 2})
    png = {"content-type": "image/png"}

    def refusal(body: object, kind: str = "image/png", query: str = "") -> tuple[int, str]:
        answer = client.post(f"/v1/read?{query}", content=body, headers={"content-type": kind})
        return answer.status_code, answer.json()["code"]

    assert client.post("/v1/read", content=line, headers=png).status_code == 200
    assert refusal(b"x" * 400_001) == (413, "too_large")
    assert refusal(b"x" * 4_000_001) == (413, "too_large")
    assert refusal(iter([b"x" * 300_000] * 2)) == (413, "too_large")  # chunked: no length is stated
    assert refusal(iter([b"x" * 300_000] * 20)) == (413, "too_large")
    assert refusal(picture(size=(320, 97))) == (422, "unreadable")
    assert refusal(document(3), "application/pdf") == (413, "too_many_pages")
    assert refusal(document(3, "TIFF"), "image/tiff") == (413, "too_many_pages")
    assert client.post("/v1/read?dpi=20", content=document(2), headers=png).status_code == 200
    service = client.app.state.service
    assert (service.bodies.used, service.pixels.used, service.requests.used) == (0, 0, 0)


def test_when_every_place_is_taken_429_says_when_to_come_again(client: TestClient, small: bytes) -> None:
    service = client.app.state.service
    png = {"content-type": "image/png"}
    for budget in (service.requests, service.bodies):
        assert budget.take(budget.size)
        answer = client.post("/v1/read", content=small, headers=png)
        assert (answer.status_code, answer.json()["code"]) == (429, "busy")
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        budget.give(budget.size)
    assert client.post("/v1/read", content=small, headers=png).status_code == 200
    assert 'ocr_refused_total{code="busy"} 2.0' in client.get("/metrics").text


def test_a_reading_that_takes_too_long_is_given_up(make_client: Callable[..., TestClient], document: Draw) -> None:
    client = make_client(limits={"read_seconds": 0.05})
    answer = client.post("/v1/read", content=document(9), headers={"content-type": "application/pdf"})
    assert (answer.status_code, answer.json()["code"]) == (503, "too_slow")
    assert "/v1/jobs" in answer.json()["detail"]


def test_without_memory_it_says_so(client: TestClient, small: bytes) -> None:
    engine = client.app.state.service.engine
    before, engine.memory_bytes = engine.memory_bytes, 1
    try:
        answer = client.post("/v1/read", content=small, headers={"content-type": "image/png"})
    finally:
        engine.memory_bytes = before
    assert (answer.status_code, answer.json()["code"]) == (503, "no_memory")
    assert answer.headers["retry-after"] == "5"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/", "upload"),
        ("..", "upload"),
        ("a\x00b\n.png", "ab.png"),
        ("x" * 1000, "x" * 200),
        ("영수증.jpg", "영수증.jpg"),
    ],
)
def test_a_name_is_only_a_name(client: TestClient, small: bytes, given: str, shown: str, tmp_path: Path) -> None:
    from ocr.serving.body import safe_name

    assert safe_name(given) == shown
    before = sorted(tmp_path.rglob("*"))
    answer = client.post("/v1/read", files={"file": (given, small)})
    assert answer.status_code == 200
    assert "/" not in answer.json()["pages"][0]["image"]["source"]
    assert sorted(tmp_path.rglob("*")) == before


def test_polyglots_are_what_they_begin_with(client: TestClient, line: bytes, picture: Draw, document: Draw) -> None:
    """An archive behind an image, an image that says it is a page of HTML, a PDF that says it is an image."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as stream:
        stream.writestr("../../evil.sh", "echo")
    for body, kind in (
        (line + archive.getvalue(), "image/png"),
        (picture(kind="GIF") + b"<script>alert(1)</script>", "image/gif"),
        (document(1), "image/png"),
        (line, "application/pdf"),
    ):
        answer = client.post("/v1/read", content=body, headers={"content-type": kind})
        assert answer.status_code == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert client.post("/v1/read", content=archive.getvalue(), headers={"content-type": "image/png"}).status_code == 422


def test_bombs_are_refused_before_they_go_off(client: TestClient) -> None:
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 14400 14400]/UserUnit 100>>"
    pdf = (
        b"%PDF-1.6\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj 3 0 obj"
    )
    pdf += page + b"endobj\ntrailer<</Root 1 0 R>>"
    wide = io.BytesIO()
    from PIL import Image

    Image.new("1", (8_000, 8_000)).save(wide, "PNG")
    for body in (pdf, wide.getvalue()):
        answer = client.post("/v1/read", content=body, headers={"content-type": "application/octet-stream"})
        assert answer.status_code == 422, answer.text
        assert "million" in answer.json()["detail"]


def test_a_page_that_would_be_rendered_for_hours_is_given_up_and_nobody_waits_for_it(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, slow_pdf: bytes, document: Draw
) -> None:
    monkeypatch.setattr("ocr.serving.documents.PAGE_SECONDS", 15.0)
    kind = {"content-type": "application/pdf"}
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(client.post, "/v1/read", content=slow_pdf, headers=kind)
        assert client.post("/v1/read", content=document(1), headers=kind).status_code == 200
        assert not slow.done()
        first, second = slow.result().json()["pages"]
    assert first["error"]["reason"] == "takes more than 15 s to render"
    assert second["lines"] == []


def test_a_large_multipart_upload_makes_no_temporary_file(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, picture: Draw
) -> None:
    import tempfile

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file was made")

    monkeypatch.setattr(tempfile, "_TemporaryFileArgs", refuse, raising=False)
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    body = picture() + b"\0" * 5_000_000
    assert client.post("/v1/read", files={"file": ("a.png", body)}).status_code == 200


def test_models(client: TestClient) -> None:
    listed = client.get("/v1/models").json()["models"]
    assert [(entry["name"], entry["task"], entry["loaded"]) for entry in listed] == [
        ("detector", "detection", True),
        ("recognizer", "recognition", True),
        ("recognizer-large", "recognition", False),
    ]


def test_models_of_a_folder(
    make_client: Callable[..., TestClient], make_detector: Callable[..., object], tmp_path: Path, small: bytes
) -> None:
    make_detector(tmp_path / "bundles/plain")
    client = make_client(models=tmp_path / "bundles")
    png = {"content-type": "image/png"}
    names = {entry["name"] for entry in client.get("/v1/models").json()["models"]}
    assert names == {"detector", "plain", "recognizer", "recognizer-large"}
    answer = client.post("/v1/read?detector=plain", content=small, headers=png)
    assert answer.json()["pages"][0]["models"]["detector"]["name"] == "plain-detector"
    (tmp_path / "bundles/plain/model.onnx").write_bytes(b"damaged since")
    answer = client.post("/v1/read?detector=plain", content=small, headers=png)
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")


def test_paths_and_methods_that_are_not_there(client: TestClient) -> None:
    for path in (
        "/",
        "/v1",
        "/v1/read/",
        "/docs",
        "/v1/../etc/passwd",
        "/v1/jobs/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc",
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    answer = client.get("/v1/read")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


def test_request_ids(client: TestClient) -> None:
    assert client.get("/healthz", headers={"x-request-id": "mine-1"}).headers["x-request-id"] == "mine-1"
    for forged in ("a b", "x" * 65, "a\tb"):
        assert client.get("/healthz", headers={"x-request-id": forged}).headers["x-request-id"] != forged


def test_cors_is_off_until_an_origin_is_named(make_client: Callable[..., TestClient]) -> None:
    origin = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in make_client().get("/healthz", headers=origin).headers
    allowed = make_client(work="other", cors_origins=("https://shop.example",))
    assert allowed.options("/v1/read", headers=origin).headers["access-control-allow-origin"] == "https://shop.example"
    evil = {**origin, "origin": "https://evil.example"}
    assert "access-control-allow-origin" not in allowed.options("/v1/read", headers=evil).headers


def test_a_web_page_sees_why_it_was_refused(make_client: Callable[..., TestClient], tmp_path: Path) -> None:
    add_key(tmp_path / "keys.json", "shop")
    origin = {"origin": "https://shop.example"}
    client = make_client(cors_origins=("https://shop.example",), keys=tmp_path / "keys.json")
    answer = client.get("/v1/models", headers=origin)
    assert (answer.status_code, answer.json()["code"]) == (401, "no_key")
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
    asked = client.options("/v1/read", headers={**origin, "access-control-request-method": "POST"})
    assert asked.status_code == 200  # without a key: browsers send none with this


def test_a_defect_is_answered_like_every_refusal(
    client: TestClient, small: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> bytes:
        raise ZeroDivisionError("what the page said")

    monkeypatch.setattr("ocr.serving.read_api.write", fail)
    browser = TestClient(client.app, raise_server_exceptions=False)
    answer = browser.post("/v1/read", content=small, headers={"content-type": "image/png", "x-request-id": "mine-1"})
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert (answer.json()["code"], answer.json()["request_id"]) == ("internal", "mine-1")
    assert answer.headers["x-request-id"] == "mine-1"
    assert "ZeroDivisionError" not in answer.text
    (told,) = (record for record in caplog.records if record.getMessage() == "defect")
    assert told.fields == {"request_id": "mine-1", "error": "ZeroDivisionError"}  # type: ignore[attr-defined]


def test_every_operation_has_an_example_and_its_refusals(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    assert set(schema["paths"]) >= {
        "/v1/read",
        "/v1/fields",
        "/v1/models",
        "/v1/jobs",
        "/healthz",
        "/readyz",
        "/metrics",
    }
    assert "example" in schema["paths"]["/v1/read"]["post"]["requestBody"]["content"]["application/json"]
    assert "example" in schema["paths"]["/v1/read"]["post"]["responses"]["200"]["content"]["application/json"]
    for path, methods in schema["paths"].items():
        for method in methods.values():
            assert method["summary"]
            if path.startswith("/v1/"):
                assert "401" in method["responses"], path
    assert "securitySchemes" not in schema["components"]


def test_the_example_in_the_schema_is_readable(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    example = schema["paths"]["/v1/read"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert client.post("/v1/read", json=example).status_code == 200


def test_fields_of_a_receipt(client: TestClient, ocr_data: Path) -> None:
    from ocr.fields.extract import extract
    from ocr.formats.page import Page

    receipt = sorted((ocr_data / "sroie/val/img").glob("*.jpg"))[0].read_bytes()
    jpeg = {"content-type": "image/jpeg"}
    answer = client.post("/v1/fields", content=receipt, headers=jpeg)
    assert answer.status_code == 200, answer.text
    read = client.post("/v1/read", content=receipt, headers=jpeg).json()["pages"][0]
    expected = extract(from_plain(Page, read)).model_dump(mode="json")
    (page,) = answer.json()["pages"]
    assert page == expected
    assert page["total"] is not None
    refused = client.post("/v1/fields", content=b"x", headers=jpeg)
    assert (refused.status_code, refused.json()["code"]) == (422, "unreadable")
