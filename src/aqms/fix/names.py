"""The file name and folder that a document should have."""

import re
from datetime import datetime
from pathlib import Path, PurePosixPath

from aqms import create, naming
from aqms.document import Document
from aqms.fix.exempt import Exempt
from aqms.fix.guess import words
from aqms.registry import DocumentType, Registry
from aqms.rules import e001
from aqms.rules.e007 import day_of, moment_of

_STAMP = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[_T-](\d{2})[:-]?(\d{2})(?=[_.-]|$))?[_-]?")


def target(
    root: Path, registry: Registry, document: Document, kind: DocumentType, taken: set[str], exempt: Exempt
) -> str | None:
    """The path that a document should have, its own when that will do; None when the right one is taken."""
    path = PurePosixPath(document.path)
    folder_type = registry.type_of(document.path)
    if not folder_type and exempt.has("E004"):
        return document.path
    folder = path.parent if folder_type else kind.folder
    kind = registry.types[folder_type] if folder_type else kind
    wrong = e001.judge(kind, path.name)
    name = _name(root, folder, document, kind, taken) if wrong and not exempt.has(wrong[0]) else path.name
    if name is None:
        return document.path
    wanted = (folder / name).as_posix()
    free = wanted == document.path or (wanted not in taken and not (root / wanted).exists())
    return wanted if free else None


def _name(root: Path, folder: PurePosixPath, document: Document, kind: DocumentType, taken: set[str]) -> str | None:
    """The file name in a folder that the type asks for; None when the document has no date to make it of."""
    stem = PurePosixPath(document.path).name.removesuffix(".md")
    stamp = _STAMP.match(stem)
    moment = moment_of(document.fields.get("date"))
    if stamp and day_of(stamp[1]):
        moment = datetime.fromisoformat(f"{stamp[1]}T{stamp[2] or '00'}:{stamp[3] or '00'}")
        stem = stem[stamp.end() :]
    if moment is None:
        return None
    slug = naming.slug(stem)
    for word in map(naming.slug, words(kind)):
        slug = slug.removeprefix(f"{word}-").removesuffix(f"-{word}")
    slug = slug or naming.slug(str(document.fields.get("title", ""))) or kind.name.replace("_", "-")
    parts = (path.rpartition("/") for path in taken)  # Not looked at for types without numbers.
    given = (name for place, _, name in parts if place == folder.as_posix())
    return create.file_name(kind, slug, moment, create.next_number(kind, root / folder, given))
