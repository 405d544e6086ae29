"""The documents of a repository, as the rules see them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from aqms.cache import Cache
from aqms.document import Document, decode
from aqms.registry import Registry
from durable.replace import LEFTOVER


class OutsideError(ValueError):
    """A path is no document of the repository."""


class ChangedError(RuntimeError):
    """A document is no longer what it was when its repair was planned."""


@dataclass
class Project:
    """``documents`` could be read, ``unreadable`` could not: path and reason.

    ``pages`` are files that somebody named though they lie outside the registry's roots: they are no documents, and
    only what holds for any Markdown is asked of them.
    """

    root: Path
    registry: Registry
    documents: list[Document] = field(default_factory=list)
    pages: list[Document] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    cached: bool = True

    def __post_init__(self) -> None:
        self.cache = Cache(self.root, key=self.registry.digest, enabled=self.cached)
        self._texts: dict[str, str] = {}
        folders = [root.as_posix() for root in self.registry.roots()]
        self._roots = tuple("" if folder == "." else f"{folder}/" for folder in folders)

    def add(self, files: Iterable[Path]) -> None:
        """Read files that the user named; raises OutsideError for one that is not below the root."""
        for file in files:
            path = Path(file if file.is_absolute() else Path.cwd() / file)
            if not inside(self.root, path):
                raise OutsideError(f"{file}: is outside the repository {self.root}; give a file below it")
            self.add_file(path.resolve())

    def add_file(self, path: Path) -> None:
        """Read one file below the root; a link that leads out of the repository is not followed."""
        name = path.relative_to(self.root).as_posix()
        try:
            if path.is_symlink() and not inside(self.root, path):
                raise ValueError("it is a link that leads out of the repository; put the file there instead")
            self.add_data(name, path.read_bytes())
        except (OSError, ValueError) as error:
            reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
            self.unreadable.append((name, reason))

    def add_data(self, name: str, data: bytes) -> None:
        """Take in the content of a file; raises ValueError when it is no text."""
        text = decode(data)
        self._texts[name] = text
        (self.documents if self.is_document(name) else self.pages).append(self.cache.document(text, name))

    def is_document(self, name: str) -> bool:
        """Whether a file lies where the registry's documents do, and is not the index that `aqms index` writes."""
        return name != self.registry.index and name.startswith(self._roots)

    @property
    def texts(self) -> list[Document]:
        """All that could be read: documents and pages."""
        return [*self.documents, *self.pages]

    def all_files(self) -> list[Path]:
        """Every Markdown file below the folders of the registry's types, but the index that `aqms index` writes."""
        roots = {self.root / root for root in self.registry.roots()}
        found = {path for root in roots for path in root.rglob("*.md") if path.is_file() or path.is_symlink()}
        found.discard(self.root / self.registry.index)
        return sorted(path for path in found if not path.name.startswith(LEFTOVER))

    def type_of_folder(self, document: Document) -> str | None:
        """The type whose folder a document lies in."""
        return self.registry.type_of(document.path)

    def read(self, path: str) -> str | None:
        """The text of a document by its path, for inline ignores."""
        return self._texts.get(path)


def inside(root: Path, path: Path) -> bool:
    """Whether a path, its links followed, is below ``root``."""
    return Path(os.path.realpath(path)).is_relative_to(root)  # Path.resolve raises where links go in a circle.


def find_root(start: Path) -> Path:
    """The repository that holds ``start``: the nearest folder with .git or AgentQMS, else ``start`` itself."""
    start = start.resolve()
    return next((p for p in (start, *start.parents) if (p / ".git").exists() or (p / "AgentQMS").is_dir()), start)
