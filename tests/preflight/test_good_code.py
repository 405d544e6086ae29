"""Code and configs that work, beside ones that look alike and do not, and everything that should be said about them."""

import pytest

DECLARED = '[project]\nname = "shop"\nversion = "1"\ndependencies = ["redis", "torch", "attrs", "hydra-core"]\n'
SHOP = {"pyproject.toml": DECLARED, "shop/__init__.py": ""}
RULES = ("IMP001", "IMP002", "IMP003", "SRC001", "HYD001", "HYD002", "HYD005", "HYD006")
SCRIPT = "if __name__ == '__main__': ...\n"

NAMESAKES = {
    "a module called like one of the standard library, beside a script": (
        {
            "shop/logging.py": "def setup(): ...\n",
            "shop/mylog.py": "def getLogger(name): ...\n",
            "shop/config.py": "import logging.handlers\nfrom logging import getLogger, DEBUG\nfrom abc import *\n",
            "shop/abc.py": "from logging import setup\n",
            "shop/cli.py": SCRIPT,
            "use.py": "from shop.config import getLogger, ABC\nfrom shop.logging import gone\n",
            "conf.yaml": "a: {_target_: shop.config.getLogger}\n",
        },
        ["use.py:2 IMP002 shop.logging.gone"],
    ),
    "a package called like a module of the standard library, in a namespace": (
        {
            "acme/types/__init__.py": "",
            "acme/collections/__init__.py": "",
            "acme/shop/a.py": "from types import SimpleNamespace\n",
            "use.py": "from types import SimpleNamespace\nimport collections.abc\nfrom acme.types import Gone\n",
            "conf.yaml": "a: {_target_: collections.OrderedDict}\n",
        },
        ["use.py:3 IMP002 acme.types.Gone"],
    ),
    "modules called like declared packages": (
        {
            "pyproject.toml": DECLARED,
            "shop/__init__.py": "",
            "src/store/__init__.py": "",
            "src/store/redis.py": "class Store: ...\n",
            "src/store/torch.py": "",
            "src/store/__main__.py": "from redis import Redis, client\nimport torch.nn\n" + SCRIPT,
            "src/store/a.py": "from redis import Redis\nfrom torch.nn import Module\nfrom store.redis import Gone\n",
        },
        ["src/store/a.py:3 IMP002 store.redis.Gone"],
    ),
    "a script inside a package and its neighbours": (
        {
            "shop/helper.py": "def go(): ...\n",
            "shop/run.py": "import helper\nfrom helper import go\n" + SCRIPT,
            "shop/other.py": "from helper import gone\n",
        },
        ["shop/other.py:1 IMP003 helper.gone"],
    ),
    "a script's own module goes before one of the standard library": (
        {
            "tools/queue.py": "def mine(): ...\n",
            "tools/run.py": "from queue import mine, Queue\nfrom helper import gone\n" + SCRIPT,
            "tools/helper.py": "",
        },
        ["tools/run.py:2 IMP002 helper.gone"],
    ),
}

HIDDEN = {  # ways to bind `made` that the text does not show as a name
    "protoc": "_globals = globals()\nbuilder.Build(DESCRIPTOR, _globals)\n",
    "attach": "import lazy\n__getattr__, __dir__, __all__ = lazy.attach(__name__, ['made'])\n",
    "lambda": "__getattr__ = lambda name: 1\n",
    "imported getattr": "from shop.serve import __getattr__\n",
    "stored": "g = globals()\ng['made'] = 1\n",
    "returned": "def names():\n    return globals()\nnames()['made'] = 1\n",
    "the module itself": "import sys\n_this = sys.modules[__name__]\nsetattr(_this, 'made', 1)\n",
    "an attribute of the module": "import sys\nsys.modules[__name__].made = 1\n",
    "its dictionary": "import sys\nvars(sys.modules[__name__])['made'] = 1\n",
    "its dictionary as an attribute": "import sys\nsys.modules[__name__].__dict__.update(made=1)\n",
    "members of an enum": "import enum\n@enum.global_enum\nclass E(enum.IntEnum):\n    made = 1\n",
    "a decorator": "from shop.serve import export\n@export(globals())\ndef f(): ...\n",
    "a replaced module": "import sys\nsys.modules[__name__] = object()\n",
}
SHOWN = {  # the same words where they bind nothing
    "read": "x = globals()['a'], globals().get('b'), dict(globals()), {**globals()}, 'c' in globals()\n",
    "evaluated": "def f(): return eval('1', globals()), '%(a)s' % globals()\n",
    "looked up": "import sys\nf = getattr(sys.modules[__name__], 'a', None), sys.modules[__name__].__doc__\n",
    "of a function": "def f():\n    g(locals())\n    names = vars()\n    names['made'] = 1\n",
    "exported": "__all__ = ['a']\ndef __dir__(): return __all__\na = 1\n",
    "for type checkers": "import typing\nif typing.TYPE_CHECKING:\n    from shop.serve import __getattr__\n",
}


