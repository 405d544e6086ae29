"""Traps that other auditors fall into, each as a small repository with everything that should be said about it."""

import json

import pytest

DECLARED = '[project]\nname = "shop"\ndependencies = ["requests", "torch", "hydra-core"]\n'
ENTRY = """import hydra
from hydra.utils import get_class, instantiate


@hydra.main(config_path="../conf", config_name="main", version_base="1.3")
def main(cfg):
    {body}
"""
SHOP = {"pyproject.toml": DECLARED, "shop/__init__.py": ""}
RULES = ("IMP001", "IMP002", "IMP003", "SRC001", "HYD001", "HYD002", "HYD004", "HYD005", "HYD006", "HYD008")


def entry(body: str) -> str:
    return ENTRY.format(body=body)


IMPORTS = {
    "a module hides a folder of its name that has no __init__": (
        {
            "shop/a.py": "x = 1\n",
            "shop/a/sub.py": "y = 1\n",
            "use.py": "from shop.a import x\nfrom shop.a.sub import y\n",
        },
        ["use.py:2 IMP001 shop.a.sub.y"],
    ),
    "a lazy table that keeps what it served": (
        {
            "shop/__init__.py": "import importlib\n_LAZY_EXPORTS: dict = {'Basket': ('shop.basket', 'Basket')}\n"
            "def __getattr__(name):\n    target = _LAZY_EXPORTS.get(name)\n    if target is None:\n"
            "        raise AttributeError(name)\n    value = getattr(importlib.import_module(target[0]), target[1])\n"
            "    globals()[name] = value\n    return value\n",
            "shop/basket.py": "class Basket: ...\n",
            "use.py": "from shop import Basket, Other\nfrom shop.gone import x\n",
        },
        ["use.py:1 IMP002 shop.Other", "use.py:2 IMP001 shop.gone.x"],
    ),
    "names written through globals() hide no missing module": (
        {"shop/__init__.py": "globals()['made'] = 1\n", "use.py": "from shop import made\nfrom shop.gone import x\n"},
        ["use.py:2 IMP001 shop.gone.x"],
    ),
    "a module that a package puts into sys.modules": (
        {
            "shop/__init__.py": "import sys, types\nsys.modules['shop.moves'] = types.ModuleType('moves')\n",
            "use.py": "from shop.moves import anything\n",
        },
        [],
    ),
    "a namespace shared with other distributions": (
        {
            "pyproject.toml": "",
            "graphs/pyproject.toml": '[project]\nname = "anemoi-graphs"\ndependencies = ["anemoi-utils"]\n',
            "models/pyproject.toml": '[project]\nname = "anemoi-models"\ndependencies = ["anemoi-graphs"]\n',
            "graphs/src/anemoi/graphs/__init__.py": "from anemoi.utils.config import load\n",
            "graphs/src/anemoi/graphs/nodes.py": "class Node: ...\n",
            "models/src/anemoi/models/__init__.py": "",
            "models/tests/test_x.py": "from anemoi.graphs.nodes import Node\nfrom anemoi.graphs.gone import Edge\n",
            "models/src/anemoi/models/conf.yaml": "a: {_target_: anemoi.graphs.nodes.Node}\n"
            "b: {_target_: anemoi.graphs.gone.Edge}\nc: {_target_: anemoi.utils.any.Thing}\n",
        },
        [
            "models/src/anemoi/models/conf.yaml:2 HYD001 anemoi.graphs.gone.Edge",
            "models/tests/test_x.py:2 IMP001 anemoi.graphs.gone.Edge",
        ],
    ),
    "modules that a build makes": (
        {
            ".gitignore": "shop/_version.py\nshop/built/\n",
            "shop/helpers.cpp": "",
            "shop/fast.cpython-311-x86_64-linux-gnu.so": b"\x7fELF",
            "shop/Query.g4": "grammar Query;\n",
            "use.py": "from shop._version import version\nfrom shop.items_pb2 import Item\nfrom shop import helpers\n"
            "from shop.fast import anything\nfrom shop.QueryLexer import QueryLexer\nfrom shop.lost import x\n",
            "setup.py": "from setuptools import setup\nsetup(ext_modules=['_speed'])\n",
            "shop/user.py": "from shop import _speed\n",
        },
        ["use.py:6 IMP001 shop.lost.x"],
    ),
    "the own distribution is not a third party": (
        {"use.py": "import shop\nimport shop.gone\n", "tests/test_a.py": "from shop import missing\n"},
        ["tests/test_a.py:1 IMP002 shop.missing", "use.py:2 IMP001 shop.gone"],
    ),
    "an internal module re-exports a name of a package that is not installed": (
        {
            "shop/io.py": "from requests import Session\nfrom torch import *\n",
            "use.py": "from shop.io import Session, Tensor\n",
        },
        [],
    ),
    "scripts import their neighbours": (
        {
            "tools/run.py": "from helper import go, gone\n\nif __name__ == '__main__':\n    go()\n",
            "tools/helper.py": "def go(): ...\n",
            "other/helper.py": "def elsewhere(): ...\n",
        },
        ["tools/run.py:1 IMP002 helper.gone"],
    ),
    "another file's sys.path edit is no proof": (
        {
            "a/run.py": "import sys\nsys.path.insert(0, 'a/lib')\nimport train\n",
            "a/lib/train.py": "x = 1\n",
            "b/tests/test_train.py": "from train import y\n",
        },
        [],
    ),
    "a sys.path edit through names of the module": (
        {
            "a/tests/conftest.py": "import sys\nfrom pathlib import Path\n"
            "TOP = Path(__file__).resolve().parent.parent\nSRC = TOP / 'src'\n"
            "sys.path.insert(0, str(SRC))\nfrom utils import Field, gone\n",
            "a/src/utils.py": "class Field: ...\n",
            "b/src/utils.py": "def other(): ...\n",
        },
        ["a/tests/conftest.py:6 IMP002 utils.gone"],
    ),
    "many folders have a package of one name": (
        {
            "weather/train.py": "from utils.config import Config\nif __name__ == '__main__': ...\n",
            "weather/utils/config.py": "class Config: ...\n",
            "weather/utils/trainer.py": "from utils.config import Config\nfrom utils.nn import Net\n",
            "flow/utils/__init__.py": "",
            "flow/utils/nn.py": "class Net: ...\n",
            "chem/utils/__init__.py": "",
            "weather/conf/a.yaml": "_target_: utils.config.Config\n",
        },
        [],
    ),
    "a module that is called like the package it imports": (
        {"tools/apex.py": "import apex.normalization\n", "tools/a.py": "x = 1\n"},
        [],
    ),
    "names bound in try and under a condition": (
        {
            "shop/maybe.py": "try:\n    from fast import Fast\nexcept ImportError:\n    class Fast: ...\n"
            "AVAILABLE = True\nif AVAILABLE:\n    class Extra: ...\nelse:\n    Extra = None\n",
            "use.py": "from shop.maybe import Fast, Extra, Other\n",
            "conf.yaml": "a: {_target_: shop.maybe.Fast}\nb: {_target_: shop.maybe.Extra}\n",
        },
        ["use.py:1 IMP002 shop.maybe.Other"],
    ),
    "two distributions with one module name each": (
        {
            "one/setup.py": "",
            "one/conftest.py": "import utils_one\n",
            "one/utils_one.py": "",
            "two/setup.py": "",
            "two/conftest.py": "import utils_two\n",
            "two/utils_two.py": "",
        },
        [],
    ),
    "an import whose first line alone was commented out, and a try left empty": (
        {
            "shop/a.py": "# from shop.gone import (\n    first,\n)\nfrom shop.lost import x\n",
            "shop/b.py": "try:\n    # from shop.gone import y\nexcept ImportError:\n    y = None\n",
        },
        ["shop/a.py:2 SRC001 shop/a.py", "shop/a.py:4 IMP001 shop.lost.x", "shop/b.py:3 SRC001 shop/b.py"],
    ),
    "one file that cannot be read stops nothing": (
        {
            "a.yaml": "a: [\n",
            "b.yaml": "_target_: shop.gone.X\n",
            "c.py": "def\n",
            "d.py": "from shop import gone\n",
        },
        ["a.yaml:2 SRC001 a.yaml", "b.yaml:1 HYD001 shop.gone.X", "c.py:1 SRC001 c.py", "d.py:1 IMP002 shop.gone"],
    ),
    "a module that cannot be imported is one cause, not many": (
        {
            "shop/core.py": "from shop.gone import Base\nclass Model(Base): ...\n",
            "use.py": "from shop.core import Model\n",
            "conf.yaml": "_target_: shop.core.Model\n",
        },
        ["conf.yaml:1 HYD004 shop.core.Model", "shop/core.py:1 IMP001 shop.gone.Base"],
    ),
}

