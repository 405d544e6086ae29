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
CASES = NAMESAKES | EXPORTS


@pytest.mark.parametrize("name", CASES)
def test_what_is_said(name: str, repository, run) -> None:
    files, expected = CASES[name]
    found = run(repository(SHOP | files), *RULES).findings
    assert sorted(f"{f.path}:{f.line} {f.code} {f.symbol}" for f in found) == expected
