"""The curl commands of docs/serving.md, run one after the other against a real service."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ocr.serving.problems import CODES

PAGE = (Path(__file__).resolve().parents[3] / "docs/serving.md").read_text()


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_the_commands_of_the_page_run(
    start: Callable[..., Any], picture: Callable[..., bytes], document: Callable[..., bytes], tmp_path: Path
) -> None:
    server = start()
    folder = tmp_path / "client"
    folder.mkdir()
    (folder / "receipt.jpg").write_bytes(picture(kind="JPEG"))
    (folder / "contract.pdf").write_bytes(document(2))
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 2
    outputs = []
    for block in blocks:
        script = block.replace("http://localhost:8000", server.url)
        done = subprocess.run(["sh", "-e", "-c", script], cwd=folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    assert "TOTAL 9.00\n" in outputs[0]
    assert "ocr_requests_total" in outputs[0]
    assert (folder / "searchable.pdf").read_bytes().startswith(b"%PDF")
    assert "PAGE 2" in outputs[1]


def test_every_code_is_explained() -> None:
    table = PAGE.split("## Refusals")[1].split("## Keys")[0]
    rows = {
        code: row.split("|")[1]
        for row in table.splitlines()
        if row.startswith("|")
        for code in re.findall(r"`([a-z_]+)`", row)
    }
    assert {code: str(status) in rows[code] for code, status in CODES.items()} == dict.fromkeys(CODES, True)
