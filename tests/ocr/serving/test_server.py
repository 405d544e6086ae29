"""`ocr serve` in a process of its own: how it starts, ends, and stands rude clients."""

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from ocr.cli.main import main
from ocr.serving.server import _protocol

Draw = Callable[..., bytes]
PNG = {"content-type": "image/png"}


def test_sigterm_answers_what_was_accepted_and_loses_no_job(
    start: Callable[..., Any], document: Draw, eventually: Callable[..., None]
) -> None:
    server = start()
    body = document(40)
    pdf = {"content-type": "application/pdf"}
    answers: list[httpx.Response] = []
    with server.client() as client:
        job = client.post("/v1/jobs?dpi=100", content=body, headers=pdf).json()["id"]
        reading = threading.Thread(
            target=lambda: answers.append(server.client().post("/v1/read?dpi=60", content=body, headers=pdf))
        )
        reading.start()
        eventually(lambda: "ocr_open_requests 1.0" in client.get("/metrics").text)
        before = client.get(f"/v1/jobs/{job}").json()["pages_done"]
    assert before < 40
    assert server.end(signal.SIGTERM) == 0
    reading.join(60)
    assert answers[0].status_code == 200
    assert len(answers[0].json()["pages"]) == 40
    assert server.logged("stopped")

    again = start()
    with again.client() as client:
        eventually(lambda: client.get(f"/v1/jobs/{job}").json()["state"] == "done")
        pages = client.get(f"/v1/jobs/{job}/result").json()["pages"]
    assert [page["lines"][0]["text"] for page in pages] == [f"PAGE {number}" for number in range(1, 41)]


def test_a_service_that_is_told_to_end_while_it_starts_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ocr.cli.main", "serve", "--port", "0", "--work", str(tmp_path / "work")]
    for wait in (0.0, 0.05, 0.2):
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            while "listening" not in process.stderr.readline():
                assert process.poll() is None
            time.sleep(wait)
            process.send_signal(signal.SIGTERM)
            process.stderr.read()
            assert process.wait(60) == 0


def test_kill_9_loses_no_job_and_reads_no_page_twice(
    start: Callable[..., Any], document: Draw, eventually: Callable[..., None]
) -> None:
    server = start()
    with server.client() as client:
        answer = client.post("/v1/jobs?dpi=100", content=document(30), headers={"content-type": "application/pdf"})
        job = answer.json()["id"]
        eventually(lambda: client.get(f"/v1/jobs/{job}").json()["pages_done"] >= 3)
    server.end(signal.SIGKILL)
    again = start()
    assert again.logged("jobs_recovered") == [again.logged("jobs_recovered")[0]]
    with again.client() as client:
        eventually(lambda: client.get(f"/v1/jobs/{job}").json()["state"] == "done")
        assert len(client.get(f"/v1/jobs/{job}/result").json()["pages"]) == 30
        metrics = client.get("/metrics").text
    read = re.search(r'ocr_pages_total\{outcome="read"\} (\d+)', metrics)
    assert read is not None
    assert int(read[1]) <= 27


def test_a_thousand_requests_at_once(start: Callable[..., Any], small: bytes) -> None:
    """Each is answered: read, or told when to come again; then the service reads on as before."""
    server = start("--max-requests", "16")

    async def storm() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=1000)
        async with httpx.AsyncClient(base_url=server.url, timeout=120, limits=limits, trust_env=False) as client:
            return await asyncio.gather(*(client.post("/v1/read", content=small, headers=PNG) for _ in range(1000)))

    answers = asyncio.run(storm())
    statuses = {status: sum(answer.status_code == status for answer in answers) for status in (200, 429)}
    assert sum(statuses.values()) == 1000, {answer.status_code for answer in answers}
    assert statuses[200] >= 16
    assert all(answer.headers["retry-after"] for answer in answers if answer.status_code == 429)
    with server.client() as client:
        assert client.post("/v1/read", content=small, headers=PNG).status_code == 200
        assert "ocr_open_requests 0.0" in client.get("/metrics").text


