"""The one truth about documents: types, places, names, front matter, sections; and the standards that bind work."""

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from aqms import cache, naming
from findings import safe_yaml

LOCATION = "AgentQMS/standards/registry.yaml"
SHIPPED = Path(__file__).with_name("registry.yaml")
SCHEMA_VERSION = 1
_CHECKED = "registry.sha256"


class RegistryError(ValueError):
    """The registry cannot be read, or is not of its form."""


@dataclass(frozen=True)
class DocumentType:
    """One kind of document; a section is the list of headings that will do for it, the first being the usual one.

    ``root`` and ``statuses`` are the registry's unless the type has its own; ``categories`` None allows all of them.
    ``aliases`` are older names of the type, ``front_matter`` a JSON Schema beside the registry's.
    """

    name: str
    directory: str
    category: str
    sections: tuple[tuple[str, ...], ...]
    root: str
    statuses: tuple[str, ...]
    categories: tuple[str, ...]
    filename: str = naming.STAMPED
    description: str = ""
    aliases: tuple[str, ...] = ()
    front_matter: Mapping[str, Any] = field(default_factory=dict)
    template: str | None = None

    @cached_property
    def folder(self) -> PurePosixPath:
        """The folder of the type, relative to the repository."""
        return PurePosixPath(self.root) / self.directory

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern of its file names, with the fields as groups."""
        return naming.pattern(self.filename, self.name)


@dataclass(frozen=True)
class Standard:
    """A rule book of the team: its file, tier 1 (law) to 4, what it builds on, and when it applies."""

    name: str
    file: str
    tier: int
    description: str = ""
    dependencies: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Registry:
    """What a repository's documents must be; ``path`` is the file it was read from, ``digest`` that of its content."""

    path: Path
    digest: str
    root: str
    index: str
    required: tuple[str, ...]
    categories: tuple[str, ...]
    statuses: tuple[str, ...]
    front_matter: Mapping[str, Any]
    types: Mapping[str, DocumentType]
    standards: Mapping[str, Standard]

    @cached_property
    def _folders(self) -> dict[str, str]:
        return {kind.folder.as_posix(): name for name, kind in self.types.items()}

    def type_of(self, path: str) -> str | None:
        """The type whose folder is that of ``path`` or the nearest one above it, or None."""
        folder = path.rpartition("/")[0]
        while folder and folder not in self._folders:
            folder = folder.rpartition("/")[0]
        return self._folders.get(folder or ".")

    def roots(self) -> set[PurePosixPath]:
        """The folders below which every Markdown file is a document."""
        return {PurePosixPath(kind.root) for kind in self.types.values()}


def load(repository: Path) -> Registry:
    """The repository's registry, or the shipped one when it has none; raises RegistryError naming what is wrong."""
    path = repository / LOCATION
    own = path.is_file()
    path = path if own else SHIPPED
    content, digest = read(path)
    if own and not _was_checked(repository, digest):
        from aqms import registry_schema

        problems = registry_schema.problems(content)
        if problems:
            raise RegistryError(f"{path}: {'; '.join(problems)}; `aqms registry validate` lists all that is wrong")
    made = build(content, path, digest)
    wrong = semantic_problems(made)
    if wrong:
        raise RegistryError(f"{path}: {'; '.join(wrong)}")
    if own:
        with suppress(OSError):
            (cache.folder(repository) / _CHECKED).write_text(digest, encoding="utf-8")
    return made


def _was_checked(repository: Path, digest: str) -> bool:
    with suppress(OSError, ValueError):
        return (repository / cache.FOLDER / _CHECKED).read_text(encoding="utf-8") == digest
    return False


def read(path: Path) -> tuple[Any, str]:
    """The content of a registry file and its digest; raises RegistryError when it is no YAML of our version."""
    try:
        data = path.read_bytes()
        content = safe_yaml.load(data.decode("utf-8"))
    except (OSError, *safe_yaml.ERRORS) as error:
        reason = " ".join(str(error).split())
        raise RegistryError(f"{path}: cannot be read ({reason}); mend it or remove it") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise RegistryError(f"{path}: schema_version {version} is not known here; update aqms")
    return content, hashlib.sha256(data).hexdigest()


def build(content: dict[str, Any], path: Path, digest: str) -> Registry:
    """The registry that a content of the right form describes."""
    root, statuses, categories = content["root"], tuple(content["statuses"]), tuple(content["categories"])
    types = {}
    for name, given in content["types"].items():
        sections = tuple((item,) if isinstance(item, str) else tuple(item) for item in given["sections"])
        types[name] = DocumentType(
            name,
            given["directory"],
            given["category"],
            sections,
            given.get("root", root),
            tuple(given.get("statuses", statuses)),
            tuple(given.get("categories", categories)),
            given.get("filename", naming.STAMPED),
            given.get("description", ""),
            tuple(given.get("aliases", ())),
            given.get("front_matter", {}),
            given.get("template"),
        )
    standards = {name: _standard(name, given) for name, given in content.get("standards", {}).items()}
    index = content.get("index", f"{root}/INDEX.md")
    front = content.get("front_matter", {})
    required = tuple(content["required"])
    return Registry(path, digest, root, index, required, categories, statuses, front, types, standards)


def _standard(name: str, given: dict[str, Any]) -> Standard:
    triggers = given.get("triggers", {})
    lists = (given.get("dependencies", ()), *(triggers.get(key, ()) for key in ("tasks", "keywords", "paths")))
    return Standard(name, given["file"], given["tier"], given.get("description", ""), *map(tuple, lists))


def semantic_problems(registry: Registry) -> list[str]:
    """What the schema of the registry cannot say: names that nothing has, folders that two types claim, cycles."""
    from aqms import standards

    found = []
    folders: dict[PurePosixPath, str] = {}
    for name, kind in registry.types.items():
        unknown = sorted({kind.category, *kind.categories} - set(registry.categories))
        if unknown:
            found.append(f"type {name} uses categories that are not listed: {', '.join(unknown)}; add them")
        if kind.category not in kind.categories:
            found.append(f"type {name}: its category {kind.category} is not among its categories; add it")
        if kind.folder in folders:
            found.append(f"types {folders[kind.folder]} and {name} have the same folder {kind.folder}; choose another")
        folders[kind.folder] = name
        try:
            _ = kind.pattern
        except naming.NamingError as error:
            found.append(f"type {name}: {error}")
    return found + standards.problems(registry.standards)