MODEL = """import torch
from requests import Session
from torch import nn


class Head(torch.nn.Module):
    def __init__(self, *, size):
        pass


class Model:
    def __init__(self, cfg):
        pass


class Workspace:
    def __init__(self, cfg, output_dir=None):
        pass
"""
TARGETS = {
    "an internal module re-exports a third-party class": (
        {
            "shop/model.py": MODEL,
            "conf.yaml": "a: {_target_: shop.model.Session}\nb: {_target_: shop.model.nn.Linear}\n",
        },
        [],
    ),
    "targets behind anchors and merge keys": (
        {
            "shop/model.py": MODEL,
            "conf.yaml": "base: &b {_target_: shop.model.Gone, size: 1}\ncopy: *b\nmore:\n  <<: *b\n  size: 2\n",
        },
        ["conf.yaml:1 HYD002 shop.model.Gone"],
    ),
    "a saved run, documents and tests are not code": (
        {f"{folder}/x.yaml": "_target_: shop.gone.X\n" for folder in ("outputs/1/.hydra", "multirun", "docs", "tests")},
        [f"{folder}/x.yaml:1 HYD001 shop.gone.X" for folder in ("docs", "multirun", "outputs/1/.hydra", "tests")],
    ),
    "get_class takes the root: its siblings are no arguments": (
        {
            "shop/model.py": MODEL,
            "shop/train.py": entry("get_class(cfg._target_)(cfg).run()"),
            "conf/main.yaml": "defaults: [_self_]\n_target_: shop.model.Workspace\nname: x\nseed: 1\n",
        },
        [],
    ),
    "values that the call gives": (
        {
            "shop/model.py": MODEL,
            "shop/train.py": entry("instantiate(cfg.head, size=3); instantiate(cfg.model, cfg=cfg)"),
            "conf/main.yaml": "head: {_target_: shop.model.Head}\nmodel:\n  _target_: shop.model.Model\n  encoder: 1\n",
        },
        [],
    ),
    "the words of instantiate are no arguments": (
        {
            "shop/model.py": MODEL,
            "shop/train.py": entry("instantiate(cfg.head)"),
            "conf/main.yaml": "head:\n  _target_: shop.model.Head\n  _recursive_: false\n  _convert_: all\n"
            "  _partial_: true\n  sise: 1\n",
        },
        ["conf/main.yaml:6 HYD005 shop.model.Head:sise"],
    ),
    "arguments are judged after composition": (
        {
            "shop/model.py": MODEL,
            "shop/train.py": entry("instantiate(cfg.head)"),
            "conf/main.yaml": "defaults:\n  - head: small\n  - _self_\nhead:\n  size: 3\n",
            "conf/head/small.yaml": "_target_: shop.model.Head\n",
        },
        [],
    ),
    "a store that is none of Hydra's": (
        {
            "shop/kernel.py": "import triton.language as tl\ndef f(a, b): tl.store(a + 1, b, mask=a)\n",
            "shop/train.py": entry("instantiate(cfg.head)"),
            "conf/main.yaml": "defaults:\n  - head: smal\n  - _self_\n",
            "conf/head/small.yaml": "_target_: shop.model.Head\nsize: 1\n",
            "shop/model.py": MODEL,
        },
        ["conf/main.yaml:2 HYD008 head/smal", "shop/kernel.py:1 IMP003 triton.language"],
    ),
    "an override names a missing option": (
        {
            "shop/train.py": entry("instantiate(cfg)"),
            "conf/main.yaml": "defaults:\n  - model: net\n  - exp: null\n  - _self_\n",
            "conf/model/net.yaml": "width: 1\n",
            "conf/exp/e.yaml": "# @package _global_\ndefaults:\n  - override /model: nope\n",
            "shop/model.py": MODEL,
        },
        ["conf/exp/e.yaml:3 HYD008 model/nope"],
    ),
    "interpolated targets, and a target in a comment": (
        {"conf.yaml": "a: {_target_: '${oc.env:X}'}\n# _target_: shop.gone.X\nb: {_target_: 'shop.${kind}.X'}\n"},
        [],
    ),
    "a missing package is not a bad target": (
        {"conf.yaml": "a: {_target_: torch.optim.Adam}\nb: {_target_: requests.sessions.Session}\n"},
        [],
    ),
}


