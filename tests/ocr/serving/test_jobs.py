"""Jobs: on the disk when answered, read page by page, seen by their sender only, forgotten in the end."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from ocr.serving.jobs import Jobs

Draw = Callable[..., bytes]
PDF = {"content-type": "application/pdf"}


def test_a_long_document(client: TestClient, document: Draw, eventually: Callable[..., None]) -> None:
    sent = client.post("/v1/jobs?dpi=100", content=document(5), headers=PDF)
    assert sent.status_code == 202
    job = sent.json()["id"]
    assert (sent.json()["state"], sent.json()["pages_total"]) == ("queued", 5)
    early = client.get(f"/v1/jobs/{job}/result")
    assert early.status_code in (200, 409)
    eventually(lambda: client.get(f"/v1/jobs/{job}").json()["state"] == "done")
    status = client.get(f"/v1/jobs/{job}").json()
    assert status["pages_done"] == 5
    assert status["finished"] > status["created"]
    result = client.get(f"/v1/jobs/{job}/result").json()
    direct = client.post("/v1/read?dpi=100", content=document(5), headers=PDF).json()
    for page in [*result["pages"], *direct["pages"]]:
        page["timings_ms"] = {}
    assert result == direct
    assert client.get(f"/v1/jobs/{job}/result?format=text").text.startswith("PAGE 1\n\fPAGE 2\n")
    assert [entry["id"] for entry in client.get("/v1/jobs").json()["jobs"]] == [job]
    assert client.delete(f"/v1/jobs/{job}").status_code == 204
    for answer in (
        client.get(f"/v1/jobs/{job}"),
        client.get(f"/v1/jobs/{job}/result"),
        client.delete(f"/v1/jobs/{job}"),
    ):
        assert answer.status_code == 404


@pytest.mark.parametrize("job", ["x", "../../etc/passwd", "0" * 31, "A" * 32, "%00", "0" * 32 + "'--"])
def test_ids_are_no_paths(client: TestClient, job: str) -> None:
    assert client.get(f"/v1/jobs/{job}").status_code in (404, 422)
    assert client.delete(f"/v1/jobs/{job}").status_code in (404, 422)


def test_what_cannot_be_opened_is_refused_at_once(client: TestClient) -> None:
    answer = client.post("/v1/jobs", content=b"%PDF-1.4 hello", headers=PDF)
    assert (answer.status_code, answer.json()["code"]) == (422, "unreadable")


def test_a_page_that_cannot_be_read_has_an_error_entry(
    make_client: Callable[..., TestClient], document: Draw, eventually: Callable[..., None]
) -> None:
    client = make_client(limits={"page_pixels": 1000, "pages_pixels": 1000})
    job = client.post("/v1/jobs", content=document(2), headers=PDF).json()["id"]
    eventually(lambda: client.get(f"/v1/jobs/{job}").json()["state"] == "done")
    pages = client.get(f"/v1/jobs/{job}/result").json()["pages"]
    assert [page["image"]["page"] for page in pages] == [1, 2]
    assert all("million" in page["error"]["reason"] for page in pages)
    assert client.get(f"/v1/jobs/{job}/result?format=text").text == "\f"


@pytest.mark.parametrize("format", ["pdf", "hocr", "alto"])
def test_a_document_of_which_nothing_could_be_read_is_refused_where_its_pages_have_no_place(
    make_client: Callable[..., TestClient], document: Draw, eventually: Callable[..., None], format: str
) -> None:
    client = make_client(limits={"page_pixels": 1000, "pages_pixels": 1000})
    job = client.post("/v1/jobs", content=document(2), headers=PDF).json()["id"]
    eventually(lambda: client.get(f"/v1/jobs/{job}").json()["state"] == "done")
    result = client.get(f"/v1/jobs/{job}/result?format={format}")
    direct = client.post(f"/v1/read?format={format}", content=document(2), headers=PDF)
    assert (result.status_code, result.json()["code"]) == (422, "unreadable")
    assert (direct.status_code, direct.json()["detail"]) == (422, result.json()["detail"])


def test_the_queue_has_an_end(make_client: Callable[..., TestClient], small: bytes) -> None:
    png = {"content-type": "image/png"}
    client = make_client(limits={"jobs_waiting": 0})
    answer = client.post("/v1/jobs", content=small, headers=png)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    client = make_client(work="full", limits={"jobs_bytes": 10})
    answer = client.post("/v1/jobs", content=small, headers=png)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "600")


def test_a_job_that_breaks_the_engine_fails_and_the_next_is_read(
    make_client: Callable[..., TestClient],
    small: bytes,
    eventually: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = make_client()
    service = client.app.state.service
    right = service.engine.read
    broken = threading.Event()

    def break_once(*arguments: object, **options: object) -> object:
        if not broken.is_set():
            broken.set()
            raise ZeroDivisionError
        return right(*arguments, **options)

    monkeypatch.setattr(service.engine, "read", break_once)
    ids = [client.post("/v1/jobs", content=small, headers={"content-type": "image/png"}).json()["id"] for _ in range(2)]
    eventually(lambda: all(client.get(f"/v1/jobs/{job}").json()["finished"] for job in ids))
    assert [client.get(f"/v1/jobs/{job}").json()["state"] for job in ids] == ["failed", "done"]
    assert "ZeroDivisionError" in client.get(f"/v1/jobs/{ids[0]}").json()["error"]
    assert client.get(f"/v1/jobs/{ids[0]}/result").status_code == 409


def test_what_ends_the_service_each_time_is_not_tried_for_ever(
    make_client: Callable[..., TestClient], tmp_path: Path, small: bytes, eventually: Callable[..., None]
) -> None:
    (tmp_path / "work").mkdir()
    jobs = Jobs(tmp_path / "work/jobs.sqlite")
    job = jobs.add("", "x", "{}", small, 1)
    for _ in range(3):  # begun three times, never a page put
        assert jobs.claim() is not None
        assert jobs.recover() == 1
    jobs.close()
    client = make_client()
    eventually(lambda: client.get(f"/v1/jobs/{job.id}").json()["state"] == "failed")
    assert "ended the service 3 times, at page 1" in client.get(f"/v1/jobs/{job.id}").json()["error"]


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(tmp_path / "jobs.sqlite")


def test_the_queue_outlives_its_connection(jobs: Jobs, tmp_path: Path) -> None:
    first, second = (jobs.add("me", name, "{}", b"file", 3) for name in "ab")
    claimed = jobs.claim()
    assert claimed is not None
    assert (claimed.id, claimed.state, claimed.attempts) == (first.id, "running", 1)
    assert jobs.put_page(first.id, 1, '{"page": 1}')
    again = Jobs(tmp_path / "jobs.sqlite")
    assert again.recover() == 1
    taken = again.claim()
    assert taken is not None
    assert (taken.id, taken.pages_done, taken.attempts) == (
        first.id,
        1,
        1,
    )  # a page was read since: the count began anew
    assert again.pages(first.id) == ['{"page": 1}']
    assert again.file(first.id) == b"file"
    again.release(first.id)
    again.release(first.id)
    assert [job.state for job in again.of_owner("me", 10)] == ["queued", "queued"]
    assert {job.id for job in again.of_owner("me", 10)} == {first.id, second.id}
    assert again.waiting() == 2
    assert again.bytes() == 8


def test_deleting_takes_file_and_pages_along(jobs: Jobs) -> None:
    job = jobs.add("me", "a", "{}", b"file", 1)
    assert not jobs.delete(job.id, "you")
    assert jobs.put_page(job.id, 1, "{}")
    assert jobs.delete(job.id, "me")
    assert jobs.file(job.id) is None
    assert jobs.pages(job.id) == []
    assert jobs.bytes() == 0
    assert not jobs.put_page(job.id, 2, "{}")


def test_what_ended_long_ago_is_forgotten(jobs: Jobs) -> None:
    ended, waiting = (jobs.add("me", name, "{}", b"x" * 100_000, 1) for name in "ab")
    jobs.claim()
    jobs.finish(ended.id)
    assert jobs.sweep(3600) == 0
    assert jobs.sweep(-1) == 1
    assert [job.id for job in jobs.of_owner("me", 10)] == [waiting.id]


def test_a_file_that_is_none_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite").write_text("something else, longer than a header of SQLite would have to be")
    with pytest.raises(sqlite3.DatabaseError):
        Jobs(tmp_path / "jobs.sqlite")
