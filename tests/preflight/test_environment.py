"""Installed environments read from their files: IMP004, IMP005, `preflight env`, `preflight compose`."""

import json
import sys
from pathlib import Path

import pytest

from preflight import api
from preflight import env as checks
from preflight.cli import environment as command
from preflight.declared import import_names, normalize, read
from preflight.environment import InterpreterError, find

PROJECT = """[project]
name = "shop"
requires-python = ">=3.11,<4"
dependencies = ["alpha>=2", "beta-python==1.*", "gone", "odd>=1,!=3.0,~=3.1"]
[project.optional-dependencies]
more = ["extra-one>1.0"]
[project.scripts]
shop = "shop.cli:main"
"""


def installed(root: Path, *, editable: bool = True) -> Path:
    """A virtual environment made of files: alpha is whole, beta is damaged, the project itself is there."""
    site = root / ".venv/lib/python3.12/site-packages"
    files = {
        ".venv/pyvenv.cfg": "home = /usr\nversion = 3.12.4\n",
        "alpha/__init__.py": "",
        "alpha-1.5.dist-info/RECORD": "alpha/__init__.py,,\n../../bin/alpha,,\nalpha/gone.txt,,\n",
        "beta/__init__.py": "",
        "beta_python-1.2.dist-info/RECORD": 'beta/__init__.py,,\n"beta/core.py",,\nbeta/_c.so,,\n',
        "odd.py": "",
        "odd-3.2.1.dist-info/RECORD": "odd.py,,\n",
        "extra_one-2.0.dist-info/top_level.txt": "extra_one\n",
        "extra_one/__init__.py": "",
        "old.egg-info/top_level.txt": "old_module\n",
        "bare-1.0.dist-info/METADATA": "",
        "bare/__init__.py": "",
        "shop-0.dist-info/RECORD": "shop/__init__.py,,\n" if not editable else "_shop.pth,,\n",
    }
    if editable:
        files["shop-0.dist-info/direct_url.json"] = json.dumps(
            {"url": f"file://{root}", "dir_info": {"editable": True}}
        )
        files["_shop.pth"] = f"import something\n# comment\n{root}/src\n"
    for name, text in files.items():
        path = root / name if name.startswith(".venv") else site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def shop(repository) -> Path:
    code = "import alpha\nimport beta.core\nimport gone\nimport extra_one\nimport bare\nimport unheard\n"
    code += "try:\n    import gone\nexcept ImportError:\n    pass\n"
    return installed(repository({"pyproject.toml": PROJECT, "src/shop/__init__.py": "", "src/shop/cli.py": code}))


def test_damaged_and_missing_packages_are_told_apart_from_broken_code(shop: Path, run) -> None:
    found = {(f.code, f.symbol, f.severity) for f in run(shop, "IMP").findings}
    assert ("IMP004", "gone", "warning") in found
    assert ("IMP005", "beta", "error") in found
    assert not any(code == "IMP005" and symbol != "beta" for code, symbol, _ in found)
    assert ("IMP003", "unheard", "warning") in found
    assert not any(symbol == "alpha" for _, symbol, _ in found)
    damaged = next(f for f in run(shop, "IMP005").findings if f.symbol == "beta")
    assert "2 of its files are gone (beta/core.py)" in damaged.message
    assert "pip install --force-reinstall --no-deps beta-python" in damaged.message


def test_the_environment_is_found_or_refused(shop: Path, tmp_path: Path) -> None:
    environment = find(shop)
    assert environment is not None
    assert environment.label == ".venv"
    assert environment.providers("extra_one") == ["extra-one"]
    assert environment.providers("old_module") == ["old"]
    assert find(tmp_path) is None
    assert find(tmp_path, str(shop / ".venv")) is not None
    with pytest.raises(InterpreterError, match="no site-packages"):
        find(tmp_path, str(tmp_path))


def states(root: Path) -> dict[str, str]:
    audit = api.open_audit(api.Request(root, use_cache=False))
    return {f"{check.name}: {check.detail}": check.state for check in checks.examine(audit, run=False)}


def test_env_names_what_does_not_fit(shop: Path) -> None:
    found = states(shop)
    assert found["interpreter: Python 3.12.4 in .venv (>=3.11,<4)"] == "ok"
    assert found["editable install: shop runs from this tree"] == "ok"
    assert found["versions: alpha 1.5 is installed, declared is >=2 (core)"] == "fail"
    assert found["versions: gone (core) is not installed"] == "fail"
    assert found["versions: 3 installed packages fit their declared ranges"] == "ok"