@pytest.mark.parametrize("name", [*HIDDEN, *SHOWN])
def test_names_that_the_text_hides(name: str, repository, run) -> None:
    files = {
        "shop/mod.py": (HIDDEN | SHOWN)[name],
        "shop/serve.py": "def export(names): ...\ndef __getattr__(name): ...\n",
        "shop/lazy.py": "from shop.mod import *\n",
        "use.py": "from shop.mod import made\n",
    }
    expected = [] if name in HIDDEN else ["shop.mod.made"]
    assert [f.symbol for f in run(repository(SHOP | files), "IMP001", "IMP002").findings] == expected


EXPORTS = {
    "exports added inside a function": (
        {
            "shop/mod.py": "__all__ = []\ndef export(f):\n    __all__.append(f.__name__)\n    return f\n"
            "@export\ndef made(): ...\n",
            "shop/again.py": "from shop.mod import *\n",
            "use.py": "from shop.again import made, gone\n",
        },
        ["use.py:1 IMP002 shop.again.gone"],
    ),
    "a module that makes itself a package": (
        {
            "shop/six.py": "__path__ = []\n",
            "shop/plain.py": "",
            "use.py": "from shop.six.moves import range\nfrom shop.plain.moves import range\n",
        },
        ["use.py:2 IMP001 shop.plain.moves.range"],
    ),
    "messages that protoc makes": (
        {"shop/a_pb2.py": "x = 1\n", "use.py": "from shop.a_pb2 import Message\nfrom shop.b import Message\n"},
        ["use.py:2 IMP001 shop.b.Message"],
    ),
}
ENTRY = """import hydra
from hydra.utils import instantiate
@hydra.main(config_path="../conf", config_name="main", version_base=None)
def main(cfg):
    instantiate(cfg)
"""


def built(module: str, config: str) -> dict[str, str]:
    """A module, and a config of several nodes that an entry point builds."""
    return {"shop/m.py": module, "shop/train.py": ENTRY, "conf/main.yaml": config}