@pytest.mark.parametrize("name", [*IMPORTS, *TARGETS])
def test_trap(name: str, repository, run) -> None:
    files, expected = (IMPORTS | TARGETS)[name]
    found = run(repository(SHOP | files), *RULES).findings
    assert sorted(f"{f.path}:{f.line} {f.code} {f.symbol}" for f in found) == expected


def test_what_is_not_code_has_its_own_severity(repository, run) -> None:
    files, _ = TARGETS["a saved run, documents and tests are not code"]
    assert {finding.severity for finding in run(repository(SHOP | files), "HYD001").findings} == {"info"}


def test_a_re_export_is_no_fault_unless_the_project_says_so(repository, run) -> None:
    conf = {"shop/__init__.py": "from shop.model import Head\n", "conf.yaml": "_target_: shop.Head\nsize: 1\n"}
    root = repository(SHOP | conf | {"shop/model.py": MODEL})
    assert run(root).findings == ()
    (root / "preflight.toml").write_text("fqn = true\n")
    assert [finding.code for finding in run(root).findings] == ["HYD003"]


def notebook(*cells: str, kind: str = "code") -> str:
    listed = [
        {"cell_type": "markdown", "metadata": {}, "source": ["from shop.prose import x"]},
        *(
            {"cell_type": kind, "metadata": {}, "outputs": [{"text": ["from shop.output import x\n"]}]}
            | {"source": cell.splitlines(keepends=True)}
            for cell in cells
        ),
    ]
    return json.dumps({"cells": listed, "metadata": {"kernelspec": {"language": "python"}}, "nbformat": 4}, indent=1)


