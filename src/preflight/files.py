"""Which files a repository holds, and what each kind of file is for."""

import os
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from preflight.gitindex import tracked_files

_SKIPPED = frozenset(
    (
        *(".git", ".hg", ".svn", ".tox", ".nox"),
        *(".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".ipynb_checkpoints"),
        *(".eggs", ".idea", ".vscode", ".dvc", ".preflight_cache"),
        *(".import_linter_cache", "__pycache__", "node_modules", "site-packages", "__pypackages__"),
    )
)
_TESTS = frozenset(
    ("test", "tests", "testing", "unit_tests", "functional_tests", "test_utils", "test_data", "testdata", "fixtures")
)
_DOCS = frozenset(("docs", "doc", "documentation"))
_HISTORY = frozenset((".hydra", "outputs", "multirun", "lightning_logs", "mlruns"))
_NATIVE = (".so", ".pyd", ".pyx", ".cpp", ".cu", ".c", ".rs", ".g4", ".proto", ".pxd")
_CONFIG = (".yaml", ".yml")


@dataclass(slots=True)
class Tree:
    """The files of a repository by their path relative to its root, with forward slashes."""

    root: Path
    python: list[str] = field(default_factory=list)  # .py and .pyi, audited
    aliases: list[str] = field(default_factory=list)  # .py reached through a symlinked folder: resolved, not audited
    yaml: list[str] = field(default_factory=list)
    notebooks: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)  # shell
    other: list[str] = field(default_factory=list)  # small text files that may refer to others
    native: list[str] = field(default_factory=list)  # sources of compiled modules
    opaque: set[str] = field(default_factory=set)  # folders that lead outside or to nothing
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    skipped: set[str] = field(default_factory=set)  # folders not entered because the settings or git say so


def context(path: str) -> str:
    """What a file is for: "test", "docs", "history" (saved runs) or "code"."""
    parts = path.split("/")
    if _HISTORY.intersection(parts[:-1]):
        return "history"
    name = parts[-1]
    if (
        _TESTS.intersection(parts[:-1])
        or name.startswith("test_")
        or name.endswith("_test.py")
        or name == "conftest.py"
    ):
        return "test"
    return "docs" if _DOCS.intersection(parts[:-1]) else "code"


def discover(root: Path, exclude: tuple[str, ...] = ()) -> Tree:
    """Walk the repository. Symlinked folders inside it are followed once, others are remembered as opaque."""
    tree = Tree(root)
    ignored = _ignored_folders(root)
    _walk(tree, root, "", {os.path.realpath(root)}, exclude, ignored, False)
    for listing in (tree.python, tree.aliases, tree.yaml, tree.notebooks, tree.scripts, tree.other, tree.native):
        listing.sort()
    return tree


def excluded(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a path is below an excluded folder or matches an excluded glob."""
    return any(path == p.rstrip("/") or path.startswith(f"{p.rstrip('/')}/") or fnmatch(path, p) for p in patterns)


def _walk(
    tree: Tree, folder: Path, prefix: str, seen: set[str], exclude: tuple[str, ...], ignored: set[str], alias: bool
) -> None:
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        tree.unreadable.append((prefix.rstrip("/") or ".", error.strerror or str(error)))
        return
    names = {entry.name for entry in entries}
    if "pyvenv.cfg" in names and prefix:
        return
    for entry in entries:
        path = prefix + entry.name
        try:
            leads_to_folder = entry.is_symlink() and not entry.is_file()
        except OSError as error:
            tree.unreadable.append((path, error.strerror or str(error)))
            continue
        if leads_to_folder:
            _follow(tree, entry, path, seen, exclude, ignored)
        elif entry.is_dir():
            if entry.name in _SKIPPED or (entry.name == "build" and _is_build_output(entry.path)):
                continue
            if path in ignored or excluded(path, exclude):
                tree.skipped.add(path)
                continue
            _walk(tree, Path(entry.path), f"{path}/", seen, exclude, ignored, alias)
        elif not excluded(path, exclude):
            _file(tree, path, alias, entry.is_file())


def _follow(
    tree: Tree, entry: os.DirEntry[str], path: str, seen: set[str], exclude: tuple[str, ...], ignored: set[str]
) -> None:
    real = os.path.realpath(entry.path)
    inside = real.startswith(os.path.realpath(tree.root) + os.sep)
    if not os.path.isdir(real) or not inside:
        tree.opaque.add(path)
    elif real not in seen and not (os.path.realpath(os.path.dirname(entry.path)) + os.sep).startswith(real + os.sep):
        _walk(tree, Path(entry.path), f"{path}/", seen | {real}, exclude, ignored, True)


def _file(tree: Tree, path: str, alias: bool, regular: bool) -> None:
    if not regular:  # a pipe, a socket, a device: opening it could wait for ever
        if path.endswith((".py", ".pyi", ".ipynb", *_CONFIG)):
            tree.unreadable.append((path, "not a regular file"))
    elif path.endswith((".py", ".pyi")):
        (tree.aliases if alias else tree.python).append(path)
    elif path.endswith(_NATIVE):
        tree.native.append(path)
    elif alias:
        return
    elif path.endswith(_CONFIG):
        tree.yaml.append(path)
    elif path.endswith(".ipynb"):
        tree.notebooks.append(path)
    elif path.endswith((".sh", ".bash")):
        tree.scripts.append(path)
    elif (
        path.endswith((".gitignore", ".md", ".rst", ".txt", ".toml", ".cfg", ".ini", ".json", ".in"))
        or "." not in path.rpartition("/")[2]
    ):
        tree.other.append(path)


def _is_build_output(path: str) -> bool:
    try:
        return any(name == "lib" or name.startswith(("bdist.", "lib.", "temp.")) for name in os.listdir(path))
    except OSError:
        return False


def _ignored_folders(root: Path) -> set[str]:
    """Folders that .gitignore names and that hold no tracked file: people ignore `data/`, yet track ocr/data."""
    try:
        if not (root / ".gitignore").is_file():
            return set()
        lines = (root / ".gitignore").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    names = {
        line.strip().strip("/") for line in lines if line.strip() and line[0] not in "#!" and not set("*?[") & set(line)
    }
    if not names:
        return set()
    tracked = tracked_files(root)
    if tracked is None:
        return set()
    kept = {path[: path.index("/", start)] for path in tracked for start in _slashes(path)}
    return {name for name in names if name not in kept and os.path.isdir(root / name)}


def _slashes(path: str) -> list[int]:
    return [index for index, char in enumerate(path) if char == "/"]
