"""The one truth about documents: types, places, names, front matter, sections."""

import re
from datetime import datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

LOCATION = "AgentQMS/standards/registry.yaml"
SHIPPED = Path(__file__).with_name("registry.yaml")
STAMPED = "{date:%Y-%m-%d_%H%M}_{type}_{name}.md"
_FIELD = re.compile(r"\{(\w+)(?::([^}]*))?\}")
_STAMP_PARTS = {"%Y": r"\d{4}", "%m": r"\d{2}", "%d": r"\d{2}", "%H": r"\d{2}", "%M": r"\d{2}"}


class RegistryError(ValueError):
    """The registry cannot be read, or is not of its form."""


class DocumentType(BaseModel):
    """One kind of document; ``root`` None stands for the registry's, and sections are second-level headings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    directory: str
    category: str
    sections: tuple[str, ...]
    filename: str = STAMPED
    root: str | None = None
    statuses: tuple[str, ...] | None = None


class Registry(BaseModel):
    """What a repository's documents must be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int
    root: str
    required: tuple[str, ...]
    categories: tuple[str, ...]
    statuses: tuple[str, ...]
    types: dict[str, DocumentType]

    def folder(self, name: str) -> PurePosixPath:
        """The folder of a type, relative to the repository."""
        kind = self.types[name]
        return PurePosixPath(kind.root or self.root) / kind.directory

    def type_of_folder(self, path: PurePosixPath) -> str | None:
        """The type whose folder holds ``path``, or None."""
        return next((name for name in self.types if self.folder(name) in path.parents), None)

    def statuses_of(self, name: str) -> tuple[str, ...]:
        """The statuses a document of this type may have."""
        return self.types[name].statuses or self.statuses

    @cached_property
    def name_patterns(self) -> dict[str, re.Pattern[str]]:
        """For each type a pattern of the whole file name, with its fields as groups."""
        return {name: re.compile(_pattern(kind.filename, name)) for name, kind in self.types.items()}

    def file_name(self, kind: str, name: str, date: datetime, number: int) -> str:
        """The file name of a new document."""
        return self.types[kind].filename.format(type=kind, name=name, date=date, number=number)


def _pattern(template: str, kind: str) -> str:
    """The regular expression of the file names that ``template`` makes."""
    parts, end = [], 0
    for field in _FIELD.finditer(template):
        parts.append(re.escape(template[end : field.start()]))
        name, form = field[1], field[2] or ""
        if name == "date":
            inner = re.sub(r"%\w", lambda m: _STAMP_PARTS[m[0]], form)
        else:
            digits = int(form.rstrip("d") or 1) if name == "number" else 1
            inner = {"type": re.escape(kind), "number": rf"\d{{{digits},}}"}.get(name, r"[\w가-힣]+(?:-[\w가-힣]+)*")
        parts.append(f"(?P<{name}>{inner})")
        end = field.end()
    return "".join(parts) + re.escape(template[end:]) + r"\Z"


def load(repository: Path) -> Registry:
    """The repository's registry, or the shipped one when it has none; raises RegistryError naming what is wrong."""
    path = repository / LOCATION
    path = path if path.is_file() else SHIPPED
    try:
        content: Any = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
        registry = Registry.model_validate(content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RegistryError(f"{path}: cannot be read ({' '.join(str(error).split())}); mend it or remove it") from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise RegistryError(f"{path}: {problems}; `aqms types` shows a registry that is right") from error
    if registry.schema_version != 1:
        raise RegistryError(f"{path}: schema_version {registry.schema_version} is not known here; update aqms")
    wrong = sorted({kind.category for kind in registry.types.values()} - set(registry.categories))
    if wrong:
        raise RegistryError(f"{path}: types use categories that are not listed: {', '.join(wrong)}; add them")
    return registry
