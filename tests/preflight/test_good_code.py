"""Code and configs that work, beside ones that look alike and do not: each with everything that should be said about it."""

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


@pytest.mark.parametrize("name", NAMESAKES)
def test_what_is_said(name: str, repository, run) -> None:
    files, expected = NAMESAKES[name]
    found = run(repository(SHOP | files), *RULES).findings
    assert sorted(f"{f.path}:{f.line} {f.code} {f.symbol}" for f in found) == expected
