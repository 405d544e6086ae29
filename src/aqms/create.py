"""New documents that validate from the first second."""

import re
from datetime import datetime
from pathlib import Path

import yaml

from aqms.registry import Registry
from durable.replace import write_text

_NAME = re.compile(r"[\w가-힣]+(?:-[\w가-힣]+)*\Z")


class CreateError(ValueError):
    """A document cannot be made as asked."""


def create(root: Path, registry: Registry, *, kind: str, name: str, title: str, now: datetime) -> Path:
    """Write a new document of a type, dated ``now`` with its zone; raises CreateError, and never overwrites."""
    if kind not in registry.types:
        raise CreateError(f"type {kind!r} is not in the registry; types are {', '.join(registry.types)}")
    if not _NAME.match(name):
        raise CreateError(f"name {name!r} is not words joined by hyphens; write it like import-audit")
    if not title.strip():
        raise CreateError("the title is empty; give one")
    folder = root / registry.folder(kind)
    path = folder / registry.file_name(kind, name, now, _next_number(folder))
    if path.exists():
        raise CreateError(f"{path.relative_to(root)} is there already; choose another name")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path, _text(registry, kind, title.strip(), now))
    return path


def _next_number(folder: Path) -> int:
    numbers = [int(match[0]) for path in folder.glob("*.md") if (match := re.match(r"\d+", path.name))]
    return max(numbers, default=0) + 1


def _text(registry: Registry, kind: str, title: str, now: datetime) -> str:
    document_type = registry.types[kind]
    fields = {
        "title": title,
        "date": now.isoformat(timespec="minutes"),
        "type": kind,
        "category": document_type.category,
        "status": "draft" if "draft" in registry.statuses_of(kind) else registry.statuses_of(kind)[0],
        "version": "1.0",
    }
    front = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=1000)
    sections = "".join(f"\n## {section}\n\nTo be written.\n" for section in document_type.sections)
    return f"---\n{front}---\n\n# {title}\n{sections}"
