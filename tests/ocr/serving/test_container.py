"""No container engine is needed: the Dockerfile's steps run in a clean environment, and what they make serves."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
STEPS = [
    (line.partition(" ")[0], line.partition(" ")[2])
    for line in (ROOT / "Dockerfile").read_text().splitlines()
    if line and not line.startswith("#")
]


def test_steps_are_ones_that_are_run_below_and_it_ends_without_rights() -> None:
    known = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "CMD"}
    assert {step for step, _ in STEPS} <= known
    assert dict(STEPS)["USER"].partition(":")[0] not in ("0", "root")
    assert dict(STEPS)["STOPSIGNAL"] == "SIGTERM"


def test_what_is_copied_is_not_ignored() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [part for step, rest in STEPS if step == "COPY" for part in rest.split()[:-1]]
    assert set(copied) <= allowed
    assert all((ROOT / part).exists() for part in copied)


def test_compose_starts_what_the_dockerfile_builds() -> None:
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["ocr"]
    assert service["build"] == "."
    assert service["ports"] == ["127.0.0.1:8000:8000"]
    assert service["volumes"] == ["data:/data"]
    assert service["read_only"] is True
    assert int(service["stop_grace_period"].removesuffix("s")) > 120  # the longest time of a request


@pytest.mark.slow
def test_the_steps_make_a_service(tmp_path: Path) -> None:
    """Paths of the image lie below a folder; WORKDIR, COPY, RUN, HEALTHCHECK and CMD do what they would there."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    for name in ("http_proxy", "https_proxy", "PIP_INDEX_URL", "PIP_CONFIG_FILE", "SSL_CERT_FILE", "PIP_CERT"):
        if name in os.environ:
            environment[name] = os.environ[name]

    def here(text: str) -> str:
        moved = re.sub(r"(?<![\w.])/(opt|app|data)\b", rf"{tmp_path}/\1", text)
        return moved.replace("8000", port).replace("0.0.0.0", "127.0.0.1")

    folder = tmp_path
    commands: dict[str, list[str]] = {}
    for step, rest in STEPS:
        if step == "WORKDIR":
            folder = Path(here(rest))
            folder.mkdir(parents=True, exist_ok=True)
        elif step == "COPY":
            *sources, target = rest.split()
            for source in sources:
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, folder / target, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / source, folder / target)
        elif step == "RUN":
            subprocess.run(["sh", "-ec", here(rest)], cwd=folder, env=environment, check=True, timeout=900)
        elif step == "ENV":
            name, _, value = here(rest).partition("=")
            environment[name] = value.replace("$PATH", environment["PATH"])
        elif step in ("HEALTHCHECK", "CMD"):
            commands[step] = json.loads(here(rest[rest.index("[") :]))
    server = subprocess.Popen(commands["CMD"], cwd=folder, env=environment)
    try:
        end = time.monotonic() + 120
        while subprocess.run(commands["HEALTHCHECK"], env=environment, capture_output=True, check=False).returncode:
            assert server.poll() is None
            assert time.monotonic() < end
            time.sleep(0.5)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=30) as answer:
            assert len(json.load(answer)["models"]) == 3
    finally:
        server.terminate()
        assert server.wait(60) == 0
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"work"}