SIGNATURES = {
    "fields of attrs": (
        built(
            "import attr\nfrom attrs import define, field\n@define\nclass A:\n    _width: int\n    b: int = 1\n"
            "@attr.s\nclass B:\n    x = attr.ib()\n@define\nclass C:\n    x: int = field(alias='y')\n"
            "@define\nclass D:\n    x = field()\n",
            "a: {_target_: shop.m.A, width: 1}\na2: {_target_: shop.m.A, _width: 1}\nb: {_target_: shop.m.B, x: 1}\n"
            "c: {_target_: shop.m.C, y: 1}\nd: {_target_: shop.m.D, x: 1}\n",
        ),
        ["conf/main.yaml:2 HYD005 shop.m.A:_width", "conf/main.yaml:2 HYD006 shop.m.A:width"],
    ),
    "fields of dataclasses": (
        built(
            "from dataclasses import dataclass, field\n@dataclass\nclass A:\n    x: int = field(init=False)\n"
            "    y: int = field()\n    z: list = field(default_factory=list)\n",
            "a: {_target_: shop.m.A, y: 1}\nb: {_target_: shop.m.A, x: 1, y: 1}\nc: {_target_: shop.m.A}\n",
        ),
        ["conf/main.yaml:2 HYD005 shop.m.A:x", "conf/main.yaml:3 HYD006 shop.m.A:y"],
    ),
    "names bound more than once": (
        built(
            "import sys\ndef f(a): ...\ndef f(a, b): ...\nif sys.version_info < (3,):\n    def g(a): ...\n"
            "else:\n    def g(a, new): ...\ntry:\n    from fast import h\nexcept ImportError:\n    def h(a): ...\n"
            "def k(a): ...\nk = wrap(k)\nclass L:\n    def __init__(self, a): ...\nL = wrap(L)\n"
            "class M:\n    if sys.platform == 'x':\n        def __init__(self, a): ...\n"
            "    else:\n        def __init__(self, b): ...\n",
            "".join(f"{name}: {{_target_: shop.m.{name}, b: 1, new: 1}}\n" for name in "fghkLM"),
        ),
        [],
    ),
    "constructors that are no function of the class": (
        built(
            "class H:\n    def _init(self, zz): ...\n    __init__ = _init\nclass Late: ...\n"
            "def f(self, a): ...\nLate.__init__ = f\n",
            "a: {_target_: shop.m.H, zz: 1}\nb: {_target_: shop.m.Late, a: 1}\n",
        ),
        [],
    ),
    "what is known all the same": (
        built(
            "from typing import overload\n@overload\ndef f(a: int): ...\n@overload\ndef f(a: str): ...\n"
            "def f(a, b=1): ...\ntry:\n    import torch\n    class Net:\n        def __init__(self, a): ...\n"
            "except ImportError:\n    Net = None\n",
            "a: {_target_: shop.m.f, a: 1, b: 2}\nb: {_target_: shop.m.f, a: 1, c: 2}\n"
            "c: {_target_: shop.m.Net, a: 1, c: 2}\n",
        ),
        ["conf/main.yaml:2 HYD005 shop.m.f:c", "conf/main.yaml:3 HYD005 shop.m.Net:c"],
    ),
    "class methods, static methods, and methods": (
        built(
            "class Net:\n    @classmethod\n    def make(cls, a): ...\n    @staticmethod\n    def new(a): ...\n"
            "    def run(self, a): ...\n",
            "a: {_target_: shop.m.Net.make, b: 1}\nb: {_target_: shop.m.Net.new, a: 1}\n"
            "c: {_target_: shop.m.Net.run, b: 1}\n",
        ),
        ["conf/main.yaml:1 HYD005 shop.m.Net.make:b", "conf/main.yaml:1 HYD006 shop.m.Net.make:a"],
    ),
    "positional arguments": (
        built(
            "def f(a, b=1): ...\ndef g(*args): ...\n",
            "a: {_target_: shop.m.f, _args_: [1, 2, 3]}\nb: {_target_: shop.m.f, _args_: [1], a: 1}\n"
            "c: {_target_: shop.m.f, _args_: [1], b: 1}\nd: {_target_: shop.m.g, _args_: [1, 2]}\n",
        ),
        ["conf/main.yaml:1 HYD005 shop.m.f:_args_", "conf/main.yaml:2 HYD005 shop.m.f:a"],
    ),
    "targets that are no paths": (
        built(
            "",
            "a: {_target_: Net}\nb: {_target_: 'p.m:Net'}\nc: {_target_: p..m.Net}\nd: {_target_: ' p.m.Net '}\n"
            "e: {_target_: '???'}\nf: {_target_: '${x}'}\ng: {_target_: <name>}\nx: 1\n",
        ),
        [
            *("conf/main.yaml:1 HYD001 Net", "conf/main.yaml:2 HYD001 p.m:Net", "conf/main.yaml:3 HYD001 p..m.Net"),
            "conf/main.yaml:4 HYD001  p.m.Net ",
        ],
    ),
}
BUILT_ON = {
    "an option that builds on the one it stands for gives what it takes over": (
        {
            "shop/m.py": "class A:\n    def __init__(self, width, name): ...\n"
            "class B:\n    def __init__(self, name): ...\nclass C:\n    def __init__(self, name, width): ...\n",
            "shop/train.py": ENTRY.replace("instantiate(cfg)", "instantiate(cfg.model)"),
            "conf/main.yaml": "defaults:\n  - model: a\n  - _self_\n",
            "conf/model/a.yaml": "_target_: shop.m.A\nwidth: 1\nname: x\n",
            "conf/model/b.yaml": "defaults:\n  - a\n_target_: shop.m.B\n",
            "conf/model/c.yaml": "defaults:\n  - a\n_target_: shop.m.C\n",
        },
        ["conf/model/a.yaml:2 HYD005 shop.m.B:width"],
    ),
}
STUBS = {
    "a stub imports from the stub of another module": (
        {
            "shop/a.py": "X = 1\n",
            "shop/a.pyi": "_T = int\nX: _T\n",
            "shop/b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shop.a import _T, gone\n",
            "shop/b.pyi": "from shop.a import _T, gone\n",
            "shop/c.py": "from shop.a import _T\n",
        },
        ["shop/b.py:3 IMP002 shop.a.gone", "shop/b.pyi:1 IMP002 shop.a.gone", "shop/c.py:1 IMP002 shop.a._T"],
    ),
    "a stub imports what is there for type checkers only": (
        {
            "shop/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    T = int\n",
            "shop/b.pyi": "from shop.a import T\n",
            "shop/c.py": "from shop.a import T\n",
        },
        ["shop/c.py:1 IMP002 shop.a.T"],
    ),
}
RELATIVE = {
    "relative imports above the top-level package": (
        {
            "pyproject.toml": DECLARED,
            "src/acme/__init__.py": "",
            "src/acme/inner/__init__.py": "from ..m import X\n",
            "src/acme/m.py": "X = 1\n",
            "src/other/__init__.py": "",
            "src/other/m.py": "Yard = 1\n",
            "src/acme/bad.py": "from ..other.m import Yard\n",
            "shop/bad.py": "from ..src import acme\n",
        },
        ["shop/bad.py:1 IMP001 ..src.acme", "src/acme/bad.py:1 IMP001 ..other.m.Yard"],
    ),
    "a source root that is imported as a namespace": (
        {
            "src/acme/__init__.py": "",
            "src/acme/good.py": "from ..other.m import Yard\n",
            "src/other/__init__.py": "",
            "src/other/m.py": "Yard = 1\n",
            "use.py": "from src.acme.good import Yard\n",
        },
        [],
    ),
    "relative imports outside a package": (
        {"tools/inner/run.py": "from ..helper import go\n", "tools/helper.py": "def go(): ...\n"},
        [],
    ),
}
EXPECTED_TO_FAIL = {
    "imports that tests assert to fail": (
        {
            "tests/test_a.py": "def test_gone(self, pytest):\n"
            "    with pytest.raises(ImportError):\n        from shop import gone\n"
            "    with pytest.raises((ValueError, ImportError), match='x'):\n        import shop.gone\n"
            "    with self.assertRaises(ModuleNotFoundError):\n        import shop.lost\n"
            "    with self.assertRaisesRegex(ImportError, 'x'):\n        import shop.lost\n"
            "    with pytest.raises(ValueError):\n        import shop.seen\n",
        },
        ["tests/test_a.py:11 IMP001 shop.seen"],
    ),
}
CASES = BUILT_ON | NAMESAKES | EXPORTS | SIGNATURES | STUBS | RELATIVE | EXPECTED_TO_FAIL