def test_an_installed_copy_that_shadows_the_tree_fails(repository) -> None:
    root = installed(repository({"pyproject.toml": PROJECT.replace("<4", "<3.12")}), editable=False)
    found = states(root)
    assert [state for text, state in found.items() if "installed copy" in text] == ["fail"]
    assert [state for text, state in found.items() if text.startswith("interpreter")] == ["fail"]


def test_env_without_an_environment_fails(repository) -> None:
    text, code = command.env(repository({"pyproject.toml": PROJECT}), "", json=False, static=True)
    assert (code, text.splitlines()[-1]) == (1, "1 check, 1 failed")


def test_a_project_that_is_not_installed_is_a_note(repository) -> None:
    root = installed(repository({"pyproject.toml": '[project]\nname = "other"\n'}))
    assert states(root)["editable install: other is not installed; pip install -e ."] == "note"


def test_imports_run_in_children_with_a_budget(repository) -> None:
    """With the interpreter that runs this test: one entry point imports, one does not."""
    project = '[project]\nname = "none"\n[project.scripts]\ngood = "json:loads"\nbad = "no_such_module:main"\n'
    settings = (
        '[tool.preflight]\ncritical = ["json", "no_such_package"]\n[tool.preflight.import_budgets]\ngood = 60000\n'
    )
    root = repository({"pyproject.toml": project + settings})
    text, code = command.env(root, sys.prefix, json=True, static=False)
    found = {(check["name"], check["state"]) for check in json.loads(text)["checks"]}
    assert code == 1
    assert {("import", "ok"), ("import", "fail"), ("entry point", "ok"), ("entry point", "fail")} <= found


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [
        ("1.2", ">=1,<2", True),
        ("2.0", ">=1,<2", False),
        ("1.2.3", "==1.2.*", True),
        ("1.3", "==1.2.*", False),
        ("1.2", "!=1.2.*", False),
        ("1.4.9", "~=1.4", True),
        ("2.0", "~=1.4", False),
        ("1.0", ">1.0", False),
        ("1", "<=1.0.0", True),
        ("weird", ">=9", True),
        ("1.0", "", True),
    ],
)
def test_version_ranges(version: str, wanted: str, fits: bool) -> None:
    assert checks.satisfies(version, wanted) is fits


DECLARATIONS = {
    "pyproject.toml": """[build-system]
requires = ["hatchling"]
[project]
name = "Own.Name"
dynamic = ["version"]
dependencies = ["a-b>1; python_version>'3'"]
[dependency-groups]
dev = ["pytest", {include-group = "x"}]
[tool.uv]
dev-dependencies = ["uvdev"]
[tool.poetry]
name = "poetic"
[tool.poetry.dependencies]
python = "^3"
poem = {version = "1", optional = true}
[tool.poetry.dev-dependencies]
verse = "1"
[tool.poetry.group.docs.dependencies]
prose = "1"
[tool.pixi.dependencies]
pixie = "*"
[tool.hatch.envs.x]
dependencies = ["hatched"]
""",
    "requirements.txt": "one==1\n-r requirements/other.txt\ngit+https://x.org/y/two.git@main\nthree @ file:///x#egg=three\n",
    "requirements/dev.txt": "four\n",
    "constraints.txt": "never\n",
    "setup.cfg": "[metadata]\nname = cfg-own\n[options]\ninstall_requires =\n  five>1\n"
    "[options.extras_require]\nx = six\n"
    "[options.entry_points]\nconsole_scripts =\n  tool = pkg.tool:main\n",
    "setup.py": "from setuptools import setup\nDEPS = ['seven']\nsetup(name='py-own', install_requires=DEPS, "
    "extras_require={'y': ['eight']}, tests_require=['nine'])\n",
    "sub/setup.py": "from setuptools import setup\nsetup(install_requires=open('x').read())\n",
    "environment.yml": "name: x\ndependencies:\n  - python=3.11\n  - ten=1\n  - pip:\n    - eleven==2\n",
    "Pipfile": "[packages]\ntwelve = '*'\n[dev-packages]\nthirteen = '*'\n",
    "broken/pyproject.toml": "[x\n",
}


