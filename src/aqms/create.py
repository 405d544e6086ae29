"""New documents that validate from the first second."""

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import yaml

from aqms import cache, naming
from aqms.project import inside
from aqms.registry import DocumentType, Registry
from durable.lock import lock
from durable.replace import write_text

_NAME = re.compile(naming.NAME + r"\Z")


class CreateError(ValueError):
    """A document cannot be made as asked."""


def create(root: Path, registry: Registry, *, kind: str, name: str, title: str, now: datetime) -> Path:
    """Write a new document of a type, dated ``now`` with its zone; raises CreateError, and never overwrites."""
    if kind not in registry.types:
        raise CreateError(f"type {kind!r} is not in the registry; types are {', '.join(registry.types)}")
    if not _NAME.match(name):
        near = naming.slug(name) or "import-audit"
        raise CreateError(f"name {name!r} is not words joined by hyphens; write it like {near}")
    if not title.strip() or len(title.strip().splitlines()) > 1:
        raise CreateError("the title is empty or longer than a line; give one line")
    document_type = registry.types[kind]
    folder = root / document_type.folder
    if not inside(root, folder):
        raise CreateError(f"{document_type.folder} leads out of the repository; put a folder there instead of the link")
    with lock(cache.folder(root) / "create"):  # The number of a document, and its name, are given out once.
        path = folder / file_name(document_type, name, now, next_number(document_type, folder))
        if path.exists():
            raise CreateError(f"{path.relative_to(root)} is there already; choose another name")
        folder.mkdir(parents=True, exist_ok=True)
        write_text(path, text(document_type, title.strip(), now))
    return path


def file_name(kind: DocumentType, name: str, date: datetime, number: int) -> str:
    """The file name of a document of a type."""
    return naming.file_name(kind.filename, kind.name, name, date, number)


def next_number(kind: DocumentType, folder: Path, given: Iterable[str] = ()) -> int:
    """The number of the next document in a folder, whose names in ``given`` count too; 1 for a type without numbers."""
    if "{number" not in kind.filename:
        return 1
    names = (*(path.name for path in folder.glob("*.md")), *given)
    numbers = [int(match["number"]) for name in names if (match := kind.pattern.match(name))]
    return max(numbers, default=0) + 1


def text(kind: DocumentType, title: str, now: datetime) -> str:
    """The text of a new document: front matter, and the template of the type or its sections."""
    fields = {
        "title": title,
        "date": now.isoformat(timespec="minutes"),
        "type": kind.name,
        "category": kind.category,
        "status": "draft" if "draft" in kind.statuses else kind.statuses[0],
        "version": "1.0",
    }
    front = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=1000)
    body = kind.template
    if body is None:
        body = "\n".join(f"## {names[0]}\n\nTo be written.\n" for names in kind.sections)
    body = body.replace("{title}", title).replace("{date}", now.date().isoformat()).strip("\n")
    heading = "" if body.startswith("# ") else f"# {title}\n\n"
    return f"---\n{front}---\n\n{heading}{body}\n"
