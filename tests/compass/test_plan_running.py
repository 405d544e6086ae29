"""Plans: run, recorded, committed, rolled back, in real git repositories."""

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from compass.plan import validations
from compass.plan.model import Step, Validation

PLAN = """\
plan: Two values
steps:
  - id: A
    name: Set x
    files: src/pkg_a.py
    run: "{python} -c \\"open('src/pkg_a.py','w').write('x = 2\\\\n')\\""
    validate: [py_compile, import, {{absent: 'x = 1'}}, {{present: 'x = 2'}}, {{manual: look}}]
    rollback: ["{python} -c pass"]
  - id: B
    depends_on: A
    files: [src/pkg_b.py, src/new.py]
    run: ["{python} -c \\"open('src/new.py','w'); open('src/pkg_b.py','w').write('import new\\\\n')\\""]
    validate: [py_compile, import]
"""


def git(root: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with two modules and a plan."""
    root = tmp_path / "project"
    (root / "src").mkdir(parents=True)
    for name, value in (("GIT_AUTHOR_NAME", "n"), ("GIT_AUTHOR_EMAIL", "n@n"), ("GIT_COMMITTER_NAME", "n")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "n@n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    git(root, "init", "-q", "-b", "main")
    (root / "src" / "pkg_a.py").write_text("x = 1\n")
    (root / "src" / "pkg_b.py").write_text("")
    (root / "plan.yaml").write_text(PLAN.format(python=sys.executable))
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "start")
    monkeypatch.chdir(root)
    return root


def test_a_run_commits_each_step_and_records_everything(project, compass):
    ran = compass("plan", "run", "plan.yaml", "--commit")
    assert ran.code == 0
    assert "2 steps done: 8 passed, 0 failed, 0 skipped, 1 manual" in ran.out
    assert git(project, "log", "--format=%s").split("\n")[:3] == ["B: B", "A: Set x", "start"]
    assert git(project, "status", "--porcelain") == ""
    rows = compass("plan", "status", "plan.yaml", "--json").data["steps"]
    assert [(row["id"], row["status"], len(row["commits"])) for row in rows] == [("A", "passed", 1), ("B", "passed", 1)]


def test_the_whole_plan_is_reverted_and_validated_again(project, compass):
    compass("plan", "run", "plan.yaml", "--commit")
    ran = compass("plan", "rollback", "plan.yaml")
    assert ran.code == 0
    assert (project / "src" / "pkg_a.py").read_text() == "x = 1\n"
    assert not (project / "src" / "new.py").exists()
    assert git(project, "log", "--format=%s").count("Revert") == 2
    assert ran.out.count("passed") == 5
    assert "no run is recorded" in compass("plan", "rollback", "plan.yaml").err
    assert "A: not run" in compass("plan", "status", "plan.yaml").out


def test_one_step_is_reverted_only_when_nothing_stands_on_it(project, compass):
    compass("plan", "run", "plan.yaml", "--commit")
    ran = compass("plan", "rollback", "plan.yaml", "--step", "A")
    assert (ran.code, "B depends on A; roll that back first" in ran.err) == (2, True)
    assert compass("plan", "rollback", "plan.yaml", "--step", "b").code == 0
    assert (project / "src" / "pkg_b.py").read_text() == ""
    assert "B: rolled back" in compass("plan", "status", "plan.yaml").out
    assert "has no commit to take back" in compass("plan", "rollback", "plan.yaml", "--step", "B").err
    assert compass("plan", "rollback", "plan.yaml", "--step", "A").code == 0
    assert "is not in plan.yaml (steps: A, B)" in compass("plan", "rollback", "plan.yaml", "--step", "C").err


def test_one_file_returns_to_the_first_commit(project, compass):
    compass("plan", "run", "plan.yaml", "--commit")
    assert compass("plan", "rollback", "plan.yaml", "--file", "src/pkg_a.py").code == 0
    assert (project / "src" / "pkg_a.py").read_text() == "x = 1\n"
    ran = compass("plan", "rollback", "plan.yaml", "--file", "src/new.py")
    assert not (project / "src" / "new.py").exists()
    assert "pkg_b needs new, which is not installed" in ran.out
    for path, says in (
        ("src/pkg_a.py", "nothing to roll back"),
        ("gone.py", "neither here nor in the commit"),
        ("../x", "leads out of the repository"),
    ):
        ran = compass("plan", "rollback", "plan.yaml", "--file", path)
        assert (ran.code, says in ran.err) == (2, True)


def test_conflicts_leave_everything_and_reset_keeps_a_backup(project, compass):
    compass("plan", "run", "plan.yaml", "--commit")
    (project / "src" / "pkg_a.py").write_text("x = 3\n")
    git(project, "commit", "-qam", "later work")
    before = git(project, "rev-parse", "HEAD")
    ran = compass("plan", "rollback", "plan.yaml")
    assert (ran.code, "cannot be reverted, later commits touch the same lines" in ran.err) == (2, True)
    assert git(project, "rev-parse", "HEAD") == before
    assert git(project, "status", "--porcelain") == ""
    ran = compass("plan", "rollback", "plan.yaml", "--reset", "--json")
    assert ran.code == 0
    assert git(project, "rev-parse", ran.data["backup"]) == before
    assert (project / "src" / "pkg_a.py").read_text() == "x = 1\n"


def test_a_dirty_tree_and_a_run_without_commits_are_not_rolled_back(project, compass):
    assert "no run is recorded here" in compass("plan", "rollback", "plan.yaml").err
    compass("plan", "run", "plan.yaml", "--step", "A")
    ran = compass("plan", "rollback", "plan.yaml")
    assert (ran.code, "the tree is dirty (src/pkg_a.py)" in ran.err) == (2, True)
    assert (project / "src" / "pkg_a.py").read_text() == "x = 2\n"
    git(project, "checkout", "-q", "src")
    assert "no step was committed" in compass("plan", "rollback", "plan.yaml").err
    assert "exclude each other" in compass("plan", "rollback", "plan.yaml", "--reset", "--step", "A").err


def replace(project: Path, old: str, new: str) -> None:
    text = (project / "plan.yaml").read_text()
    assert old in text
    (project / "plan.yaml").write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "shows"),
    [
        ("x = 2\\\\n", "x = (\\\\n", "failed  A py_compile"),
        ("x = 2\\\\n", "import json; x = 1\\\\n", "failed  A absent x = 1"),
        ("x = 2\\\\n", "x = 5\\\\n", "failed  A present x = 2"),
        ("x = 2\\\\n", "raise OSError\\\\n", "failed  A import"),
        ("files: src/pkg_a.py", "files: src/other.py", "changed but not declared: src/pkg_a.py"),
        (
            sys.executable + " -c \\\"open('src/pkg_a",
            "false -c \\\"open('src/pkg_a",
            "failed  A false",
        ),
    ],
)
def test_the_first_failure_stops_the_run(project, compass, old, new, shows):
    replace(project, old, new)
    ran = compass("plan", "run", "plan.yaml", "--commit")
    assert ran.code == 1
    assert shows in ran.out
    assert "stopped at A" in ran.out
    assert not (project / "src" / "new.py").exists()
    assert git(project, "log", "--format=%s").strip() == "start"
    assert "A: failed\nB: not run\n" in compass("plan", "status", "plan.yaml").out


def test_a_commit_that_git_refuses_fails_the_step(project, compass):
    hook = project / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho no such luck >&2\nexit 1\n")
    hook.chmod(0o755)
    ran = compass("plan", "run", "plan.yaml", "--commit")
    assert (ran.code, "git commit failed: no such luck" in ran.out) == (1, True)


@pytest.mark.parametrize(
    ("preconditions", "says"),
    [
        ("{branch: release/*}", "the branch is main, the plan wants release/*"),
        ("{commands: [git, no-such-tool]}", "not installed: no-such-tool"),
        ("{clean_tree: true}", "changed beside the files of the steps: stray.txt"),
    ],
)
def test_preconditions_stop_a_run_before_its_first_step(project, compass, preconditions, says):
    replace(project, "steps:", f"preconditions: {preconditions}\nsteps:")
    (project / "stray.txt").write_text("x")
    (project / "src" / "pkg_b.py").write_text("changed = 1\n")
    ran = compass("plan", "run", "plan.yaml")
    assert (ran.code, says in ran.err, ran.out) == (2, True, "")
    assert (project / "src" / "pkg_a.py").read_text() == "x = 1\n"


def test_a_step_waits_for_what_it_depends_on(project, compass):
    ran = compass("plan", "run", "plan.yaml", "--step", "B")
    assert (ran.code, "B depends on A, which has not passed" in ran.err) == (2, True)
    assert compass("plan", "run", "plan.yaml", "--step", "A").code == 0
    assert compass("plan", "run", "plan.yaml", "--step", "B").code == 0


TWO_STEPS = """\
plan: Moves
steps:
  - {id: ONE, run: ["cp src/a.py src/b.py", "git mv src/a.py src/c.py"], files: [src/b.py, src/c.py], remove: src/a.py}
  - {id: TWO, depends_on: [ONE], validate: [{command: "false"}]}
"""


@pytest.fixture
def stopped(project, compass) -> Path:
    """The project after a plan whose first step was committed, and whose second failed."""
    (project / "src" / "a.py").write_text("x = 1\n")
    (project / "plan.yaml").write_text(TWO_STEPS)
    git(project, "add", "-A")
    git(project, "commit", "-qm", "a plan")
    ran = compass("plan", "run", "plan.yaml", "--commit")
    assert (ran.code, "stopped at TWO" in ran.out) == (1, True)
    return project


@pytest.mark.parametrize("words", [(), ("--step", "TWO")])
def test_a_run_that_failed_is_gone_on_with(stopped, compass, words):
    replace(stopped, '"false"', '"true"')
    before = git(stopped, "rev-parse", "HEAD")
    ran = compass("plan", "run", "plan.yaml", "--commit", *words)
    assert (ran.code, "1 step done: 1 passed, 0 failed" in ran.out) == (0, True)
    assert ("ONE is left out: it passed earlier, as commit" in ran.out) == (not words)
    assert git(stopped, "rev-parse", "HEAD") == before
    assert compass("plan", "status", "plan.yaml").out.startswith(f"ONE: passed {before[:10]}\nTWO: passed\n")


def test_a_dry_run_and_the_json_tell_what_is_left_out(stopped, compass):
    commit = git(stopped, "rev-parse", "HEAD").strip()
    ran = compass("plan", "run", "plan.yaml", "--dry-run")
    assert ran.out.startswith("TWO: command false\nONE is left out")
    assert compass("plan", "run", "plan.yaml", "--json").data["earlier"] == {"ONE": commit}


def test_a_committed_step_stays_passed_when_it_is_run_again_and_fails(stopped, compass):
    ran = compass("plan", "run", "plan.yaml", "--commit", "--again")
    assert (ran.code, "stopped at ONE" in ran.out) == (1, True)
    assert "ONE: passed" in compass("plan", "status", "plan.yaml").out
    assert "ONE is left out" in compass("plan", "run", "plan.yaml").out


def test_a_step_that_was_rolled_back_is_due_again(stopped, compass):
    compass("plan", "rollback", "plan.yaml", "--step", "ONE")
    ran = compass("plan", "run", "plan.yaml", "--commit")
    assert "passed  ONE cp src/a.py src/b.py" in ran.out
    assert (stopped / "src" / "c.py").exists()


def test_a_step_that_changed_since_its_commit_is_neither_repeated_nor_left_out_unasked(stopped, compass):
    replace(stopped, "cp src/a.py", "cp src/c.py")
    ran = compass("plan", "run", "plan.yaml", "--commit")
    assert (ran.code, "ONE is to do something else than when it passed as commit" in ran.err, ran.out) == (2, True, "")
    assert "false" in compass("plan", "run", "plan.yaml", "--step", "TWO").out


def test_a_step_whose_commit_is_not_on_this_branch_is_run_only_on_request(stopped, compass):
    git(stopped, "switch", "-qc", "other", "HEAD~")
    ran = compass("plan", "run", "plan.yaml", "--commit")
    assert (ran.code, "which this branch was not built on" in ran.err) == (2, True)
    assert "ONE is commit" in compass("plan", "run", "plan.yaml", "--commit", "--again").out
    assert "ONE is left out" in compass("plan", "run", "plan.yaml", "--commit").out


def test_without_a_commit_a_step_is_run_again(project, compass):
    compass("plan", "run", "plan.yaml")
    assert "2 steps done" in compass("plan", "run", "plan.yaml").out


def test_a_dry_run_only_says_what_it_would_do(project, compass):
    ran = compass("plan", "run", "plan.yaml", "--dry-run")
    assert ran.code == 0
    assert "A: present x = 2\n" in ran.out
    assert compass("plan", "run", "plan.yaml", "--dry-run", "--json").data["steps"]["B"][1:] == ["py_compile", "import"]
    assert git(project, "status", "--porcelain") == ""
    assert not (project / "project_compass").exists()


def test_the_json_of_a_run_is_one_document(project, compass):
    data = compass("plan", "run", "plan.yaml", "--json").data
    assert data["failed"] is None
    assert [result["status"] for result in data["steps"]["A"]] == ["passed"] * 5 + ["manual"]


def test_without_git_repository_or_commit_there_is_one_line(project, compass, tmp_path, monkeypatch):
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "plan.yaml").write_text("plan: x\nsteps: [{id: A}]\n")
    assert "is in no git repository" in compass("plan", "run", str(bare / "plan.yaml")).err
    assert compass("plan", "validate", str(bare / "plan.yaml")).code == 1
    git(bare, "init", "-q")
    assert "has no commit yet" in compass("plan", "run", str(bare / "plan.yaml")).err
    monkeypatch.setenv("PATH", str(bare))
    assert "git is not installed" in compass("plan", "run", "plan.yaml").err


def test_one_run_at_a_time(project, compass, repo_lock):
    with repo_lock:
        assert "another plan is being run" in compass("plan", "run", "plan.yaml").err


@pytest.fixture
def repo_lock(project):
    from durable.lock import lock

    plans = project / "project_compass" / ".vessel" / "plans"
    plans.mkdir(parents=True)
    return lock(plans / "run")


def test_a_damaged_record_is_named(project, compass):
    compass("plan", "run", "plan.yaml")
    (record,) = (project / "project_compass" / ".vessel" / "plans").glob("plan-*.jsonl")
    record.write_bytes(b"junk\n" + record.read_bytes())
    assert "is damaged" in compass("plan", "status", "plan.yaml").err


def outcome(root: Path, check: Validation, *files: str, timeout: float = 60.0) -> validations.Result:
    return validations.validate(check, Step("A", "A", 1, files=files), root, timeout=timeout)


@pytest.mark.parametrize(
    ("check", "files", "status", "detail"),
    [
        (Validation("py_compile"), ("good.py",), "passed", ""),
        (Validation("py_compile"), ("bad.py",), "failed", "SyntaxError"),
        (Validation("py_compile"), ("gone.py",), "failed", "no such file: gone.py"),
        (Validation("py_compile"), ("*.txt",), "skipped", "no such file"),
        (Validation("py_compile", files=("good.py",)), ("bad.py",), "passed", ""),
        (Validation("import"), ("good.py", "pkg/__init__.py"), "passed", ""),
        (Validation("import"), ("needs.py",), "skipped", "needs needs no_such_package, which is not installed"),
        (Validation("import"), ("broken.py",), "failed", "No module named 'pkg.gone'"),
        (Validation("import", "json.decoder"), (), "passed", ""),
        (Validation("import"), ("not-a-name.py",), "skipped", "no module to import"),
        (Validation("types"), ("good.py",), "passed", ""),
        (Validation("types"), ("typed.py",), "failed", "Incompatible"),
        (Validation("ruff"), ("good.py",), "passed", ""),
        (Validation("ruff"), ("unused.py",), "failed", "F401"),
        (Validation("yaml"), ("good.yaml", "good.py"), "passed", ""),
        (Validation("yaml"), ("bad.yaml",), "failed", "bad.yaml"),
        (Validation("absent", "forbidden"), ("*.py",), "passed", "not in"),
        (Validation("absent", "x = "), ("good.py",), "failed", "good.py:3"),
        (Validation("absent", "x"), ("*.none",), "skipped", "not in 0 files; not checked, no such file: *.none"),
        (Validation("absent", "x"), (), "skipped", "the step has none"),
        (Validation("absent", "y", files=("*.none", "good.py")), (), "skipped", "not checked, no such file: *.none"),
        (Validation("absent", "x =", files=("*.none", "good.py")), (), "failed", "good.py:3"),
        (Validation("absent", "y"), ("good.py", "gone.py"), "passed", "not in 1 file"),
        (Validation("absent", "("), ("good.py",), "failed", "not a regular expression"),
        (Validation("present", "^x"), ("good.py",), "passed", "good.py:3"),
        (Validation("present", "^y"), ("good.py",), "failed", "not found in good.py"),
        (Validation("present", "^y"), ("*.none",), "failed", "not found in any file"),
        (Validation("command", "python -c 'print(5)'"), (), "passed", "5"),
        (Validation("command", "python -c 'exit(3)'"), (), "failed", "exit code 3"),
        (Validation("command", "wc -l <file>"), ("good.py",), "passed", "good.py"),
        (Validation("command", "./tool.sh a"), (), "passed", "tool says a"),
        (Validation("command", "./good.py"), (), "failed", "exit code 127"),
        (Validation("command", "no-such-tool"), (), "failed", "no-such-tool is not installed"),
        (Validation("command", "no-such-tool", optional=True), (), "skipped", "no-such-tool is not installed"),
        (Validation("command", "true && false"), (), "failed", "bash -c 'true && false'"),
        (Validation("command", "echo 'open"), (), "failed", "check its quotes"),
        (Validation("manual", "look"), (), "manual", "for a person"),
    ],
)  # fmt: skip
def test_each_kind_of_validation(tmp_path, check, files, status, detail):
    made = {
        "good.py": "import json\n\nx = json.dumps(1)\n", "bad.py": "x = (\n",
        "needs.py": "import no_such_package.sub\n", "broken.py": "import pkg.gone\n",
        "typed.py": "x: int = 'a'\n", "unused.py": "import os\n",
        "good.yaml": "a: [1]\n", "bad.yaml": "a: [1\n", "not-a-name.py": "x = 1\n",
    }  # fmt: skip
    for name, text in made.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("")
    (tmp_path / "tool.sh").write_text("#!/bin/sh\necho tool says $1\n")
    (tmp_path / "tool.sh").chmod(0o755)
    result = outcome(tmp_path, check, *files)
    assert result.status == status
    assert detail in result.detail
    assert not list(tmp_path.rglob("__pycache__"))


def test_a_module_named_like_one_of_the_standard_library_shadows_nothing(tmp_path):
    (tmp_path / "types.py").write_text("x = 1\n")
    (tmp_path / "good.py").write_text("import json\n")
    for kind in ("py_compile", "import"):
        assert outcome(tmp_path, Validation(kind), "good.py").status == "passed"


def test_a_command_that_takes_too_long_is_ended_with_its_children(project):
    marker = project / "marker"
    words = f"bash -c 'sleep 1.5; touch {marker}'"
    result = outcome(project, Validation("command", words), timeout=0.3)
    assert (result.status, "took longer than 0.3 s" in result.detail) == ("failed", True)
    subprocess.run(["sleep", "1.6"], check=True)
    assert not marker.exists()


def test_tools_that_are_not_installed_fail_or_are_skipped(project, monkeypatch):
    monkeypatch.setattr(validations, "_find", lambda name: None)
    (project / "good.py").write_text("")
    assert outcome(project, Validation("ruff"), "good.py").status == "failed"
    assert outcome(project, Validation("types", optional=True), "good.py").status == "skipped"


def test_an_interrupt_ends_the_child(project, monkeypatch):
    def interrupted(self, timeout=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        outcome(project, Validation("command", "sleep 60"))


def test_a_terminal_sees_a_progress_bar(project):
    """In a real pseudo-terminal; the results stay on standard output."""
    import pty

    master, slave = pty.openpty()
    words = [sys.executable, "-c", "from compass.cli import main; main()", "plan", "run", "plan.yaml", "--step", "A"]
    seen = bytearray()

    def watch() -> None:
        with contextlib.suppress(OSError):  # The terminal is gone when the child has ended.
            while block := os.read(master, 65536):
                seen.extend(block)

    watcher = threading.Thread(target=watch)
    watcher.start()
    child = subprocess.run(words, cwd=project, stdout=subprocess.PIPE, stderr=slave, text=True, timeout=120)
    os.close(slave)
    watcher.join()
    os.close(master)
    assert child.returncode == 0
    assert "passed  A py_compile" in child.stdout
    assert b"%" in seen
