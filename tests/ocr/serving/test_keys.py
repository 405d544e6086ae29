"""API keys: hashed, compared whole, revoked at once."""

import hashlib
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from ocr.cli.main import main
from ocr.errors import ServiceError
from ocr.serving import keys as keys_module
from ocr.serving.keys import KeyRing, add_key, read_keys, revoke_key


def test_a_key_is_printed_once_and_only_its_hash_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["serve", "keys", "add", "--keys", "keys.json", "the web shop"])
    assert ended.value.code == 0
    text = capsys.readouterr().out.strip()
    kept = (tmp_path / "keys.json").read_text()
    assert text.startswith("ocr_")
    assert text not in kept
    assert hashlib.sha256(text.encode()).hexdigest() in kept
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    with pytest.raises(SystemExit):
        main(["serve", "keys", "list", "--keys", "keys.json", "--json"])
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed.keys() == {"id", "label", "created"}
    with pytest.raises(SystemExit):
        main(["serve", "keys", "list", "--keys", "keys.json"])
    assert "the web shop" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["serve", "keys", "revoke", listed["id"], "--keys", "keys.json"])
    assert read_keys(tmp_path / "keys.json") == []
    assert main(["serve", "keys", "revoke", listed["id"], "--keys", "keys.json"]) == 2
    assert "has no key" in capsys.readouterr().err


@pytest.mark.parametrize("label", ["", " ", "x" * 101, "a\nb"])
def test_a_label_is_one_short_line(label: str, tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="1 to 100 printable"):
        add_key(tmp_path / "keys.json", label)


def test_a_key_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="ocr serve keys add"):
        read_keys(tmp_path / "none.json")
    (tmp_path / "other.json").write_text('{"a": 1}')
    with pytest.raises(ServiceError, match="is not a file of API keys"):
        read_keys(tmp_path / "other.json")
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceError, match="cannot be written"):
        add_key(tmp_path / "file/keys.json", "x")


def test_every_key_is_compared_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The right key found first does not end the search, and hashes are compared, not texts."""
    texts = [add_key(tmp_path / "keys.json", str(number))[0] for number in range(4)]
    compared: list[tuple[str, str]] = []

    def watch(a: str, b: str) -> bool:
        compared.append((a, b))
        return a == b

    monkeypatch.setattr(keys_module.hmac, "compare_digest", watch)
    ring = KeyRing(tmp_path / "keys.json")
    for text in (texts[0], texts[3], "forged"):
        compared.clear()
        found = ring.check(text)
        assert (found is None) == (text == "forged")
        assert len(compared) == 4
        assert {len(side) for pair in compared for side in pair} == {64}


def test_requests_need_a_key(make_client: Callable[..., TestClient], tmp_path: Path, small: bytes) -> None:
    text, key = add_key(tmp_path / "keys.json", "shop")
    other, _ = add_key(tmp_path / "keys.json", "other")
    client = make_client(keys=tmp_path / "keys.json")
    png = {"content-type": "image/png"}

    def status(**headers: str) -> int:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = client.post("/v1/read", content=small, headers=png | sent)
        if answer.status_code == 401:
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["code"] in ("no_key", "wrong_key")
        return answer.status_code

    assert status() == 401
    assert status(authorization=f"Bearer {text}") == status(x_api_key=text) == 200
    for forged in (
        text[:-1],
        text + "x",
        text.upper(),
        key.sha256,
        key.id,
        "",
        "Bearer",
    ):
        assert status(authorization=f"Bearer {forged}") == 401
        assert status(authorization=f"Basic {text}") == 401
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        assert client.get(path).status_code == 200
    for path in ("/v1/models", "/v1/jobs", "/v1/none"):
        assert client.get(path).status_code == 401
    assert client.get("/openapi.json").json()["paths"]["/v1/read"]["post"]["security"] == [{"key": []}]

    mine, theirs = {"authorization": f"Bearer {text}"}, {"authorization": f"Bearer {other}"}
    job = client.post("/v1/jobs", content=small, headers=png | mine).json()["id"]
    assert client.get(f"/v1/jobs/{job}", headers=mine).status_code == 200
    for answer in (
        client.get(f"/v1/jobs/{job}", headers=theirs),
        client.get(f"/v1/jobs/{job}/result", headers=theirs),
        client.delete(f"/v1/jobs/{job}", headers=theirs),
    ):
        assert answer.status_code == 404
    assert client.get("/v1/jobs", headers=theirs).json() == {"jobs": []}

    revoke_key(tmp_path / "keys.json", key.id)
    assert status(authorization=f"Bearer {text}") == 401
