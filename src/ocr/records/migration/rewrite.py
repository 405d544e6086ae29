"""Paths and targets of the old layouts inside text files, put in today's terms."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import yaml

from ocr.records.legacy_targets import rename_all

TEXTS = {".yaml", ".yml", ".json", ".jsonl", ".log", ".txt", ".csv", ".md", ".out", ".err", ".toml"}
_STRUCTURED = {".yaml", ".yml", ".json"}
# A larger log is carried over as it is; one of structure that is larger is taken as text.
MAX_TEXT = 64 << 20
_MAX_STRUCTURED = 2 << 20


class Rewritten(NamedTuple):
    """New content of a text file, and how many paths and targets in it changed."""

    content: bytes
    paths: int
    targets: int


class References:
    """Where old runs and files went, and every way in which a text may have named them.

    `moved` maps paths relative to the old root to paths relative to the new one. A text names the old root by its
    absolute path, by its name, or as ``outputs``, which is what it was called when the text was written; what it named
    absolutely becomes absolute, anything else begins with `new` as it was given.
    """

    def __init__(self, old: Path, new: Path, moved: Mapping[str, str]) -> None:
        self._new = new
        self._moved = moved
        self._by_first: dict[str, list[str]] = defaultdict(list)
        for path in sorted(moved, key=len, reverse=True):
            self._by_first[PurePosixPath(path).parts[0]].append(path)
        absolute = re.escape(str(old.absolute()))
        names = "|".join(sorted({re.escape(old.name), "outputs"}, key=len, reverse=True))
        lead = r"(?:/(?:[^\s\"'=:,;()\[\]{}<>/]+/)*|(?:\.{1,2}/)+)?"
        # The beginning of a path is not the middle of another.
        self._root = re.compile(rf"(?<![\w./-])(?:{absolute}|{lead}(?:{names}))/")

    def replace(self, text: str) -> tuple[str, int]:
        """`text` with the new place of everything it names, and how many it named."""
        parts: list[str] = []
        end = 0
        for match in self._root.finditer(text):
            found = self._named_at(text, match.end()) if match.start() >= end else None
            if found is None:
                continue
            new = self._new.absolute() if match[0].startswith("/") else self._new
            parts += [text[end : match.start()], f"{new.as_posix()}/{self._moved[found]}"]
            end = match.end() + len(found)
        return "".join([*parts, text[end:]]), len(parts) // 2

    def _named_at(self, text: str, start: int) -> str | None:
        """The longest old path that `text` names from `start` on."""
        first = text[start : end if (end := text.find("/", start)) >= 0 else None]
        # Without a slash after it a name ends where the text goes on with something else: only the names tell where.
        groups = [self._by_first[first]] if first in self._by_first else self._by_first.values()
        named = (path for group in groups for path in group if text.startswith(path, start))
        return max(
            (path for path in named if _ends(text, start + len(path), number=path.isdigit())), key=len, default=None
        )

    def rewrite(self, name: str, content: bytes) -> Rewritten | None:
        """What a text file called `name` should hold now; None when nothing in it is old."""
        suffix = PurePosixPath(name).suffix.lower()
        if suffix not in TEXTS or len(content) > MAX_TEXT:
            return None
        if suffix in _STRUCTURED and len(content) <= _MAX_STRUCTURED:
            try:
                return self._structured(suffix, content)
            except (ValueError, TypeError, RecursionError, yaml.YAMLError):
                pass  # not what its name says: a text like any other
        # Bytes that are no UTF-8 come out as they went in.
        text, count = self.replace(content.decode("utf-8", "surrogateescape"))
        return Rewritten(text.encode("utf-8", "surrogateescape"), count, 0) if count else None

    def _structured(self, suffix: str, content: bytes) -> Rewritten | None:
        text = content.decode("utf-8")
        data = json.loads(text) if suffix == ".json" else yaml.load(text, Loader=yaml.CSafeLoader)
        data, targets = rename_all(data)
        data, paths = self._walk(data)
        if not paths and not targets:
            return None
        if suffix == ".json":
            new = json.dumps(data, ensure_ascii=False, indent=2) + "\n"
        else:
            new = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
        return Rewritten(new.encode(), paths, targets)

    def _walk(self, node: Any) -> tuple[Any, int]:
        if isinstance(node, str):
            return self.replace(node)
        if isinstance(node, dict):
            walked = {key: self._walk(child) for key, child in node.items()}
            return {key: child for key, (child, _) in walked.items()}, sum(count for _, count in walked.values())
        if isinstance(node, list):
            items = [self._walk(child) for child in node]
            return [child for child, _ in items], sum(count for _, count in items)
        return node, 0


def _ends(text: str, end: int, *, number: bool) -> bool:
    """Whether a path may end at `end`; a bare number only before a slash, a quote or the end of the text."""
    if end == len(text):
        return True
    return text[end] in "/\"'\n" if number else re.match(r"[\w.-]", text[end]) is None or text[end] == "/"
