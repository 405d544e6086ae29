"""Whatever lies in a repository: a finding or one clear line, never a traceback, never a silent skip."""

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from preflight.cli import main as cli

GOOD = {
    "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["requests"]\n',
    "shop/__init__.py": "",
    "shop/a.py": "from shop.gone import x\n",
    "scripts/run.py": "import shop.a\n",
}
DEEP = 5000


def files(**given: str | bytes) -> Callable[[Path], None]:
    """A repository gets these files; `__` in a name stands for a slash, `_dot_` for a dot."""

    def make(root: Path) -> None:
        for name, content in given.items():
            path = root / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    return make


def fifo(root: Path) -> None:
    os.mkfifo(root / "shop/pipe.py")
    os.mkfifo(root / "conf.yaml")
    for name in (".gitignore", "pytest.ini", "preflight.toml", "setup.cfg", "README", "setup.py"):
        os.mkfifo(root / name)


def loops(root: Path) -> None:
    (root / "shop/self.py").symlink_to(root / "shop/self.py")
    (root / "shop/again").symlink_to(root, target_is_directory=True)
    (root / "shop/nowhere.yaml").symlink_to(root / "nothing.yaml")


def huge(root: Path) -> None:
    with (root / "conf.yaml").open("wb") as stream:
        stream.truncate(50 * 1024 * 1024)


def odd_names(root: Path) -> None:
    (root / "shop/new\nline.py").write_text("def\n")
    (root / os.fsdecode(b"shop/not-\xff-utf8.py")).write_text("def\n")


BOMB = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'lol'}]\n" for n in range(12))
KINDS: dict[str, tuple[Callable[[Path], None], str]] = {
    "python 2": (files(two_dot_py="print 'x'\nexec code in ns\n"), "two.py:1"),
    "merge conflict": (files(m_dot_py="<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> b\n"), "m.py:1"),
    "null bytes": (files(n_dot_py=b"x = 1\0\n", c_dot_yaml=b"a: \0\n"), "n.py:1"),
    "another encoding": (
        files(e_dot_py="name = 'é'\n".encode("utf-16"), c_dot_yaml="a: é\n".encode("latin-1")),
        "e.py:1",
    ),
    "an unknown encoding": (files(e_dot_py="# coding: klingon\nx = 'é'\n"), "e.py:1"),
    "nested without end": (files(d_dot_py="(" * DEEP, d_dot_yaml="[" * DEEP, d_dot_json="[" * DEEP), "d.py:1"),
    "nested beyond what a C reader survives": (
        files(
            f_dot_yaml="[" * 200_000,
            m_dot_yaml="{a: " * 100_000,
            b_dot_yaml="- " * 100_000,
            t_dot_toml="a = " + "[" * DEEP,
        ),
        "f.yaml:1",
    ),
    "nested settings": (
        files(pyproject_dot_toml="a = " + "[" * DEEP, setup_dot_py="x" + ".y" * 100_000),
        "pyproject.toml:1",
    ),
    "long chains": (files(c_dot_py="'-' * 9\n" + "-" * 200_000 + "1\n", d_dot_py="1" + "+1" * 100_000), "d.py:1"),
    "tabs in YAML": (files(conf__a_dot_yaml="a:\n\tb: 1\n"), "conf/a.yaml:2"),
    "anchors that are not there": (files(conf__a_dot_yaml="a: *b\n"), "conf/a.yaml:1"),
    "doubled keys": (files(conf__a_dot_yaml="a: 1\na: 2\n"), "conf/a.yaml:2:1 HYD013"),
    "several documents": (files(conf__a_dot_yaml="a: 1\n---\n_target_: shop.gone.X\n---\n"), "conf/a.yaml:3:11 HYD001"),
    "a bomb of aliases": (files(conf__a_dot_yaml=BOMB), "conf/a.yaml:1"),
    "a template": (files(conf__a_dot_yaml="a: {{ x }}\n{% if y %}\n"), ""),  # information: test_cases.py
    "tags that would run code": (files(conf__a_dot_yaml="a: !!python/object/apply:os.system [id]\n"), ""),
    "keys that are no words": (files(conf__a_dot_yaml="? [a, b]\n: 1\n1: 2\nnull: 3\n_target_: [1]\n"), ""),
    "odd defaults": (files(conf__a_dot_yaml="defaults: [1, null, {a: {b: c}}, [x], {c: 1, d: 2}, '']\n"), ""),
    "50 MB": (huge, "conf.yaml:1:1 SRC001 not read: 51200 kB"),
    "pipes": (fifo, "shop/pipe.py:1:1 SRC001"),
    "loops of links": (loops, "shop/self.py:1:1 SRC001"),
    "odd file names": (odd_names, "SRC001"),
    "a broken pyproject.toml": (files(pyproject_dot_toml="[project\n"), "pyproject.toml"),
    "a pyproject.toml of other types": (files(pyproject_dot_toml="project = 3\ntool = [1]\n"), ""),
    "a pyproject.toml that is no text": (files(pyproject_dot_toml=b"\xff\xfe\0"), "pyproject.toml"),
    "a broken notebook": (files(b_dot_ipynb="{"), "b.ipynb:1"),
    "a broken baseline": (files(preflight_baseline_dot_json="{"), ""),
    "a broken git folder": (files(_dot_git__index="DIRC", _dot_git__HEAD="x"), ""),
    "broken build files": (
        files(setup_dot_cfg="[a\n", setup_dot_py="def\n", pytest_dot_ini="x", Pipfile="["),
        "setup.py:1",
    ),
}
COMMANDS = (
    ["check"],
    ["check", "--show-unknown", "--format", "html"],
    ["check", "--format", "sarif"],
    ["targets"],
    ["env", "--static"],
    ["scripts"],
    ["scripts", "archive", "--dry-run"],
    ["graph"],
    ["allowlist"],
    ["fix", "--unsafe-fixes", "--diff"],
    ["mv", "shop.a", "shop.b", "--dry-run"],
    ["baseline", "write"],
)


@pytest.fixture
def call(monkeypatch, capsys) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Run the command line as it is started: exit code, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["preflight", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), *capsys.readouterr()

    yield run
    gc.enable()


@pytest.mark.parametrize("kind", KINDS)
def test_no_command_falls_over(kind: str, repository, monkeypatch, call) -> None:
    make, expected = KINDS[kind]
    root = repository(GOOD)
    make(root)
    monkeypatch.chdir(root)
    for command in COMMANDS:
        code, out, err = call(*command)
        assert code in (0, 1) or (code == 2 and len(err.splitlines()) == 1), (command, err)
        if command == ["check"] and code != 2:
            assert expected in out
            assert "shop/a.py:1:23 IMP001" in out


@pytest.mark.parametrize("names", [{"a.py": "x = 1\n"}, {"conf/a.yaml": "a: 1\n"}, {"README": ""}, {}])
def test_repositories_with_hardly_anything(names: dict[str, str], repository, monkeypatch, call) -> None:
    monkeypatch.chdir(repository(names | {"preflight.toml": ""}))
    for command in COMMANDS:
        assert call(*command)[0] in (0, 1) or command[0] == "mv"


def test_settings_and_files_that_may_not_be_read_end_in_one_line(repository) -> None:
    root = repository(GOOD | {"preflight.toml": b"\xff"})
    done = subprocess.run([sys.executable, "-m", "preflight", "check"], cwd=root, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("preflight: preflight.toml: ")
    assert len(done.stderr.splitlines()) == 1
