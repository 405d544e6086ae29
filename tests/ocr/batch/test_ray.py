"""On Ray: the same bytes as locally, also when an actor is killed; nothing here waits for ever."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ocr.cli.main import main

Run = Callable[..., subprocess.CompletedProcess[str]]
pytest.importorskip("ray")


def parts(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("part-*")}


def actors(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Processes of actors: Ray names them so."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            if child.name().startswith("ray::MapWorker") or "ray::MapWorker" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.Error:
            continue
    return found


@pytest.mark.slow
def test_two_actors_one_killed_in_flight_give_the_bytes_of_a_local_batch(
    begin: Callable[..., subprocess.Popen[str]], run: Run, scans: Path, tmp_path: Path
) -> None:
    given = (scans, "--shard", 2, "--workers", 2, "--json")
    assert run(*given, "--out", tmp_path / "local").returncode == 0
    process = begin(*given, "--out", tmp_path / "ray", "--engine", "ray")
    end = time.monotonic() + 300
    killed = False
    while process.poll() is None and not killed:
        assert time.monotonic() < end, "no actor began in time"
        if list((tmp_path / "ray/begun").glob("*.json")) and (found := actors(process)):
            found[0].kill()
            killed = True
        time.sleep(0.01)
    assert killed, process.communicate()[1]
    out, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    assert json.loads(out) == {
        "items": 30,
        "pages": 30,
        "pages_now": 30,
        "failed": 0,
        "unplanned": 0,
        "out": str(tmp_path / "ray"),
    }
    assert parts(tmp_path / "ray") == parts(tmp_path / "local")
    assert not list((tmp_path / "ray/begun").iterdir())


@pytest.mark.slow
def test_a_batch_begun_locally_goes_on_on_ray(run: Run, scans: Path, tmp_path: Path) -> None:
    given = (scans, "--out", tmp_path / "out", "--shard", 5, "--workers", 2, "--json")
    assert run(*given).returncode == 0
    before = parts(tmp_path / "out")
    for number in (1, 4):
        (tmp_path / f"out/done/{number:08}.json").unlink()
    done = run(*given, "--engine", "ray")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pages_now"] == 10
    assert parts(tmp_path / "out") == before
    assert json.loads(run(*given, "--engine", "ray").stdout)["pages_now"] == 0  # nothing to do: Ray is not even started


@pytest.mark.slow
def test_only_failed_pages_are_read_again_on_ray(run: Run, scans: Path, tmp_path: Path) -> None:
    page = (scans / "07.png").read_bytes()
    (scans / "07.png").write_bytes(page[:100])
    given = (scans, "--out", tmp_path / "out", "--shard", 10, "--workers", 1, "--json")
    assert json.loads(run(*given).stdout)["failed"] == 1
    (scans / "07.png").write_bytes(page)
    done = run(*given, "--retry-failed", "--engine", "ray")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "items": 30, "pages": 30, "pages_now": 1, "failed": 0, "unplanned": 0, "out": str(tmp_path / "out"),
    }  # fmt: skip
    assert run(scans, "--out", tmp_path / "whole", "--shard", 10).returncode == 0
    assert parts(tmp_path / "out") == parts(tmp_path / "whole")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1:none"])
def test_a_cluster_that_is_not_there(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    assert main(["batch", str(scans), "--out", str(tmp_path / "out"), "--engine", "ray", "--address", address]) == 2
    assert f"Ray at {address} cannot be used" in capsys.readouterr().err