def _exchange(url: str, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send bytes as they are and return everything that came back until the connection closed."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        received = b""
        try:
            while part := connection.recv(65536):
                received += part
        except ConnectionResetError:
            pass
    return received


def _head(length: object, *more: str) -> bytes:
    lines = ["POST /v1/read HTTP/1.1", "Host: x", "Content-Type: image/png", f"Content-Length: {length}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def test_rude_clients(start: Callable[..., Any], small: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    server = start()
    closing = "Connection: close"
    # A body longer than stated: the file is cut there, and what follows is no request.
    answer = _exchange(server.url, _head(len(small)) + small + b"x" * 1000 + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 400" in answer
    # Shorter than stated, then silence from the other side.
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(_head(len(small) + 1) + small)
    for stated in ("-1", "x", "1e3", "9" * 30):
        assert re.match(rb"HTTP/1.1 4\d\d", _exchange(server.url, _head(stated, closing) + small)), stated
    both = _head(5, "Transfer-Encoding: chunked", closing) + b"0\r\n\r\n"
    assert re.match(rb"HTTP/1.1 (4\d\d)", _exchange(server.url, both))
    assert _exchange(server.url, b"\x16\x03\x01\x02\x00\x01\x00").startswith(b"HTTP/1.1 400")
    assert _exchange(server.url, b"GET / HTTP/1.1\r\nX: " + b"a" * 200_000 + b"\r\n\r\n").startswith(b"HTTP/1.1 4")
    with server.client() as client:
        assert client.post("/v1/read", content=small, headers=PNG).status_code == 200
    assert server.end() == 0
    assert not [text for text in server.lines if "Traceback" in text]


def test_a_slow_upload_is_given_up(start: Callable[..., Any], small: bytes) -> None:
    server = start("--max-upload-seconds", "1")
    answer = _exchange(server.url, _head(1000, "Connection: close") + b"a few bytes")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"upload_too_slow" in answer
    with server.client() as client:
        assert client.post("/v1/read", content=small, headers=PNG).status_code == 200


def test_a_connection_without_a_whole_request_head_is_closed() -> None:
    """Silent from the start, stuck in its head, or silent after an answer: all end, one at work or in use does not."""

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await asyncio.sleep(1.0 if scope["path"] == "/slow" else 0)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def main() -> list[bytes]:
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(app, http=_protocol(0.2), lifespan="off", log_config=None)  # type: ignore[arg-type]
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve([listener]))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        head = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        requests = ([b""], [b"GET / HTTP/1.1\r\nX: "], [head], [head.replace(b"/", b"/slow", 1)], [head] * 30)
        answers = await asyncio.gather(*(asyncio.to_thread(_exchange, url, *parts, pause=0.05) for parts in requests))
        server.should_exit = True
        await serving
        return answers

    silent, stuck, answered, slow, in_use = asyncio.run(main())
    assert silent == stuck == b""
    assert answered.endswith(b"ok")
    assert slow.endswith(b"ok")
    assert in_use.count(b"ok") == 30


def test_clients_that_went_away_free_their_place(
    start: Callable[..., Any], document: Draw, eventually: Callable[..., None]
) -> None:
    server = start("--max-requests", "2")
    body = document(50)
    head = _head(len(body)).replace(b"image/png", b"application/pdf")
    host, _, port = server.url.removeprefix("http://").partition(":")
    for _ in range(2):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(head + body)
            time.sleep(0.3)
    with server.client() as client:
        eventually(lambda: "ocr_open_requests 0.0" in client.get("/metrics").text)
        eventually(lambda: bool(server.logged("request")) and any(e["status"] == 499 for e in server.logged("request")))


def test_logs_tell_what_happened_but_not_what_was_read(start: Callable[..., Any], picture: Draw) -> None:
    server = start()
    with server.client() as client:
        client.post(
            "/v1/read?min_confidence=0.1",
            files={"file": ("secret-name.png", picture("SECRET 123"))},
            headers={"x-request-id": "trace-me"},
        )
        client.get("/v1/secret-path")
    server.end()
    text = "".join(server.lines)
    assert "secret" not in text.lower()
    assert all(json.loads(line) for line in server.lines)
    (read,) = [entry for entry in server.logged("request") if entry["request_id"] == "trace-me"]
    assert (read["route"], read["status"], read["pages"]) == ("/v1/read", 200, 1)
    assert read["level"] == "info"
    assert read["bytes"] > 100


def test_nothing_is_written_outside_the_work_folder(start: Callable[..., Any], document: Draw, tmp_path: Path) -> None:
    server = start()
    with server.client() as client:
        for name in ("../../up.pdf", "/tmp/abs.pdf"):
            client.post("/v1/jobs", files={"file": (name, document(2))})
            client.post("/v1/read", files={"file": (name, document(2))})
    server.end()
    assert {path.name for path in tmp_path.iterdir()} == {"work"}
    assert {path.name for path in (tmp_path / "work").iterdir()} <= {"jobs.sqlite", "jobs.sqlite.lock"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "give --keys FILE, or --no-auth"),
        (["--keys", "none.json"], "none.json: cannot be read"),
        (["--models", "none"], "none: no such folder"),
        (["--host", "203.0.113.7", "--no-auth"], "cannot listen on 203.0.113.7"),
        (["--host", "no.such.host.invalid", "--no-auth"], "cannot listen on"),
        (["--work", "file/below"], "cannot be made"),
        (["--work", "other"], "is no queue of jobs (file is not a database); move it"),
    ],
)
def test_a_start_that_cannot_be_is_one_line(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/jobs.sqlite").write_text("something else, longer than a header of SQLite would have to be")
    assert main(["serve", "--port", "0", *arguments]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("{")]
    assert len(errors) == 1
    assert words in errors[0]


@pytest.mark.parametrize("value", ["inf", "nan"])
@pytest.mark.parametrize("option", ["--max-megabytes", "--max-megapixels", "--max-seconds", "--max-upload-seconds"])
def test_a_limit_is_a_number_to_count_with(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["serve", option, value])
    assert stopped.value.code == 2
    assert f"Invalid value for '{option}'" in capsys.readouterr().err


def test_two_services_do_not_share_a_work_folder(
    start: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start()
    assert main(["serve", "--port", "0", "--work", str(tmp_path / "work")]) == 2
    assert capsys.readouterr().err == (
        f"ocr serve: {tmp_path / 'work'}: another service works here; give another --work\n"
    )


def test_the_port_is_taken(start: Callable[..., Any], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    port = start().url.rpartition(":")[2]
    assert main(["serve", "--port", port, "--work", str(tmp_path / "other")]) == 2
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err
