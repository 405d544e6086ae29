"""What was read from files before, by content: `.preflight_cache/` in the audited repository, safe to delete.

Keys are digests of content (with the path's kind and the forbidden patterns), so a file that moved or came back is
known; nothing from the cache is executed, a damaged cache is an empty one.
"""

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

FORMAT = f"18-{sys.version_info[0]}.{sys.version_info[1]}"  # ast differs between Python versions
_FOLDER = ".preflight_cache"
_RECENT = 100  # entries of recent.json


def digest(data: bytes, kind: str) -> str:
    """Key of a file's content."""
    return hashlib.blake2b(data, digest_size=16, person=kind.encode()[:16]).hexdigest()


class Cache:
    """A mapping from digest to JSON data that remembers which keys were used, and forgets the others when saved.

    `summaries.json` holds nearly everything; what came after it was written is in the small `recent.json`, because
    writing all of it again costs more than an audit of one changed file.
    """

    def __init__(self, root: Path, *, enabled: bool = True) -> None:
        self.folder = root / _FOLDER
        self.enabled = enabled
        self.base: dict[str, Any] = self._load("summaries.json") if enabled else {}
        self.known: dict[str, Any] = {**self.base, **self._load("recent.json")} if self.base else {}
        self.used: dict[str, Any] = {}
        self.changed = False

    def _load(self, name: str) -> dict[str, Any]:
        try:
            data = json.loads((self.folder / name).read_bytes())
        except (OSError, ValueError):
            return {}
        entries = data.get("entries") if isinstance(data, dict) and data.get("format") == FORMAT else None
        return entries if isinstance(entries, dict) else {}

    def get(self, key: str) -> Any | None:
        """What is stored under a key, or None."""
        value = self.known.get(key)
        if value is not None:
            self.used[key] = value
        return value

    def put(self, key: str, value: Any) -> None:
        """Store JSON data under a key."""
        self.used[key] = value
        self.changed = True

    def save(self) -> None:
        """Write the used entries when something is new; a folder that cannot be written is left alone."""
        stale = len(self.known) > 2 * len(self.used)
        if not self.enabled or not (self.changed or stale):
            return
        recent = {key: value for key, value in self.used.items() if key not in self.base}
        if self.base and not stale and len(recent) <= _RECENT:
            self._write("recent.json", recent)
        else:
            self._write("summaries.json", self.used)

    def _write(self, name: str, entries: dict[str, Any]) -> None:
        try:
            self.folder.mkdir(exist_ok=True)
            if not (self.folder / ".gitignore").exists():
                (self.folder / ".gitignore").write_text("*\n", encoding="utf-8")
            temporary = self.folder / f"{name}.{os.getpid()}.tmp"
            text = json.dumps({"format": FORMAT, "entries": entries}, separators=(",", ":"))
            temporary.write_text(text, encoding="utf-8")
            os.replace(temporary, self.folder / name)  # not flushed to disk: a lost cache costs a second
        except OSError:
            return