def test_a_relative_import_above_the_package_is_pointed_to_where_the_name_is(repository, run) -> None:
    files, _ = RELATIVE["relative imports above the top-level package"]
    found = run(repository(SHOP | files), "IMP001").findings
    assert [f.message for f in found if "other" in f.symbol] == [
        "'..' goes above the top-level package (for 'Yard'); 'Yard' is defined in 'other.m'"
    ]


@pytest.mark.parametrize("name", CASES)
def test_what_is_said(name: str, repository, run) -> None:
    files, expected = CASES[name]
    found = run(repository(SHOP | files), *RULES).findings
    assert sorted(f"{f.path}:{f.line} {f.code} {f.symbol}" for f in found) == expected


def test_code_for_a_newer_python_is_a_warning(repository, run) -> None:
    files = {
        "shop/__init__.py": "",
        "shop/m.py": "newer x = int\ndef f(a): ...\n",
        "use.py": "from shop.m import x\nfrom shop.gone import y\n",
        "conf.yaml": "a: {_target_: shop.m.f}\n",
    }
    root = repository(files | {"pyproject.toml": '[project]\nname = "shop"\nrequires-python = ">=3.99"\n'})
    found = run(root, "IMP001", "IMP002", "SRC001", "HYD002", "HYD004").findings
    assert [(f.code, f.severity) for f in found] == [("SRC001", "warning"), ("IMP001", "error")]
    assert "does not parse with Python 3." in found[0].message
    (root / "pyproject.toml").write_text('[project]\nname = "shop"\nrequires-python = ">=3.8"\n')
    found = run(root, "IMP001", "IMP002", "SRC001").findings
    assert sorted((f.code, f.severity) for f in found) == [(c, "error") for c in ("IMP001", "IMP002", "SRC001")]
