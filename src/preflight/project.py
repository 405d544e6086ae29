"""A repository under audit: its files, read once, and everything that rules ask about them."""

import json
import os
import re
import stat
import sys
from functools import cached_property
from pathlib import Path
from typing import Any

from preflight import declared, environment, files, roots
from preflight.cache import Cache, digest
from preflight.config import yaml_reader
from preflight.declared import Declared, normalize
from preflight.environment import Environment
from preflight.files import Tree
from preflight.settings import Settings
from preflight.source import folders, summary
from preflight.source.extract import decode, summarize
from preflight.source.folders import Folders
from preflight.source.patterns import Pattern
from preflight.source.resolver import Resolver
from preflight.source.summary import Summary

_LEAST_PYTHON = re.compile(r"(?:requires-python|python_requires)\s*=\s*[\"']?\s*(?:>=|~=|==|>)\s*3\.(\d+)")
_PARALLEL_BYTES = 1_500_000  # below this, starting a second process costs more than it gives


class Project:
    """One repository. Nothing of it is imported or run; files are read at most once."""

    def __init__(self, root: Path, settings: Settings, *, python: str = "", use_cache: bool = True) -> None:
        self.root = root
        self.settings = settings
        self.python = python or settings.python
        self.tree: Tree = files.discover(root, settings.exclude)
        self.cache = Cache(root, enabled=use_cache)
        self.unreadable: list[tuple[str, str]] = list(self.tree.unreadable)
        self._data: dict[str, bytes | None] = {}
        self._summaries: dict[str, Summary] = {}
        self._yaml: dict[str, yaml_reader.YamlFile] = {}
        self._too_large: dict[str, int] = {}
        self._newer: dict[str, bool] = {}

    # reading ---------------------------------------------------------------------------------------------------

    def data(self, path: str) -> bytes | None:
        """The bytes of a file of the repository; None, and remembered, when it cannot be read or is over the limit."""
        if path not in self._data:
            self._data[path] = self._read(path)
        return self._data[path]

    def _read(self, path: str) -> bytes | None:
        try:
            with open(self.root / path, "rb", opener=_without_waiting) as stream:
                status = os.fstat(stream.fileno())
                size = status.st_size
                if not stat.S_ISREG(status.st_mode):
                    return None  # discovery has named it
                if size > self.settings.max_file_kb * 1024:
                    self._too_large[path] = size
                    return None
                return stream.read()
        except OSError as error:
            self.unreadable.append((path, error.strerror or str(error)))
            return None

    @property
    def too_large(self) -> dict[str, int]:
        """Files that were not read because of their size, with the size in bytes."""
        return self._too_large

    def text(self, path: str) -> str | None:
        """The text of a file, in its declared encoding for Python, for inline ignores and fixes."""
        data = self.data(path)
        if data is None:
            return None
        if path.endswith((".py", ".pyi")):
            text, _ = decode(data)
            return text if text is not None else data.decode("utf-8", "replace")
        return data.decode("utf-8", "replace")

    # python ----------------------------------------------------------------------------------------------------

    @cached_property
    def _raw(self) -> dict[str, Any]:
        """Every Python file read; what the cache does not know is parsed, in several processes when there is much."""
        patterns = self.settings.forbid
        kind = digest(repr(patterns).encode(), "patterns")[:8] if patterns else ""
        unknown: list[tuple[str, str]] = []
        known: dict[str, Any] = {}
        for path in (*self.tree.python, *self.tree.aliases, *self.tree.notebooks):
            data = self.data(path)
            if data is None:
                continue
            key = digest(data, f"{_suffix(path)}{kind}")
            raw = self.cache.get(key)
            if raw is None:
                unknown.append((path, key))
            else:
                known[path] = raw
        fresh = _summarize_all([(path, self._data[path] or b"") for path, _ in unknown], patterns)
        for (path, key), raw in zip(unknown, fresh, strict=True):
            known[path] = raw
            self.cache.put(key, raw)
        return known

    def summary(self, path: str) -> Summary | None:
        """The summary of a Python file of the repository; None when it could not be read."""
        known = self._summaries.get(path)
        if known is None and path in self._raw:
            known = self._summaries[path] = summary.thaw(self._raw[path])
        return known

    def sources(self) -> list[tuple[str, Summary]]:
        """All audited Python files with their summaries, sorted by path."""
        return self._sources

    @cached_property
    def _sources(self) -> list[tuple[str, Summary]]:
        return [(path, found) for path in self.tree.python if (found := self.summary(path)) is not None]

    def notebooks(self) -> list[tuple[str, Summary]]:
        """All notebooks with the summary of their code cells: nothing imports them, and they are no entry points."""
        return [(path, found) for path in self.tree.notebooks if (found := self.summary(path)) is not None]

    @cached_property
    def folders(self) -> Folders:
        """The folders as the import system sees them."""
        return folders.build([*self.tree.python, *self.tree.aliases], self.tree.native, self.tree.opaque)

    @cached_property
    def roots(self) -> list[str]:
        """Source roots, "" for the top of the repository."""
        return roots.find(self.root, self.tree.other, self.tree.python, self.folders, self.settings.roots)

    @cached_property
    def resolver(self) -> Resolver:
        """The resolver over all files."""
        made = Resolver(
            self.folders,
            self.roots,
            self.summary,
            self.provides,
            self._generated,
            self.wants_newer_python,
            roots.top_packages(self.folders),
            own_names=frozenset(name.replace("-", "_") for name in self.declared.own),
        )
        made.extra_roots = self._edited_paths()
        return made

    def _edited_paths(self) -> list[str]:
        """Folders that readable sys.path edits add, wherever in the repository the edit is."""
        found: list[str] = []
        for path, source in self.sources():
            for call in source.calls:
                if call.kind == "path" and call.data[0]:
                    parts = call.data[0]
                    base = [] if parts[0] == "<cwd>" else path.split("/")
                    folder = roots.clean("/".join([*base, *parts[1:]])) if base or parts[1:] else ""
                    if not folder.startswith("..") and folder in self.folders.entries:
                        found.append(folder)
        return list(dict.fromkeys(found))

    def wants_newer_python(self, path: str) -> bool:
        """Whether the project around a file asks for a newer Python than the one that reads it here."""
        folder = path.rpartition("/")[0]
        known = self._newer.get(folder)
        if known is None:
            own = f"{folder}/" if folder else ""
            asked = [
                int(minor)
                for name in ("pyproject.toml", "setup.cfg", "setup.py")
                for minor in _LEAST_PYTHON.findall(self._build_text(own + name))
            ]
            above = bool(folder) and not asked and self.wants_newer_python(folder)
            known = self._newer[folder] = above or max(asked, default=0) > sys.version_info[1]
        return known

    def _build_text(self, path: str) -> str:
        return (self.text(path) or "") if (self.root / path).is_file() else ""

    # third parties ---------------------------------------------------------------------------------------------

    @cached_property
    def declared(self) -> Declared:
        """What the repository says it needs."""
        names = ("pyproject.toml", "setup.py", "setup.cfg", "Pipfile")
        wanted = [
            path for path in self.tree.other if path.rpartition("/")[2] in names or path.endswith((".txt", ".in"))
        ]
        wanted += [path for path in self.tree.python if path.rpartition("/")[2] == "setup.py"]
        wanted += [path for path in self.tree.yaml if re.search(r"env|conda", path.rpartition("/")[2])]
        return declared.read(self.root, [path for path in wanted if files.context(path) != "history"])

    @cached_property
    def environment(self) -> Environment | None:
        """The chosen environment, else the project's own, else None."""
        return environment.find(self.root, self.python)

    def provides(self, top: str, exact: bool) -> bool:
        """Whether an import name may come from a third party although the repository has a folder of that name."""
        if top in self.settings.known:
            return True
        own = {normalize(name) for name in self.declared.own}
        if exact:
            return normalize(top) in self.declared.needs and normalize(top) not in own
        if any(normalize(need.name) not in own for need in self.declared.providers(top)):
            return True
        return bool(self.environment and top in self.environment.names and self.environment.providers(top))

    @cached_property
    def _build_texts(self) -> str:
        """Build files and .gitignore in one text: they name files that only a build makes."""
        names = ("setup.py", "setup.cfg", "pyproject.toml", "CMakeLists.txt", "meson.build", ".gitignore", "Makefile")
        paths = [path for path in (*self.tree.other, *self.tree.python) if path.rpartition("/")[2] in names]
        return "\n".join(self.text(path) or "" for path in paths)

    def _generated(self, path: str) -> bool:
        """Whether a build makes the module at this path (without its suffix): a build file or .gitignore names it."""
        name = path.rpartition("/")[2]
        if name in self._built or any(path.endswith(ignored) for ignored in self._ignored_paths):
            return True
        return name.startswith("_") and re.search(rf"\b{re.escape(name)}['\"]", self._build_texts) is not None

    @cached_property
    def _gitignore(self) -> str:
        """Text of the .gitignore at the top."""
        return (self.text(".gitignore") or "") if ".gitignore" in self.tree.other else ""

    @cached_property
    def _built(self) -> set[str]:
        """Modules that .gitignore names as files, that a build is told to write, or that ANTLR makes of a grammar."""
        written = re.findall(r"(?:write_to|version[_-]file)\s*=\s*['\"]?[\w./-]*?(\w+)\.py", self._build_texts)
        ignored = re.findall(r"(\w+)\.(?:py|so|pyd)$", self._gitignore, re.MULTILINE)
        grammars = [path.rpartition("/")[2].removesuffix(".g4") for path in self.tree.native if path.endswith(".g4")]
        parsers = [name + kind for name in grammars for kind in ("", "Lexer", "Parser", "Listener", "Visitor")]
        return {*written, *ignored, *parsers}

    @cached_property
    def _ignored_paths(self) -> list[str]:
        """Paths of several parts in .gitignore; single names are too common to tell anything."""
        lines = [line.strip().strip("/") for line in self._gitignore.splitlines()]
        return [line for line in lines if "/" in line and not set("*?[#!") & set(line)]

    # configs ---------------------------------------------------------------------------------------------------

    def yaml_status(self, path: str) -> tuple[tuple[int, int, str] | None, bool, list[tuple[str, int, int]]] | None:
        """Error, whether it is a template, and doubled keys of a YAML file, without making its nodes."""
        if path not in self._yaml:
            data = self.data(path)
            raw = None if data is None else self.cache.get(digest(data, "yaml"))
            if raw is not None:
                return raw[0], raw[1], raw[4]
        read = self.yaml(path)
        return None if read is None else (read.error, read.template, read.doubled)

    def yaml(self, path: str) -> yaml_reader.YamlFile | None:
        """A YAML file of the repository; None when it could not be read."""
        if path not in self._yaml:
            data = self.data(path)
            if data is None:
                return None
            key = digest(data, "yaml")
            raw = self.cache.get(key)
            if raw is None:
                self._yaml[path] = yaml_reader.read(data)
                self.cache.put(key, self._yaml[path])
            else:
                self._yaml[path] = yaml_reader.thaw(raw)
        return self._yaml[path]


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe that nobody writes to does not block."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _suffix(path: str) -> str:
    return path.rpartition(".")[2]


def _summarize_all(items: list[tuple[str, bytes]], patterns: tuple[Pattern, ...]) -> list[Any]:
    size = sum(len(data) for _, data in items)
    workers = min(os.cpu_count() or 1, 8, size // _PARALLEL_BYTES + 1)
    if workers < 2:
        return [summarize(data, suffix=_suffix(path), patterns=patterns) for path, data in items]
    from concurrent.futures import ProcessPoolExecutor

    order = sorted(range(len(items)), key=lambda index: -len(items[index][1]))
    shares = [order[start :: workers * 4] for start in range(workers * 4)]
    results: list[Any] = [None] * len(items)
    with ProcessPoolExecutor(workers) as pool:
        jobs = [pool.submit(_summarize_share, [items[index] for index in share], patterns) for share in shares]
        for share, job in zip(shares, jobs, strict=True):
            for index, raw in zip(share, json.loads(job.result()), strict=True):
                results[index] = raw
    return results


def _summarize_share(items: list[tuple[str, bytes]], patterns: tuple[Pattern, ...]) -> str:
    """One process's part, as JSON: half the time of pickled tuples."""
    return json.dumps([summarize(data, suffix=_suffix(path), patterns=patterns) for path, data in items])
