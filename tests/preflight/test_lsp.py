"""The editor server: what it says about a file, where a target leads, and one conversation when pygls is installed."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from preflight import lsp

FILES = {
    "preflight.toml": "",
    "shop/__init__.py": "",
    "shop/basket.py": "import os\n\n\nclass Basket:\n    class Inner: ...\n",
    "conf/a.yaml": "a:\n  _target_: shop.basket.Basket\nb:\n  _target_: shop.gone.X\n"
    "c:\n  _target_: shop.basket.Basket.Inner\n",
}


def test_diagnostics_start_at_zero(repository) -> None:
    root = repository(FILES)
    (found,) = lsp.diagnostics(root / "conf/a.yaml")
    assert found["range"]["start"] == {"line": 3, "character": 12}
    assert (found["code"], found["severity"], found["source"]) == ("HYD001", 1, "preflight")
    assert lsp.diagnostics(root / "shop/basket.py") == []


@pytest.mark.parametrize(("line", "place"), [(1, 3), (5, 4), (3, None), (0, None)])
def test_a_target_leads_to_its_definition(repository, line: int, place: int | None) -> None:
    root = repository(FILES)
    expected = None if place is None else (root / "shop/basket.py", place)
    assert lsp.definition(root / "conf/a.yaml", line) == expected


def test_addresses_of_files() -> None:
    assert lsp.path_of("file:///a%20b/c.yaml") == Path("/a b/c.yaml")


@pytest.mark.skipif(find_spec("pygls") is not None, reason="pygls is installed")
def test_without_pygls_the_install_line_is_named(repository) -> None:
    done = subprocess.run([sys.executable, "-m", "preflight", "lsp"], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (
        2,
        "preflight: the editor server needs pygls; pip install 'receipt-ocr[lsp]'\n",
    )


def _message(**fields: object) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", **fields}).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def test_a_conversation(repository) -> None:
    pytest.importorskip("pygls")
    root = repository(FILES)
    uri = (root / "conf/a.yaml").as_uri()
    document = {"uri": uri, "languageId": "yaml", "version": 1, "text": FILES["conf/a.yaml"]}
    position = {"line": 1, "character": 15}
    said = (
        _message(id=1, method="initialize", params={"capabilities": {}, "processId": None, "rootUri": None})
        + _message(method="initialized", params={})
        + _message(method="textDocument/didOpen", params={"textDocument": document})
        + _message(id=2, method="textDocument/definition", params={"textDocument": {"uri": uri}, "position": position})
        + _message(id=3, method="shutdown")
        + _message(method="exit")
    )
    done = subprocess.run([sys.executable, "-m", "preflight", "lsp"], input=said, capture_output=True, timeout=120)
    assert b"textDocument/publishDiagnostics" in done.stdout
    assert b"HYD001" in done.stdout
    assert b"shop/basket.py" in done.stdout
