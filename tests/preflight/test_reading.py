"""Reading a repository: nothing runs, nothing hides, bad input ends in a finding."""

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preflight import api
from preflight.cache import Cache
from preflight.files import discover
from preflight.gitindex import tracked_files
from preflight.settings import SettingsError, load
from preflight.source.extract import summarize
from preflight.source.recover import recover

BREAKAGES = [")(", "def (", "<<<<<<< HEAD", "x = = 1", "\0", "'''"]
CASES = Path(__file__).parent.parent / "cases"


def test_nothing_of_the_audited_repository_runs(repository, run) -> None:
    """Every module writes a file when it is imported; so do the build files, and the settings of git."""
    spy = "import pathlib\npathlib.Path(r'{marker}').write_text('ran')\n"
    root = repository({})
    root.mkdir()
    marker = root.parent / "ran"
    code = spy.format(marker=marker)
    for name in ("setup.py", "conftest.py", "pkg/__init__.py", "pkg/a.py", "pkg/b.py", "sitecustomize.py", "yaml.py"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(code + "import pkg.gone\nfrom pkg.a import missing as found\n")
    (root / "conf").mkdir()
    (root / "conf/main.yaml").write_text(
        "defaults: [_self_]\na: {_target_: pkg.a.X}\nb: !!python/object/apply:os.system [x]\n"
    )
    (root / "pyproject.toml").write_text('[project]\nname = "pkg"\n[project.scripts]\npkg = "pkg.a:main"\n')
    subprocess.run(["git", "init", "-q", "."], cwd=root, check=True)
    subprocess.run(["git", "config", "core.fsmonitor", f"touch {marker}"], cwd=root, check=True)
    outcome = run(root)
    assert {"IMP001", "IMP002", "HYD002"} <= {finding.code for finding in outcome.findings}
    commands = (["check"], ["targets"], ["scripts"], ["graph"], ["allowlist"], ["fix", "--diff"], ["env", "--static"])
    for command in commands:
        subprocess.run([sys.executable, "-P", "-m", "preflight", *command], cwd=root, capture_output=True, timeout=120)
    assert not marker.exists()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), broken=st.sampled_from(BREAKAGES))
def test_never_fewer_findings_after_a_file_is_broken(seed: int, broken: str, tmp_path_factory) -> None:
    """Breaking a file hides nothing: other findings stay, and what the file held is seen, or the file is reported."""
    import shutil

    chance = random.Random(seed)
    source = CASES / chance.choice(["imp001", "imp002", "hyd001", "hyd004", "imp009"]) / "tree"
    root = tmp_path_factory.mktemp("broken") / "tree"
    shutil.copytree(source, root)
    before = _count(root)
    path = chance.choice(sorted(root.rglob("*.py")))
    lines = path.read_text(encoding="utf-8").split("\n")
    position = chance.randrange(len(lines) + 1)
    lines[position:position] = [broken]
    path.write_text("\n".join(lines), encoding="utf-8")
    after = _count(root)
    assert sum(after.values()) >= sum(before.values())


def _count(root: Path) -> Counter[tuple[str, str]]:
    from findings.selection import Selection

    request = api.Request(root, selection=Selection(min_severity="info"), use_cache=False, fixes=False)
    return Counter((finding.code, finding.path) for finding in api.run(request).findings)


@given(st.binary(max_size=200))
def test_any_bytes_make_a_summary(data: bytes) -> None:
    summary = summarize(data)
    assert summary.error is not None or summary.lines >= 1


@given(st.text(alphabet="ab=()[]:'\"\n\t #defclassimport\0", max_size=120))
def test_recovery_keeps_what_parses(text: str) -> None:
    assert recover(text).body is not None


def test_deep_nesting_is_a_finding(repository, run) -> None:
    root = repository({"deep.py": "x = " + "(" * 3000 + ")" * 3000, "deep.yaml": "[" * 3000 + "]" * 3000})
    assert {finding.path for finding in run(root, "SRC001").findings} == {"deep.py", "deep.yaml"}


def test_large_files_are_named_not_skipped(repository, run) -> None:
    root = repository({"preflight.toml": "max_file_kb = 1\n", "big.yaml": "a: 1\n" * 1000, "big.py": "a = 1\n" * 1000})
    messages = [finding.message for finding in run(root, "SRC001").findings]
    assert len(messages) == 2
    assert all("over the limit of 1 kB" in message for message in messages)


def test_symlinks_do_not_loop_and_lead_nowhere_outside(repository, run) -> None:
    root = repository(
        {"pkg/__init__.py": "", "pkg/a.py": "import outside.x\nimport gone.y\n", "pkg/b.py": "from alias.a import q\n"}
    )
    (root / "pkg/loop").symlink_to(root, target_is_directory=True)
    (root / "outside").symlink_to("/nonexistent/place")
    (root / "alias").symlink_to(root / "pkg", target_is_directory=True)
    (root / "requirements.txt").write_text("numpy\n")
    tree = discover(root)
    assert "outside" in tree.opaque
    assert "alias/a.py" in tree.aliases
    found = [finding.symbol for finding in run(root, "IMP").findings]
    assert found == ["gone.y", "alias.a.q"]


