"""What documents were found to hold, by their content: `.aqms_cache/` in the repository, safe to delete."""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from aqms.document import Document, Place, parse
from aqms.scan import Heading, Link

FORMAT = 2  # 1 knew no links of HTML
FOLDER = ".aqms_cache"


def folder(root: Path) -> Path:
    """The folder of the cache, made when it is missing, hidden from git; raises OSError."""
    place = root / FOLDER
    place.mkdir(exist_ok=True)
    if not (place / ".gitignore").exists():
        (place / ".gitignore").write_text("*\n", encoding="utf-8")
    return place


class Cache:
    """Documents by the digest of their content and of the registry; what was not asked for is forgotten when saved."""

    def __init__(self, root: Path, *, key: str, enabled: bool = True) -> None:
        self.root, self.key, self.enabled = root, key, enabled
        self.used: dict[str, Document] = {}
        self.known = self._load() if enabled else {}
        self.changed = False

    def _load(self) -> dict[str, Any]:
        try:
            data = json.loads((self.root / FOLDER / "documents.json").read_bytes())
        except (OSError, ValueError):
            return {}
        sound = isinstance(data, dict) and (data.get("format"), data.get("key")) == (FORMAT, self.key)
        entries = data.get("entries") if sound else None
        return entries if isinstance(entries, dict) else {}

    def document(self, text: str, name: str) -> Document:
        """The document with this text, parsed unless its content is known."""
        digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        document = _restored(self.known.get(digest), text, name) if self.known else None
        if document is None:
            document = parse(text, name)
            self.changed = True
        if self.enabled:
            self.used[digest] = document
        return document

    def save(self) -> None:
        """Write what was used when something is new; a folder that cannot be written is left alone."""
        if not self.enabled or not (self.changed or len(self.known) > 2 * len(self.used)):
            return
        entries = {digest: _stored(document) for digest, document in self.used.items()}
        with suppress(OSError):
            place = folder(self.root)
            text = json.dumps({"format": FORMAT, "key": self.key, "entries": entries}, separators=(",", ":"))
            temporary = place / f"documents.{os.getpid()}.tmp"
            temporary.write_text(text, encoding="utf-8")
            os.replace(temporary, place / "documents.json")  # not flushed to disk: a lost cache costs a second


def _stored(document: Document) -> list[Any]:
    return [
        document.fields,
        [[key, place.line, place.column] for key, place in document.places.items()],
        document.problem and [document.problem[0].line, document.problem[0].column, document.problem[1]],
        document.body_line,
        [[h.line, h.level, h.text] for h in document.headings],
        [[n.line, n.column, n.target, n.begin, n.end, n.words] for n in document.links],
        [[place.line, place.column, *rest] for place, *rest in document.garbled],
        document.schema,
    ]


def _restored(stored: Any, text: str, name: str) -> Document | None:
    """The document of a cache entry; None when there is none, or one that nothing of ours wrote."""
    try:
        fields, places, problem, body_line, headings, links, garbled, schema = stored
        return Document(
            name,
            text,
            dict(fields),
            {key: Place(line, column) for key, line, column in places},
            (Place(problem[0], problem[1]), problem[2]) if problem else None,
            int(body_line),
            [Heading(*item) for item in headings],
            [Link(*item) for item in links],
            [(Place(line, column), found, meant, misread) for line, column, found, meant, misread in garbled],
            None if schema is None else [(key, message) for key, message in schema],
        )
    except (TypeError, ValueError, IndexError):
        return None
