"""The documents of a repository, as the rules see them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from aqms import document
from aqms.document import Document
from aqms.registry import Registry


class OutsideError(ValueError):
    """A path is no document of the repository."""


@dataclass
class Project:
    """``documents`` could be read, ``unreadable`` could not: path and reason."""

    root: Path
    registry: Registry
    documents: list[Document] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def add(self, files: Iterable[Path]) -> None:
        """Read the files; raises OutsideError for one that is not below the root."""
        for file in files:
            path = file.resolve()
            if not path.is_relative_to(self.root):
                raise OutsideError(f"{file}: is outside the repository {self.root}; give a file below it")
            name = path.relative_to(self.root).as_posix()
            try:
                self.documents.append(document.read(path, name))
            except (OSError, UnicodeDecodeError) as error:
                self.unreadable.append((name, f"{type(error).__name__}: {error}"))

    def all_files(self) -> list[Path]:
        """Every Markdown file in the folders of the registry's types, and stray ones below its roots."""
        roots = {PurePosixPath(kind.root or self.registry.root) for kind in self.registry.types.values()}
        return sorted({path for root in roots for path in (self.root / root).rglob("*.md") if path.is_file()})

    def read(self, path: str) -> str | None:
        """The text of a document by its path, for inline ignores."""
        return next((item.text for item in self.documents if item.path == path), None)


def find_root(start: Path) -> Path:
    """The repository that holds ``start``: the nearest folder with .git or AgentQMS, else ``start`` itself."""
    start = start.resolve()
    return next((p for p in (start, *start.parents) if (p / ".git").exists() or (p / "AgentQMS").is_dir()), start)
