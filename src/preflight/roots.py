"""Where a repository's import path begins: found from its build files, its test settings and its layout."""

import configparser
import os
import posixpath
import tomllib
from pathlib import Path
from typing import Any

from preflight.source.folders import Folders

_BUILD_FILES = ("pyproject.toml", "setup.py", "setup.cfg")


def find(root: Path, other: list[str], python: list[str], folders: Folders, added: tuple[str, ...]) -> list[str]:
    """Source roots relative to the repository ("" is its top), most likely first."""
    roots: list[str] = [clean(path) for path in added]
    projects = sorted(
        {posixpath.dirname(path) for path in (*other, *python) if posixpath.basename(path) in _BUILD_FILES}
    )
    for project in ["", *projects]:
        listed = _from_pyproject(root, project) + _from_ini(root, project)
        roots += [clean(posixpath.join(project, path)) for path in listed]
        source = clean(posixpath.join(project, "src"))
        if source in folders.entries:
            roots.append(source)
        roots.append(project)
    return [path for path in dict.fromkeys(roots) if path in folders.entries]


def clean(path: str) -> str:
    """A folder path relative to the repository without dots; "" for its top."""
    normal = posixpath.normpath(path.strip("/") or ".")
    return "" if normal == "." else normal


def top_packages(folders: Folders) -> dict[str, list[str]]:
    """Packages whose folder above is no package: name -> folders that hold them; any may be on somebody's path."""
    found: dict[str, list[str]] = {}
    for folder, entries in folders.entries.items():
        if folders.is_package(folder):
            continue
        for name, place in entries.items():
            if place.kind in ("package", "stub-package"):
                found.setdefault(name, []).append(folder)
    return found


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part for part in value.replace(":", " ").replace(",", " ").split() if "$" not in part]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _table(data: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _from_pyproject(root: Path, project: str) -> list[str]:
    try:
        data = tomllib.loads((root / project / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    found = _strings(_table(data, "tool", "pytest", "ini_options").get("pythonpath"))
    found += _strings(_table(data, "tool", "mypy").get("mypy_path"))
    found += _strings(_table(data, "tool", "pyright").get("extraPaths"))
    found += _strings(_table(data, "tool", "ruff").get("src"))
    found += _strings(_table(data, "tool", "setuptools", "packages", "find").get("where"))
    package_dir = _table(data, "tool", "setuptools", "package-dir")
    found += [value for key, value in package_dir.items() if isinstance(value, str) and key == ""]
    for target in _table(data, "tool", "hatch", "build", "targets").values():
        found += [posixpath.dirname(path) for path in _strings(_table(target).get("packages"))]
        found += [value for value in _table(target, "sources") if isinstance(value, str)]
    poetry = _table(data, "tool", "poetry").get("packages")
    for package in poetry if isinstance(poetry, list) else []:
        if isinstance(package, dict) and isinstance(package.get("from"), str):
            found.append(package["from"])
    return [path for path in found if not os.path.isabs(path)]


def _from_ini(root: Path, project: str) -> list[str]:
    found: list[str] = []
    for name, section in (
        ("pytest.ini", "pytest"),
        ("tox.ini", "pytest"),
        ("setup.cfg", "tool:pytest"),
        ("mypy.ini", "mypy"),
    ):
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        if not (root / project / name).is_file():
            continue
        try:
            parser.read_string((root / project / name).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, configparser.Error):
            continue
        for option in ("pythonpath", "mypy_path"):
            found += _strings(parser.get(section, option, fallback=""))
        if name == "setup.cfg":
            found += _strings(parser.get("options.packages.find", "where", fallback=""))
    return [path for path in found if not os.path.isabs(path)]