def test_ignored_folders_are_left_out_unless_tracked(repository) -> None:
    root = repository(
        {".gitignore": "data/\noutputs/\n*.log\n", "data/x.py": "", "outputs/y.py": "", "pkg/data/z.py": ""}
    )
    subprocess.run(["git", "init", "-q", "."], cwd=root, check=True)
    subprocess.run(["git", "add", "-f", "data/x.py", "pkg/data/z.py"], cwd=root, check=True)
    assert tracked_files(root) == {"data/x.py", "pkg/data/z.py"}
    tree = discover(root)
    assert tree.python == ["data/x.py", "pkg/data/z.py"]
    for version in ("4", "3"):
        subprocess.run(["git", "update-index", "--index-version", version], cwd=root, check=True)
        assert tracked_files(root) == {"data/x.py", "pkg/data/z.py"}
    (root / ".git/index").write_bytes(b"DIRC" + b"\0" * 8)
    assert tracked_files(root) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_files_are_findings(repository, run) -> None:
    root = repository({"a.py": "x = 1\n", "folder/b.py": ""})
    (root / "a.py").chmod(0)
    (root / "folder").chmod(0)
    found = {finding.path for finding in run(root, "SRC001").findings}
    (root / "folder").chmod(0o755)
    assert found == {"a.py", "folder"}


def test_a_file_that_cannot_be_opened_is_a_finding(repository, run) -> None:
    root = repository({"a.py": "x = 1\n"})
    (root / "b.py").symlink_to(root / "b.py")  # a file that is a loop of its own
    (root / "c.yaml").mkdir()
    assert all(finding.severity == "error" for finding in run(root, "SRC001").findings)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rots = []", "unknown key 'rots'; did you mean 'roots'"),
        ("zzz = 1", "unknown key 'zzz'; known are"),
        ("roots = 'src'", "'roots' must be a list of strings"),
        ("fqn = 'yes'", "'fqn' must be of type bool"),
        ("forbid = 3", "'forbid' must be a table"),
        ("[forbid]\nx = 1", "must be a table with 'remedy'"),
        ("[forbid.x]\nregex = '('\nremedy = 'r'", "is not a valid regex"),
        ("[forbid.x]\nshape = 'a b'\nremedy = 'r'", "is not a valid shape"),
        ("[forbid.x]\nshape = 3\nremedy = 'r'", "must be a string or a list"),
        ("[forbid.x]\nname = 'a'", "needs 'remedy' and exactly one"),
        ("[forbid.x]\nname = 'a'\nremedy = 'r'\nother = 1", "unknown key 'other'"),
        ("not toml", "correct the file"),
    ],
)
def test_wrong_settings_are_refused_by_name(repository, text: str, message: str) -> None:
    root = repository({"preflight.toml": text})
    with pytest.raises(SettingsError, match=message.replace("(", r"\(")):
        load(root)


def test_settings_come_from_pyproject_too(repository) -> None:
    root = repository({"pyproject.toml": "[tool.preflight]\nfqn = true\nimport-budgets = {a = 5}\n"})
    assert load(root).fqn
    assert load(root).import_budgets == (("a", 5),)
    assert load(repository({"pyproject.toml": "[broken"})).fqn is False


def test_the_cache_changes_nothing_but_the_time(repository) -> None:
    root = repository(
        {"pkg/__init__.py": "", "pkg/a.py": "from pkg import gone\n", "conf/a.yaml": "_target_: pkg.b.C\n"}
    )
    first = api.run(api.Request(root)).findings
    assert (root / ".preflight_cache/.gitignore").read_text() == "*\n"
    assert api.run(api.Request(root)).findings == first
    (root / "pkg/a.py").write_text("x = 1\n")
    assert len(api.run(api.Request(root)).findings) == len(first) - 1
    (root / ".preflight_cache/summaries.json").write_text("{broken")
    assert len(api.run(api.Request(root)).findings) == len(first) - 1
    assert Cache(root, enabled=False).get("x") is None


def test_several_processes_read_the_same(repository, monkeypatch) -> None:
    from preflight import project

    root = repository({f"m{n}.py": f"import gone{n}\nx = {n}\n" for n in range(8)} | {"requirements.txt": "numpy\n"})
    alone = api.run(api.Request(root, use_cache=False)).findings
    monkeypatch.setattr(project, "_PARALLEL_BYTES", 10)
    assert api.run(api.Request(root, use_cache=False)).findings == alone
