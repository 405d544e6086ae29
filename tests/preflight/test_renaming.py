"""`mv` renames what means the thing and nothing that merely looks like it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from preflight import api
from preflight.cli import move

BASE = {"pyproject.toml": '[project]\nname = "shop"\n', "shop/__init__.py": ""}
Moved = Callable[..., tuple[Path, str]]


@pytest.fixture
def moved(repository) -> Moved:
    def run(old: str, new: str, files: dict[str, str | bytes]) -> tuple[Path, str]:
        root = repository(BASE | files)
        text, code = move.run(root, old, new, dry_run=False, diff=False)
        assert code == 0, text
        return root, text

    return run


WORD = {
    "config.py": "VALUE = 1\n",
    "main.py": "import config\n\n\ndef load(config):\n"
    '    """Load the config."""\n    return config["config"]\n\n\nprint("--config", config.VALUE, f"{config.VALUE}")\n',
    "README.md": "Give a config with `--config FILE`; config.VALUE is in config.py.\n",
    "conf/x.yaml": "config: 3\na: {_target_: config.VALUE}\nb: ${config.VALUE}\n",
}


def test_a_module_of_one_word_is_renamed_where_it_is_imported(moved: Moved) -> None:
    root, text = moved("config", "settings", WORD)
    assert (root / "main.py").read_text() == WORD["main.py"].replace("import config", "import settings").replace(
        "config.VALUE", "settings.VALUE"
    )
    assert (root / "README.md").read_text() == WORD["README.md"]
    assert (root / "conf/x.yaml").read_text() == WORD["conf/x.yaml"].replace("_: config", "_: settings")
    for place in ("main.py:5", "main.py:6", "main.py:9", "README.md:1", "conf/x.yaml:1", "conf/x.yaml:3"):
        assert f"left alone, look at {place}\n" in text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import config as c\nc.VALUE\n", "import settings as c\nc.VALUE\n"),
        ("from config import VALUE\n", "from settings import VALUE\n"),
        ("def f():\n    import config\n    return config.VALUE\n", None),
        ("import config\nsettings = config.VALUE\n", "import settings as config\nsettings = config.VALUE\n"),
        (
            "import config\ndef f(settings): return config\n",
            "import settings as config\ndef f(settings): return config\n",
        ),
        ("try:\n    import config\nexcept ImportError:\n    config = None\nconfig\n", "import settings as config"),
        (
            "import config\nx = [config.VALUE for config in [1]]\n",
            "import settings\nx = [config.VALUE for config in [1]]\n",
        ),
        ("class C:\n    import config\nC.config\n", "class C:\n    import settings as config\nC.config\n"),
        ("from importlib import import_module\nimport_module('config')\n", "import_module('settings')"),
        ("f = lambda config: config\n", "f = lambda config: config\n"),
    ],
)
def test_uses_follow_their_import_or_keep_their_word(moved: Moved, before: str, after: str | None) -> None:
    root, _ = moved("config", "settings", {"config.py": "VALUE = 1\n", "use.py": before})
    assert (after or before.replace("config", "settings")) in (root / "use.py").read_text()
    assert api.run(api.Request(root, use_cache=False)).findings == ()


def test_a_name_that_others_use_is_kept(moved: Moved) -> None:
    files = {"config.py": "VALUE = 1\n", "use.py": "import config\n", "third.py": "import use\nuse.config.VALUE\n"}
    root, _ = moved("config", "settings", files)
    assert (root / "use.py").read_text() == "import settings as config\n"
    assert (root / "third.py").read_text() == files["third.py"]


def test_a_module_beside_the_file_is_another(moved: Moved) -> None:
    files = {
        "config.py": "VALUE = 1\n",
        "tools/config.py": "VALUE = 2\n",
        "tools/run.py": "import config\nif __name__ == '__main__':\n    config.VALUE\n",
    }
    root, _ = moved("config", "settings", files)
    assert (root / "tools/run.py").read_text() == files["tools/run.py"]


DOTTED = {
    "shop/core.py": "from . import helper\nfrom .helper import aid\nVALUE = aid\n",
    "shop/helper.py": "aid = 1\n",
    "shop/a.py": "import shop.core\nimport shop.helper\n\n\ndef f(shop):\n    return shop.core.VALUE\n\n\n"
    "x = shop.core.VALUE, shop.helper.aid\n",
    "shop/b.py": "from shop import core, helper\nfrom .core import (\n    VALUE,  # kept\n)\n"
    "print(core, 'see shop.core.VALUE')\n",
    "README.md": "shop.core, src/shop/core.py, ../shop/core.py, https://x.org/shop/core.py, "
    "shop.core.yaml, my-shop.core\n",
    "conf/x.yaml": "a: {_target_: shop.core.VALUE}\nb: ${shop.core.VALUE}\n# run with shop.core.x=3\n",
}


def test_a_dotted_module_is_renamed_in_text_where_nothing_else_is_meant(moved: Moved) -> None:
    root, text = moved("shop.core", "shop.base", DOTTED)
    assert (root / "shop/a.py").read_text() == DOTTED["shop/a.py"].replace(
        "import shop.core", "import shop.base"
    ).replace("x = shop.core", "x = shop.base")
    assert (root / "shop/b.py").read_text() == DOTTED["shop/b.py"].replace(
        "import core", "import base as core"
    ).replace("from .core", "from shop.base").replace("see shop.core", "see shop.base")
    assert (root / "README.md").read_text() == (
        "shop.base, src/shop/core.py, ../shop/base.py, https://x.org/shop/core.py, shop.core.yaml, my-shop.core\n"
    )
    assert (root / "conf/x.yaml").read_text() == DOTTED["conf/x.yaml"].replace("_: shop.core", "_: shop.base")
    assert "look at conf/x.yaml:2\n" in text
    assert "look at conf/x.yaml:3\n" in text


def test_a_module_that_changes_its_package_takes_its_relative_imports_along(moved: Moved) -> None:
    files = DOTTED | {"shop/b.py": "from shop import core\n", "inner/__init__.py": ""}
    root, _ = moved("shop.core", "inner.base", files)
    assert (root / "inner/base.py").read_text().startswith("from shop import helper\nfrom shop.helper import aid\n")
    assert (root / "shop/a.py").read_text().endswith("x = inner.base.VALUE, shop.helper.aid\n")
    assert (root / "shop/b.py").read_text() == "from inner import base as core\n"


def test_a_module_that_its_package_exports_stays_exported(moved: Moved) -> None:
    files = {"shop/__init__.py": "__all__ = ['core']\n", "shop/core.py": "x = 1\n", "use.py": "from shop import *\n"}
    root, _ = moved("shop.core", "shop.base", files)
    assert (root / "shop/__init__.py").read_text() == "__all__ = ['base']\n"


def test_a_package_takes_its_modules_along(moved: Moved) -> None:
    files = {
        "shop/core.py": "from .helper import aid\n",
        "shop/helper.py": "import shop.core\naid = shop.core\n",
        "README.md": "The shop: shop.core.aid is in shop/core.py, a shop/keeper.\n",
    }
    root, text = moved("shop", "store", files)
    assert (root / "store/core.py").read_text() == files["shop/core.py"]
    assert (root / "store/helper.py").read_text() == "import store.core\naid = store.core\n"
    assert (root / "README.md").read_text() == "The shop: store.core.aid is in store/core.py, a shop/keeper.\n"
    assert "look at pyproject.toml:2\n" in text


NAMED = {
    "shop/core.py": "class Basket: ...\n\n\n__all__ = ['Basket']\n\n\ndef build(k): return {'Basket': Basket}[k]\n\n\n"
    "def outer(Basket): return Basket\n\n\nclass Other:\n    Basket = 3\n"
    "    def get(self): return self.Basket, Basket\n"
    "\n\ndef typed(x: 'Basket | None') -> Basket: ...\n",
    "shop/a.py": "from shop import core\nimport shop.core as c\n\n\n"
    "def f(): return core.Basket(), c.Basket, f'{core.Basket}'\n",
    "shop/b.py": "from shop.core import Basket\n\n\ndef f(): return Basket, {'Basket': 1}\n",
    "shop/c.py": "from shop import b\n\nx = b.Basket\ny = 'shop.b.Basket'\n",
    "shop/d.py": "from shop.core import *\n\nx = Basket\n",
    "shop/e.py": "class Basket: ...\n\n\nprint(Basket)\n",
}


def test_a_class_is_renamed_by_scope(moved: Moved) -> None:
    root, text = moved("shop.core.Basket", "shop.core.Cart", NAMED)
    assert (root / "shop/core.py").read_text() == (
        "class Cart: ...\n\n\n__all__ = ['Cart']\n\n\ndef build(k): return {'Basket': Cart}[k]\n\n\n"
        "def outer(Basket): return Basket\n\n\nclass Other:\n    Basket = 3\n"
        "    def get(self): return self.Basket, Cart\n"
        "\n\ndef typed(x: 'Cart | None') -> Cart: ...\n"
    )
    assert (root / "shop/a.py").read_text() == NAMED["shop/a.py"].replace("Basket", "Cart")
    assert (root / "shop/b.py").read_text() == NAMED["shop/b.py"].replace("Basket", "Cart").replace(
        "'Cart'", "'Basket'"
    )
    assert (root / "shop/c.py").read_text() == NAMED["shop/c.py"].replace("Basket", "Cart")
    assert (root / "shop/d.py").read_text() == NAMED["shop/d.py"].replace("Basket", "Cart")
    assert (root / "shop/e.py").read_text() == NAMED["shop/e.py"]
    assert "look at shop/core.py:7\n" in text
    assert "look at shop/core.py:15\n" in text
    assert "look at shop/b.py:4\n" in text


def test_a_name_that_an_unknown_object_has_is_listed(moved: Moved) -> None:
    files = {
        "shop/core.py": "class Basket: ...\n",
        "use.py": "from shop import core\nsetattr(core, 'Basket', 1)\nx = {'m': core}\nx['m'].Basket\n",
    }
    _, text = moved("shop.core.Basket", "shop.core.Cart", files)
    assert "look at use.py:2\nleft alone, look at use.py:4\n" in text


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("from shop.core import Basket\n\n\ndef f(Cart): return Basket\n", "4"),
        ("from shop.core import Basket\nCart = 1\n", "2"),
        ("class C:\n    from shop.core import Basket\n", "2"),
        ("from shop.core import Basket\nprint(Cart)\n", "2"),
        ("from shop.core import Basket\n\n\ndef f():\n    global Basket\n    Basket = 1\n", "5"),
        ("from shop.core import Basket\n\n\nclass C:\n    Basket = Basket\n", "5"),
        ("try:\n    from shop.core import Basket\nexcept ImportError:\n    from shop.e import Basket\n", "4"),
        ("try:\n    from shop import core\nexcept ImportError:\n    core = None\ncore.Basket\n", "5"),
    ],
)
def test_an_unsafe_rename_is_refused_by_its_place(repository, text: str, place: str) -> None:
    root = repository(BASE | NAMED | {"shop/z.py": text})
    with pytest.raises(api.UseError, match=rf"shop/z\.py:{place}: "):
        move.run(root, "shop.core.Basket", "shop.core.Cart", dry_run=False, diff=False)
    assert (root / "shop/core.py").read_text() == NAMED["shop/core.py"]


def test_a_table_of_strings_that_gives_the_name_is_refused(repository) -> None:
    table = (
        "import importlib\n\n_NAMES = {'Basket': 'shop.core'}\n\n\ndef __getattr__(name):\n    if name in _NAMES:\n"
        "        return getattr(importlib.import_module(_NAMES[name]), name)\n    raise AttributeError(name)\n"
    )
    root = repository(BASE | NAMED | {"shop/__init__.py": table, "shop/z.py": "from shop import Basket\n"})
    with pytest.raises(api.UseError, match=r"shop/__init__\.py:6: 'Basket' is given by __getattr__"):
        move.run(root, "shop.core.Basket", "shop.core.Cart", dry_run=False, diff=False)


def test_files_that_are_no_utf8_text_are_named_and_left_alone(moved: Moved) -> None:
    files = {
        "shop/core.py": "x = 1\n",
        "NOTES.txt": b"Caf\xe9 uses shop.core\n",
        "blob": b"\x00\x01 shop.core",
        "other.txt": b"Caf\xe9",
    }
    root, text = moved("shop.core", "shop.base", files)
    assert (root / "NOTES.txt").read_bytes() == files["NOTES.txt"]
    assert (root / "blob").read_bytes() == files["blob"]
    assert "look at NOTES.txt\n" in text
    assert "look at blob\n" in text
    assert "other.txt" not in text
