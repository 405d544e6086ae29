"""The command line as people use it: exit codes, forms, one clear line for wrong use."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from preflight.cli import main as cli

FILES = {
    "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["requests"]\n',
    "shop/__init__.py": "",
    "shop/basket.py": "class Basket: ...\n",
    "shop/a.py": "from shop.old import Basket\nfrom shop.gone import lost\n",
    "shop/b.py": "from shop.old import Basket\nimport tiktoken\n",
    "conf/a.yaml": "_target_: shop.old.Basket\n",
}
FINDING = {
    "type": "object",
    "required": ["code", "severity", "path", "line", "column", "message", "symbol", "cause", "fix"],
    "additionalProperties": False,
    "properties": {
        "code": {"type": "string", "pattern": "^[A-Z]{3}[0-9]{3}$"},
        "severity": {"enum": ["error", "warning", "info"]},
        "path": {"type": "string"},
        "line": {"type": "integer", "minimum": 1},
        "column": {"type": "integer", "minimum": 1},
        "message": {"type": "string"},
        "symbol": {"type": "string"},
        "cause": {"type": "string"},
        "fix": {"type": ["object", "null"]},
    },
}
REPORT = {
    "type": "object",
    "required": ["schema_version", "tool", "roots", "findings", "summary"],
    "properties": {
        "tool": {"const": "preflight"},
        "findings": {"type": "array", "items": FINDING},
        "summary": {"type": "object", "required": ["count", "by_code", "by_severity", "files"]},
    },
}


@pytest.fixture
def shop(repository, monkeypatch) -> Path:
    root = repository(FILES)
    monkeypatch.chdir(root)
    return root


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, list(arguments), catch_exceptions=False)
    return result.exit_code, result.stdout


def test_json_has_the_documented_shape(shop: Path) -> None:
    code, text = invoke("check", "--json")
    data = json.loads(text)
    jsonschema.validate(data, REPORT)
    assert code == 1
    assert data["roots"] == ["."]
    assert data["summary"] == {
        "count": 5,
        "by_code": {"HYD001": 1, "IMP001": 3, "IMP003": 1},
        "by_severity": {"error": 4, "warning": 1},
        "files": 3,
    }
    moved = next(f for f in data["findings"] if f["symbol"] == "shop.old.Basket" and f["path"] == "shop/a.py")
    assert moved["fix"]["edits"][0]["text"] == "shop.basket"
    assert moved["cause"] == "module shop.old is missing"


def test_text_groups_findings_under_their_cause(shop: Path) -> None:
    code, text = invoke("check")
    assert code == 1
    assert text.splitlines()[0] == "CAUSE module shop.old is missing: 3 findings"
    assert text.splitlines()[-1] == "5 findings in 3 files (4 error, 1 warning)"
    assert "shop/b.py:2:8 IMP003" in text


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github", "markdown", "html"])
def test_every_form_names_every_finding(shop: Path, form: str) -> None:
    code, text = invoke("check", "--format", form)
    assert code == 1
    assert text.count("IMP001") >= 3
    assert "tiktoken" in text
    if form == "sarif":
        run = json.loads(text)["runs"][0]
        assert {result["ruleId"] for result in run["results"]} <= {
            rule["id"] for rule in run["tool"]["driver"]["rules"]
        }


def test_selection_paths_and_exit_zero(shop: Path) -> None:
    assert invoke("check", "--select", "SRC")[0] == 0
    assert invoke("check", "--exit-zero")[0] == 0
    code, text = invoke("check", "shop/a.py", "--select", "IMP001,IMP002", "--min-severity", "error")
    assert code == 1
    assert text.endswith("2 findings in 1 file (2 error)\n")
    assert invoke("check", "conf", "--ignore", "HYD")[0] == 0


def test_statistics_name_the_cure(shop: Path) -> None:
    _, text = invoke("check", "--statistics")
    assert "     3  module shop.old is missing  (a module was moved or deleted; preflight fix --diff)" in text
    assert "     1  package tiktoken is not declared  (missing from the dependency lists; uv add tiktoken)" in text


def test_unknown_is_shown_when_asked(shop: Path) -> None:
    (shop / "shop/open.py").write_text("def __getattr__(n): return n\n")
    (shop / "shop/c.py").write_text("from shop.open import anything\n")
    (shop / "conf/b.yaml").write_text("_target_: shop.open.thing.other\n")
    assert "shop/c.py:1:23 unknown import 'shop.open' anything" in invoke("check", "--show-unknown")[1]
    assert "unknown target 'shop.open.thing.other'" in invoke("check", "--show-unknown")[1]


def test_explain_lists_and_prints_pages(shop: Path) -> None:
    _, listing = invoke("explain")
    assert len(listing.splitlines()) == 27
    assert "HYD003  error   A `_target_` goes through a re-export" in listing
    _, page = invoke("explain", "missing-module")
    assert page.startswith("# IMP001 missing-module\n")


def test_targets_lists_what_each_leads_to(shop: Path) -> None:
    (shop / "conf/c.yaml").write_text("_target_: shop.basket.Basket\n")
    code, text = invoke("targets")
    assert code == 1
    assert "conf/c.yaml:1:11 found shop.basket.Basket" in text
    assert json.loads(invoke("targets", "--json")[1])["summary"] == {"found": 1, "module": 1}
    assert invoke("targets", "conf/c.yaml")[0] == 0


def test_allowlist_and_graph(shop: Path) -> None:
    (shop / "shop/__init__.py").write_text("from shop.basket import Basket\n")
    (shop / "conf/a.yaml").write_text("a: {_target_: shop.Basket}\nb: {_target_: requests.get}\n")
    assert invoke("allowlist")[1] == "requests.get\nshop.basket.Basket\n"
    assert json.loads(invoke("allowlist", "--json")[1])["targets"] == ["requests.get", "shop.basket.Basket"]
    assert '"shop" -> "shop.basket" [label=1];' in invoke("graph", "--format", "dot")[1]
    assert invoke("graph", "--prefix", "shop", "--depth", "0")[1].startswith("graph LR\n")


def test_the_baseline_falls_and_never_rises(shop: Path) -> None:
    assert "5 findings accepted" in invoke("baseline", "write", "--reason", "deferred")[1]
    assert invoke("check")[0] == 0
    assert "ACCEPTED (5): deferred 5" in invoke("check")[1]
    assert invoke("check", "--no-baseline")[0] == 1
    (shop / "shop/b.py").write_text("x = 1\n")
    code, text = invoke("baseline", "check")
    assert code == 0
    assert "2 accepted findings are gone" in text
    (shop / "shop/b.py").write_text("from shop.old import Basket\n")
    code, text = invoke("baseline", "check")
    assert code == 1
    assert "shop/b.py:1:22 IMP001" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "nowhere"], "no such file or folder"),
        (["check", "/", "--root", "."], "outside the repository"),
        (["check", "--root", "pyproject.toml"], "not a folder"),
        (["check", "--select", "XYZ"], "no rule is called XYZ"),
        (["check", "--python", "/nonexistent"], "no site-packages"),
        (["explain", "XYZ"], "no rule is called 'XYZ'"),
        (["baseline", "check"], "there is no baseline"),
        (["mv", "shop.nothing", "shop.other"], "no module, class or function"),
        (["mv", "shop.basket", "shop.a"], "is there already"),
        (["scripts", "archive", "scripts/none.py"], "no script of the folders"),
        (["compose", "--python", "/nonexistent"], "no site-packages"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(shop: Path, arguments: list[str], message: str) -> None:
    done = subprocess.run([sys.executable, "-m", "preflight", *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_wrong_settings_are_one_line(shop: Path) -> None:
    (shop / "preflight.toml").write_text("rots = []\n")
    done = subprocess.run([sys.executable, "-m", "preflight", "check"], capture_output=True, text=True, timeout=120)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_an_empty_folder_is_clean(tmp_path: Path) -> None:
    assert invoke("check", "--root", str(tmp_path)) == (0, "no findings\n")
