"""Which data a run saw: one hash over the names and sizes of its files."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def manifest_hash(config: Any) -> str:
    """SHA-256 over every existing file and folder that a data config names: relative paths and sizes, sorted.

    Contents are not read: hashing gigabytes at each start would cost more than it tells.
    """
    digest = hashlib.sha256()
    for name in sorted(set(_strings(config))):
        path = Path(name)
        if not name or not path.exists():
            continue
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            relative = file.relative_to(path) if file != path else Path(file.name)
            digest.update(f"{relative.as_posix()}\0{file.stat().st_size}\n".encode())
    return digest.hexdigest()


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for child in node.values():
            yield from _strings(child)
    elif isinstance(node, list):
        for child in node:
            yield from _strings(child)
