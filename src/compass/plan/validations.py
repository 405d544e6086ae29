"""Run one validation of a step."""

import importlib.util
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from compass import programs
from compass.plan.model import Step, Validation
from findings.counted import counted

Status = Literal["passed", "failed", "skipped", "manual"]
KEPT_LINES = 40
# -P: a module of the repository that is called like one of the standard library (types.py) must not shadow it.
_PYTHON = (sys.executable, "-P")
_SHELL = re.compile(r"^(\||\|\||&&|;|>|>>|<)$")


@dataclass(frozen=True)
class Result:
    """How one validation went; `detail` holds the reason or the last lines of output."""

    name: str
    status: Status
    detail: str = ""
    seconds: float = 0.0


def validate(validation: Validation, step: Step, root: Path, *, timeout: float) -> Result:
    """Run one validation from the repository root; a child that takes longer than `timeout` seconds fails."""
    started = time.monotonic()
    status, detail = _check(validation, step, root, timeout)
    return Result(validation.name, status, detail, round(time.monotonic() - started, 3))


def command(words: str, root: Path, *, timeout: float) -> Result:
    """Run one command of a step, without a shell."""
    started = time.monotonic()
    status, detail = _command(words, root, timeout, optional=False)
    return Result(words, status, detail, round(time.monotonic() - started, 3))


def executables(step: Step) -> set[str]:
    """The programs that the step's commands begin with and that must be there."""
    commands = [*step.run, *step.rollback]
    commands += [check.value for check in step.validations if check.kind == "command" and not check.optional]
    found = {"ruff" for check in step.validations if check.kind == "ruff" and not check.optional}
    return found | {words[0] for text in commands if (words := _split(text))}


def missing(programs: set[str], root: Path) -> list[str]:
    """Those of the programs that are neither on PATH nor in the repository."""
    return sorted(name for name in programs if _find(name) is None and not (root / name).is_file())


def _check(validation: Validation, step: Step, root: Path, timeout: float) -> tuple[Status, str]:
    if validation.kind == "manual":
        return "manual", "for a person to check"
    if validation.kind == "command":
        text = validation.value
        if "<file>" in text:
            text = text.replace("<file>", shlex.join(_files(validation, step, root)))
        return _command(text, root, timeout, optional=validation.optional)
    if validation.kind == "import" and validation.value:
        return _import([validation.value], root, timeout)
    wanted = validation.files or step.files
    gone = [glob for glob in wanted if not re.search(r"[*?\[]", glob) and not (root / glob).exists()]
    if gone and validation.kind != "absent":
        return "failed", f"no such file: {', '.join(gone)}"
    files = _files(validation, step, root)
    if validation.kind in ("present", "absent"):
        # A glob that means nothing, such as a misspelt one, must not pass for a clean file.
        named = [glob for glob in validation.files if not any(root.glob(glob))]
        return _pattern(validation, files, root, unseen=named if files else list(wanted))
    suffixes = (".yaml", ".yml") if validation.kind == "yaml" else (".py",)
    files = [file for file in files if file.endswith(suffixes)]
    if not files:
        return "skipped", "the step has no such file"
    if validation.kind == "yaml":
        return _yaml(files, root)
    if validation.kind == "import":
        return _import([module for file in files if (module := _module(file))], root, timeout)
    if validation.kind == "py_compile":
        return _outcome(_execute([*_PYTHON, "-m", "py_compile", *files], root, timeout))
    if validation.kind == "types":
        words = ["mypy", "--ignore-missing-imports", "--cache-dir", os.devnull]
    else:
        words = ["ruff", "check", "--no-cache"]
    program = _find(words[0])
    if program is None:
        return ("skipped" if validation.optional else "failed"), f"{words[0]} is not installed"
    return _outcome(_execute([*program, *words[1:], *files], root, timeout))


def _files(validation: Validation, step: Step, root: Path) -> list[str]:
    """The existing files, relative to the root, that the globs of a validation, or of its step, mean."""
    found = {path for glob in (validation.files or step.files) for path in root.glob(glob) if path.is_file()}
    return sorted(path.relative_to(root).as_posix() for path in found)


