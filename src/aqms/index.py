"""The index page: every document by type, newest first, with title, status and date."""

import re
from pathlib import Path

from aqms.document import Document
from aqms.links import relative
from aqms.project import Project, inside
from durable.replace import write_text

MARK = "<!-- written by `aqms index`; edit the documents instead -->"


class PageError(ValueError):
    """The index page cannot be written where the registry wants it."""


def text(project: Project) -> str:
    """The page, with links from its own place."""
    registry = project.registry
    by_type: dict[str, list[Document]] = {name: [] for name in registry.types}
    for document in project.documents:
        kind = project.type_of_folder(document)
        if kind:
            by_type[kind].append(document)
    blocks = [f"{MARK}\n\n# Documents\n"]
    for name, documents in by_type.items():
        if documents:
            rows = sorted(documents, key=lambda d: (str(d.fields.get("date", "")), d.path), reverse=True)
            lines = "".join(_row(registry.index, document) for document in rows)
            blocks.append(f"\n## {name}\n\n| document | status | date |\n|---|---|---|\n{lines}")
    return "".join(blocks)


def _row(index: str, document: Document) -> str:
    title = str(document.fields.get("title") or document.path.rpartition("/")[2])
    shown = [re.sub(r"([|\[\]\\])", r"\\\1", " ".join(words.split())) for words in (title, *_facts(document))]
    return f"| [{shown[0]}]({relative(index, document.path, '')}) | {shown[1]} | {shown[2]} |\n"


def _facts(document: Document) -> tuple[str, str]:
    return str(document.fields.get("status", "")), str(document.fields.get("date", ""))


def is_current(project: Project) -> bool:
    """Whether the page on disk is the one that would be written."""
    path = project.root / project.registry.index
    try:
        return path.read_bytes() == text(project).encode()
    except OSError:
        return False


def write(project: Project) -> Path:
    """Write the page; raises PageError rather than overwrite a page that somebody wrote."""
    path = project.root / project.registry.index
    if not inside(project.root, path):
        raise PageError(f"{project.registry.index} leads out of the repository; put a file there instead of the link")
    if path.exists() and MARK.encode() not in path.read_bytes():
        raise PageError(f"{project.registry.index} was not written by aqms; move it, or set index: in the registry")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text(project))
    return path