def test_every_way_to_declare_is_read(repository) -> None:
    root = repository(DECLARATIONS)
    declared = read(root, list(DECLARATIONS))
    groups = {name: needs[0].group for name, needs in declared.needs.items()}
    assert groups["a-b"] == "core"
    assert groups["poem"] == "extra:optional"
    assert groups["hatchling"] == "group:build"
    wanted = "pytest uvdev verse prose pixie hatched one two four five six seven eight nine ten eleven twelve thirteen"
    assert set(wanted.split()) <= set(groups)
    assert "never" not in groups
    assert declared.own == {"own-name", "poetic", "cfg-own", "py-own"}
    assert declared.scripts == {"tool": "pkg.tool:main"}
    assert declared.dynamic
    assert declared.broken[0][:2] == ("broken/pyproject.toml", 1)


@pytest.mark.parametrize(
    ("distribution", "word"),
    [
        ("opencv-python-headless", "opencv"),
        ("google-cloud-storage", "google"),
        ("python-dateutil", "dateutil"),
        ("pyyaml", "yaml"),
        ("faiss-gpu", "faiss"),
        ("protobuf", "google"),
        ("pymongo", "bson"),
        ("pymongo", "gridfs"),
        ("imbalanced_learn", "imblearn"),
        ("dnspython", "dns"),
        ("google-api-python-client", "googleapiclient"),
        ("apache-airflow", "airflow"),
        ("grpcio-tools", "grpc_tools"),
        ("nvidia-ml-py", "pynvml"),
        ("django-environ", "environ"),
        ("vtk", "vtkmodules"),
        ("pywin32", "pythoncom"),
        ("pywin32", "win32api"),
        ("slackclient", "slack"),
    ],
)
def test_import_names_are_guessed_widely(distribution: str, word: str) -> None:
    assert normalize(word) in import_names(normalize(distribution))


def test_an_import_name_may_have_several_providers(repository) -> None:
    root = repository({"requirements.txt": "protobuf\ngoogle-cloud-storage\npycryptodome\npycrypto\n"})
    declared = read(root, ["requirements.txt"])
    assert sorted(need.name for need in declared.providers("google")) == ["google-cloud-storage", "protobuf"]
    assert sorted(need.name for need in declared.providers("Crypto")) == ["pycrypto", "pycryptodome"]
    assert declared.providers("bson") == []


def test_compose_uses_the_real_hydra(repository) -> None:
    pytest.importorskip("hydra")
    files = {
        "shop/app.py": "import hydra\n\n\n@hydra.main(config_path='../conf', config_name='main')\ndef main(cfg): ...\n",
        "conf/main.yaml": "defaults:\n  - model: a\n  - _self_\n  - experiment: null\n"
        "x: ${model.width}\ny: ${shop.id:}\nz: ???\n",
        "conf/model/a.yaml": "width: 1\n",
        "conf/model/b.yaml": "height: 1\n",
        "conf/model/c.yaml": "height: 1\n",
        "conf/experiment/wide.yaml": "# @package _global_\ndefaults:\n  - override /model: b\nmodel:\n  width: 2\n",
        "conf/experiment/bad.yaml": "# @package _global_\ndefaults:\n  - override /model: nothing\n",
    }
    root = repository(files)
    text, code = command.compose(root, sys.prefix, json=False)
    assert code == 1
    assert "model=b" not in text  # whole together with experiment=wide
    assert "experiment=bad: MissingConfigException" in text
    assert text.endswith("5 compositions, 1 failed\n")
    data = json.loads(command.compose(root, sys.prefix, json=True)[0])
    assert data["failed"] == 1
    (root / "conf/experiment/bad.yaml").unlink()
    assert command.compose(root, sys.prefix, json=False)[1] == 0


def test_static_composition_is_what_hydra_makes() -> None:
    """The whole config tree of this repository: every option of every group, key by key."""
    hydra = pytest.importorskip("hydra")
    from hydra.core.global_hydra import GlobalHydra
    from omegaconf import OmegaConf

    root = Path(__file__).parents[2]
    audit = api.open_audit(api.Request(root, use_cache=False))
    compared = 0
    for composition in audit.compositions.all:
        if composition.entry.root != "src/ocr/configs":
            continue
        GlobalHydra.instance().clear()
        with hydra.initialize_config_dir(str(root / composition.entry.root), version_base="1.3"):
            config = hydra.compose(composition.entry.name, [f"{g}={o}" for g, o in composition.choices])
        own = _plain(composition.composed.root)
        own.pop("hydra", None)
        assert own == OmegaConf.to_container(config, resolve=False)
        compared += 1
    GlobalHydra.instance().clear()
    assert compared > 20


def _plain(value):
    if value.kind == "map":
        return {key: _plain(child) for key, child in value.children.items()}
    return [_plain(item) for item in value.items] if value.kind == "list" else value.value
