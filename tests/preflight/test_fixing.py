"""Fixes: what moved is pointed right, layout stays, nothing gets worse, twice is once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from findings.selection import Selection
from preflight import api
from preflight.cli import fix as command
from preflight.cli import move
from preflight.fixers import apply

SHOP = {
    "pyproject.toml": '[project]\nname = "shop"\n',
    "shop/__init__.py": "",
    "shop/basket.py": "class Basket:\n    def __init__(self, *, colour):\n        pass\n\n\ndef fill(): ...\n",
    "shop/core/__init__.py": "",
    "shop/core/left.py": "here = 1\n",
    "shop/third.py": "def zeta(): ...\n",
}


@pytest.fixture
def fixed(repository) -> Callable[..., tuple[Path, apply.FixReport]]:
    def run(files: dict[str, str], **options: object) -> tuple[Path, apply.FixReport]:
        root = repository(SHOP | files)
        request = api.Request(root, use_cache=False)
        return root, apply.run(request, **options)  # type: ignore[arg-type]

    return run


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from shop.old import Basket\n", "from shop.basket import Basket\n"),
        ("from shop.old import Basket as B  # why\n", "from shop.basket import Basket as B  # why\n"),
        (
            "from shop.old import (\n    Basket,  # one\n    fill,\n)\n",
            "from shop.basket import (\n    Basket,  # one\n    fill,\n)\n",
        ),
        (
            "from shop.core.left import here, Basket\n",
            "from shop.core.left import here\nfrom shop.basket import Basket\n",
        ),
        (
            "def f():\n    from shop.core.left import (\n        Basket as B,\n        here,\n    )\n",
            "def f():\n    from shop.basket import Basket as B\n    from shop.core.left import here\n",
        ),
        ("from .old import Basket\r\nx = 'é'\r\n", "from shop.basket import Basket\r\nx = 'é'\r\n"),
        ("from \\\n    shop.old import Basket\n", "from \\\n    shop.old import Basket\n"),
        ("x = 1; from shop.core.left import here, Basket\n", "x = 1; from shop.core.left import here, Basket\n"),
        (
            "from shop.core.left import here, Basket  # both\n",
            "from shop.core.left import here\nfrom shop.basket import Basket  # both\n",
        ),
        (
            "from shop.core.left import fill, here; from shop.old import Basket\n",
            "from shop.basket import fill\nfrom shop.core.left import here; from shop.basket import Basket\n",
        ),
        (
            "from shop.third import Basket, zeta; from shop.old import fill\n",
            "from shop.basket import Basket\nfrom shop.third import zeta; from shop.basket import fill\n",
        ),
        ("from shop.core.left import (  # keep\n    here,\n    Basket,\n)\n", None),
    ],
)
def test_moved_imports(fixed, before: str, after: str | None) -> None:
    root, _ = fixed({"shop/use.py": before})
    assert (root / "shop/use.py").read_bytes().decode() == (before if after is None else after)


def test_a_declared_encoding_and_a_byte_order_mark_stay(repository) -> None:
    latin = "# -*- coding: latin-1 -*-\nfrom shop.old import Basket\nname = 'caf\xe9'\n".encode("latin-1")
    marked = b"\xef\xbb\xbffrom shop.old import Basket\n"
    root = repository(SHOP | {"a.py": latin, "b.py": marked})
    apply.run(api.Request(root, use_cache=False))
    assert (root / "a.py").read_bytes() == latin.replace(b"shop.old", b"shop.basket")
    assert (root / "b.py").read_bytes() == marked.replace(b"shop.old", b"shop.basket")


def test_targets_keep_quotes_comments_and_anchors(fixed) -> None:
    text = "a: &x\n  _target_: 'shop.old.Basket'  # why\n  colour: red\nb:\n  <<: *x\nc: {_target_: \"shop.Basket\"}\n"
    root, report = fixed(
        {"conf/a.yaml": text, "shop/__init__.py": "from shop.basket import Basket\n", "preflight.toml": "fqn = true\n"}
    )
    assert (root / "conf/a.yaml").read_text() == text.replace("shop.old.", "shop.basket.").replace(
        '"shop.B', '"shop.basket.B'
    )
    assert report.refused == ()


def test_renamed_keywords_and_defaults_words(fixed) -> None:
    files = {
        "shop/app.py": "import hydra\nfrom hydra.utils import instantiate\n\n\n"
        "@hydra.main(config_path='../conf', config_name='main')\ndef main(cfg): instantiate(cfg.a)\n",
        "conf/main.yaml": "defaults:\n  - overide /g: x\n  - _self_\n"
        "a:\n  _target_: shop.basket.Basket\n  color: red  # kept\n",
        "conf/g/x.yaml": "# @package _group_\n{}\n",
    }
    root, _ = fixed(files)
    text = (root / "conf/main.yaml").read_text()
    assert "  colour: red  # kept\n" in text
    assert (root / "conf/g/x.yaml").read_text() == "{}\n"


def test_nothing_is_guessed(fixed) -> None:
    files = {
        "shop/two.py": "class Basket: ...\n",
        "shop/use.py": "from shop.old import Basket\nfrom shop.gone import Lost\n",
    }
    root, report = fixed(files)
    assert (root / "shop/use.py").read_text() == files["shop/use.py"]
    assert report.changes == ()
    assert report.remaining > 0


@pytest.mark.parametrize(
    "files",
    [
        {
            "shop/typed.py": "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    class Typed: ...\n",
            "shop/a.py": "from shop.old import Typed\n",
        },
        {"shop/a.py": "from shop.old import user\n", "shop/b.py": "import shop.a\n\ndef user(): ...\n"},
        {
            "shop/a.py": "from shop.old import user\n\ndef make_thing(): ...\n",
            "shop/b.py": "from shop.old import make_thing\n\ndef user(): ...\n",
        },
        {"shop/a.py": "from shop.old import itself\n\ndef itself(): ...\n"},
    ],
)
def test_an_import_is_not_pointed_where_it_would_fail(fixed, files: dict[str, str]) -> None:
    root, report = fixed(files)
    assert report.changes == ()
    assert (root / "shop/a.py").read_text() == files["shop/a.py"]


def test_an_import_in_a_function_may_close_a_circle(fixed) -> None:
    files = {
        "shop/a.py": "def f():\n    from shop.old import user\n",
        "shop/b.py": "import shop.a\n\ndef user(): ...\n",
    }
    root, _ = fixed(files)
    assert (root / "shop/a.py").read_text() == "def f():\n    from shop.b import user\n"


def test_twice_is_once(fixed) -> None:
    root, first = fixed({"shop/use.py": "from shop.old import Basket, fill\n"})
    again = apply.run(api.Request(root, use_cache=False))
    assert len(first.cured) == 2
    assert again.changes == ()
    assert "fixed 2 findings in 1 file; 0 left" in command.describe(first, dry_run=False)


def test_a_fix_that_makes_the_audit_worse_is_taken_back(repository, monkeypatch) -> None:
    root = repository(
        SHOP | {"shop/use.py": "from shop.old import Basket\n", "shop/fine.py": "from shop.old import fill\n"}
    )
    real = apply.everything

    def worse(request, audit=None):
        found = real(request, audit)
        changed = "shop.basket" in (root / "shop/use.py").read_text()
        from findings.finding import Finding

        return (*found, Finding("IMP001", "error", "x.py", 1, 1, "new")) if changed else found

    monkeypatch.setattr(apply, "everything", worse)
    report = apply.run(api.Request(root, use_cache=False))
    assert [path for path, _ in report.refused] == ["shop/use.py"]
    assert (root / "shop/use.py").read_text() == "from shop.old import Basket\n"
    assert (root / "shop/fine.py").read_text() == "from shop.basket import fill\n"


HOPELESS = '''"""Doc."""
import os
from shop.gone import (
    lost,
    other,
)

try:
    from shop.guarded import fine
except ImportError:
    fine = None


@lost.wrapped
def uses():
    return other


def calls():
    uses()


def stays():
    return os.getcwd()


if __name__ == "__main__":
    calls()
'''


def test_hopeless_imports_are_commented_out_whole_and_only_when_asked(fixed) -> None:
    root, report = fixed({"scripts/run.py": HOPELESS})
    assert (root / "scripts/run.py").read_text() == HOPELESS
    assert report.skipped == ()
    again = apply.run(api.Request(root, use_cache=False), unsafe=True)
    text = (root / "scripts/run.py").read_text()
    assert again.refused == ()
    compile(text, "run.py", "exec")
    live = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert live[:2] == ['"""Doc."""', "import os"]
    assert "def stays():" in live
    assert not any("lost" in line or "uses" in line or "calls" in line for line in live)
    assert apply.run(api.Request(root, use_cache=False), unsafe=True).changes == ()


def test_fix_forms(fixed, repository) -> None:
    root = repository(SHOP | {"shop/use.py": "from shop.old import Basket\nfrom shop.gone import x\n"})
    request = api.Request(root, selection=Selection(select=("IMP",)), use_cache=False)
    text, code = command.run(request, unsafe=False, diff=True, dry_run=False, json=False)
    assert code == 1
    assert "-from shop.old import Basket\n+from shop.basket import Basket\n" in text
    text, _ = command.run(request, unsafe=False, diff=False, dry_run=True, json=True)
    assert '"written": false' in text
    text, _ = command.run(request, unsafe=False, diff=False, dry_run=False, json=False)
    assert text.endswith("fixed 1 finding in 1 file; 1 left\n")
    assert "1 more with --unsafe-fixes" not in text


MOVED = {
    "shop/__init__.py": "from shop.basket import Basket\n",
    "shop/basket.py": "class Basket: ...\n\n\ndef fill():\n    return Basket()\n",
    "shop/use.py": "from shop import basket\nfrom .basket import Basket as B\n"
    "import shop.basket\nx = shop.basket.fill\n",
    "tests/test_use.py": "from shop.basket import Basket, fill\n\n\ndef test(): assert Basket\n",
    "conf/a.yaml": "a: {_target_: shop.basket.Basket}\nb: {_target_: shop.Basket}\n",
    "README.md": "See `shop.basket.Basket` in shop/basket.py.\n",
}


def test_mv_moves_a_module_everywhere(repository) -> None:
    root = repository(MOVED)
    text, code = move.run(root, "shop.basket", "shop.core.cart", dry_run=False, diff=False)
    assert code == 0, text
    assert not (root / "shop/basket.py").exists()
    assert (root / "shop/use.py").read_text().splitlines() == [
        "from shop.core import cart as basket",
        "from shop.core.cart import Basket as B",
        "import shop.core.cart",
        "x = shop.core.cart.fill",
    ]
    assert (root / "conf/a.yaml").read_text().startswith("a: {_target_: shop.core.cart.Basket}\n")
    assert (root / "README.md").read_text() == "See `shop.core.cart.Basket` in shop/core/cart.py.\n"
    assert api.run(api.Request(root, use_cache=False)).findings == ()


def test_mv_renames_a_class_everywhere(repository) -> None:
    root = repository(MOVED)
    text, code = move.run(root, "shop.basket.Basket", "shop.basket.Cart", dry_run=False, diff=False)
    assert code == 0, text
    assert (root / "conf/a.yaml").read_text() == "a: {_target_: shop.basket.Cart}\nb: {_target_: shop.Cart}\n"
    assert (root / "shop/use.py").read_text().splitlines()[1] == "from .basket import Cart as B"
    assert "return Cart()" in (root / "shop/basket.py").read_text()
    assert (root / "tests/test_use.py").read_text().endswith("def test(): assert Cart\n")


def test_mv_previews_and_puts_back(repository, monkeypatch) -> None:
    root = repository(MOVED)
    assert (
        "would change shop/basket.py -> shop/cart.py"
        in move.run(root, "shop.basket", "shop.cart", dry_run=True, diff=False)[0]
    )
    assert "+from shop.cart import Basket" in move.run(root, "shop.basket", "shop.cart", dry_run=False, diff=True)[0]
    monkeypatch.setattr(move.engine, "worse", lambda *_: "it would be worse")
    text, code = move.run(root, "shop.basket", "shop.cart", dry_run=False, diff=False)
    assert (text, code) == ("nothing was changed: it would be worse\n", 1)
    assert (root / "shop/basket.py").read_text() == MOVED["shop/basket.py"]
    assert (root / "shop/use.py").read_text() == MOVED["shop/use.py"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("shop.nothing.at.all", "shop.x", "no module, class or function"),
        ("shop.basket", "not a name", "not a dotted name"),
        ("shop.basket.Basket", "shop.other.Basket", "can be renamed in its module"),
        ("shop.basket.Basket", "shop.basket.fill", "is there already"),
        ("conf_space", "shop.y", "no module, class or function"),
    ],
)
def test_mv_refuses_what_it_cannot_do(repository, old: str, new: str, message: str) -> None:
    with pytest.raises(api.UseError, match=message):
        move.run(repository(MOVED), old, new, dry_run=True, diff=False)