def _pattern(validation: Validation, files: list[str], root: Path, *, unseen: list[str]) -> tuple[Status, str]:
    """Look for the pattern; where it is to be absent and nothing is there for some globs (`unseen`), say so."""
    try:
        wanted = re.compile(validation.value, re.MULTILINE)
    except re.error as error:
        return "failed", f"not a regular expression: {error}"
    hits = []
    for file in files:
        text = (root / file).read_text(encoding="utf-8", errors="replace")
        hits += [f"{file}:{text.count(chr(10), 0, match.start()) + 1}" for match in wanted.finditer(text)]
    if validation.kind == "absent":
        if hits:
            return "failed", f"found in {', '.join(hits[:10])}"
        looked = f"not in {counted(len(files), 'file')}"
        if unseen or not files:
            return "skipped", f"{looked}; not checked, no such file: {', '.join(unseen) or 'the step has none'}"
        return "passed", looked
    return ("passed", hits[0]) if hits else ("failed", f"not found in {', '.join(files) or 'any file'}")


def _yaml(files: list[str], root: Path) -> tuple[Status, str]:
    import yaml

    wrong = []
    for file in files:
        try:
            for _ in yaml.parse((root / file).read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
                pass
        except yaml.YAMLError as error:
            wrong.append(f"{file}: {' '.join(str(error).split())}")
    return ("failed", "\n".join(wrong)) if wrong else ("passed", "")


def _import(modules: list[str], root: Path, timeout: float) -> tuple[Status, str]:
    """Import each module in a fresh process; one that lacks an installed package is skipped, not failed."""
    lacking = []
    for module in modules:
        search = [str(folder) for folder in (root / "src", root)]
        program = f"import sys; sys.path += {search!r}; import {module}"
        code, output = _execute([*_PYTHON, "-c", program], root, timeout)
        absent = re.search(r"No module named '([\w.]+)'", output.strip().rpartition("\n")[2])
        name = absent[1].partition(".")[0] if absent else ""
        own = any((folder / name).is_dir() or (folder / f"{name}.py").is_file() for folder in (root, root / "src"))
        if code != 0 and (not absent or own):
            return "failed", f"import {module}\n{output}".strip()
        if code != 0:
            lacking.append(f"{module} needs {name}, which is not installed")
    if lacking:
        return "skipped", "; ".join(lacking)
    return ("passed", "") if modules else ("skipped", "the step has no module to import")


def _module(file: str) -> str | None:
    """The dotted name of a Python file; None when its path cannot be one."""
    parts = file.removeprefix("src/").removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts) if parts and all(part.isidentifier() for part in parts) else None


def _command(text: str, root: Path, timeout: float, *, optional: bool) -> tuple[Status, str]:
    words = _split(text)
    if not words:
        return "failed", "the command cannot be read: check its quotes"
    if any(_SHELL.match(word) for word in words):
        return "failed", f"commands run without a shell; write it as: bash -c {shlex.quote(text)}"
    program = _find(words[0])
    if program is None and not (root / words[0]).is_file():
        return ("skipped" if optional else "failed"), f"{words[0]} is not installed"
    return _outcome(_execute([*(program or [str(root / words[0])]), *words[1:]], root, timeout))


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return []


def _find(name: str) -> list[str] | None:
    """How to start a program: the Python that runs compass, a tool installed beside it, or one on PATH."""
    if name in ("python", "python3"):
        return [sys.executable]
    if name in ("mypy", "ruff", "pytest") and importlib.util.find_spec(name) is not None:
        return [*_PYTHON, "-m", name]
    path = programs.find(name)
    return None if path is None else [path]


def _outcome(done: tuple[int, str]) -> tuple[Status, str]:
    code, output = done
    tail = "\n".join(output.strip().splitlines()[-KEPT_LINES:])
    return ("passed", tail) if code == 0 else ("failed", f"exit code {code}\n{tail}".strip())


def _execute(words: list[str], root: Path, timeout: float) -> tuple[int, str]:
    """Exit code and mixed output of a child in its own process group, which a timeout ends as a whole."""
    with tempfile.TemporaryDirectory(prefix="compass-") as cache:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": cache}
        try:
            child = subprocess.Popen(
                words,
                cwd=root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            return 127, f"{words[0]}: {error.strerror}"
        try:
            output, _ = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            output, _ = child.communicate()
            return 124, f"{output}\ntook longer than {timeout:g} s"
        except KeyboardInterrupt:
            os.killpg(child.pid, signal.SIGKILL)
            raise
    return child.returncode, output
