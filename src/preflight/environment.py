"""An installed environment, read from its files: what can be imported, who provides it, and whether it is whole."""

import csv
import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from preflight.declared import normalize


class InterpreterError(ValueError):
    """The chosen interpreter cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution: name, version, its metadata folder, and where its files lie."""

    name: str
    version: str
    info: Path
    base: Path


@dataclass
class Environment:
    """The site folders of one interpreter; `label` says which for messages."""

    label: str
    folders: list[Path]

    @cached_property
    def names(self) -> set[str]:
        """First words that can be imported from the site folders."""
        names: set[str] = set()
        for folder in self.folders:
            try:
                entries = list(os.scandir(folder))
            except OSError:
                continue
            for entry in entries:
                stem = entry.name.partition(".")[0]
                if entry.name.endswith((".py", ".so", ".pyd")) or ("." not in entry.name and entry.is_dir()):
                    names.add(stem)
        return names

    @cached_property
    def distributions(self) -> dict[str, Distribution]:
        """Installed distributions by normalized name."""
        found: dict[str, Distribution] = {}
        for folder in self.folders:
            for info in sorted([*folder.glob("*.dist-info"), *folder.glob("*.egg-info")]):
                name, _, version = info.stem.partition("-")
                found.setdefault(normalize(name), Distribution(name, version, info, folder))
        return found

    @cached_property
    def _tops(self) -> dict[str, list[str]]:
        tops: dict[str, list[str]] = {}
        for name, distribution in self.distributions.items():
            for top in _top_names(distribution):
                tops.setdefault(top, []).append(name)
        return tops

    def providers(self, top: str) -> list[str]:
        """Normalized names of the installed distributions that provide an import name."""
        direct = self.distributions.get(normalize(top))
        return [normalize(direct.name)] if direct else self._tops.get(top, [])

    def missing_files(self, name: str) -> list[str]:
        """Python and library files that the distribution's RECORD lists and that are not there."""
        distribution = self.distributions[name]
        record = distribution.info / "RECORD"
        try:
            rows = list(csv.reader(record.read_text(encoding="utf-8", errors="replace").splitlines()))
        except OSError:
            return []  # system packages and old installers leave none: nothing can be said
        wanted = [
            row[0] for row in rows if row and row[0].endswith((".py", ".so", ".pyd")) and not row[0].startswith("..")
        ]
        return [path for path in wanted if not os.path.exists(distribution.base / path)]

    def editable_paths(self) -> list[Path]:
        """Folders that `.pth` files add to the path (editable installs)."""
        paths = []
        for folder in self.folders:
            for pth in sorted(folder.glob("*.pth")):
                for line in pth.read_text(encoding="utf-8", errors="replace").splitlines():
                    if (
                        line.strip()
                        and not line.startswith(("import ", "import\t", "#"))
                        and os.path.isabs(line.strip())
                    ):
                        paths.append(Path(line.strip()))
        return paths


def _top_names(distribution: Distribution) -> set[str]:
    try:
        text = (distribution.info / "top_level.txt").read_text(encoding="utf-8", errors="replace")
        return {line.strip() for line in text.splitlines() if line.strip()}
    except OSError:
        pass
    try:
        text = (distribution.info / "RECORD").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    tops = set()
    for line in text.splitlines():
        first, slash, _ = line.partition(",")[0].strip('"').partition("/")
        if slash or first.endswith((".py", ".so")):
            tops.add(first.partition(".")[0])
    return tops


def find(root: Path, python: str = "") -> Environment | None:
    """The environment of `python` (an interpreter, or the folder of an environment), else the project's own, else None.

    Nothing is executed: the layout of virtual environments and of installed interpreters is known.
    """
    if python:
        given = Path(python)
        folders = _site_folders(given if given.is_dir() else given.parent.parent) if given.exists() else []
        if not folders:
            raise InterpreterError(
                f"--python {python}: no site-packages folder belongs to it; give an interpreter or a venv"
            )
        return Environment(python, folders)
    for name in (".venv", "venv", "env"):
        if (root / name / "pyvenv.cfg").is_file():
            folders = _site_folders(root / name)
            if folders:
                return Environment(name, folders)
    return None


def _site_folders(prefix: Path) -> list[Path]:
    patterns = ("lib/python3*/site-packages", "lib/python3*/dist-packages", "lib/python3/dist-packages")
    found = [path for pattern in patterns for path in sorted(prefix.glob(pattern))]
    found += sorted(prefix.glob("lib64/python3*/site-packages"))
    found += [prefix / "Lib" / "site-packages"] if (prefix / "Lib" / "site-packages").is_dir() else []
    unique: list[Path] = []
    for path in found:
        if path.resolve() not in [other.resolve() for other in unique]:
            unique.append(path)
    return unique


STANDARD = frozenset(sys.stdlib_module_names) | frozenset(
    # removed from newer Pythons, or only in Python 2 (with six-like guards), or for type checkers only
    ("distutils", "imp", "asynchat", "asyncore", "smtpd", "_typeshed", "__main__", "tomllib", "cgi", "crypt", "pipes")
)