CELLS = (
    "%matplotlib inline\n!pip install x \\\n  y\nfiles = !ls\nfrom shop.gone import a\nx = (1 \\\n  % 2)\nprint?\n",
    "%%bash\nfrom shop.not_python import x\n",
    "%%writefile made/thing.py\nimport x\n",
    "from made.thing import y\nimport undeclared_package\n",
    "  import shop.dedented\n",
    "this is no Python\nfrom shop.recovered import b\n",
    "pip install z\n",
)


def test_notebooks_are_read_cell_by_cell(repository, run) -> None:
    text = notebook(*CELLS)
    root = repository(
        SHOP | {"book.ipynb": text, "shop/a.py": "", "r.ipynb": notebook("from shop.r import x", kind="raw")}
    )
    rows = text.split("\n")
    found = run(root, *RULES).findings
    assert [(f.code, f.symbol) for f in found] == [
        ("IMP001", "shop.gone.a"),
        ("IMP001", "shop.dedented"),
        ("SRC001", "book.ipynb"),
        ("IMP001", "shop.recovered.b"),
    ]
    assert [rows[f.line - 1].strip().strip('",') for f in found] == [
        "from shop.gone import a\\n",
        "  import shop.dedented\\n",
        "this is no Python\\n",
        "from shop.recovered import b\\n",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "no notebook: "), ('{"worksheets": []}', "it has no list of cells"), ("[" * 100_000, "no notebook: ")],
)
def test_what_is_no_notebook_is_named(repository, run, text: str, message: str) -> None:
    (found,) = run(repository({"book.ipynb": text}), "SRC001").findings
    assert message in found.message


def test_a_notebook_on_one_line_is_read_too(repository, run) -> None:
    cells = [{"cell_type": "code", "source": "import shop\nfrom shop.gone import x\n"}]
    root = repository(SHOP | {"book.ipynb": json.dumps({"cells": cells})})
    assert [(f.line, f.symbol) for f in run(root, "IMP001").findings] == [(1, "shop.gone.x")]
    other = json.dumps({"cells": cells, "metadata": {"kernelspec": {"language": "julia"}}})
    (root / "book.ipynb").write_text(other)
    assert run(root, "IMP001").findings == ()
