"""An append-only list of entries in a file: each entry that `append` returned for is there after kill -9."""

import json
import os
import zlib
from pathlib import Path
from typing import Any

from durable.lock import lock
from durable.replace import sync

BLOCK = 4096


class JournalError(ValueError):
    """An entry before the last is damaged: the file was changed by something other than a crash of `append`."""


class Journal:
    """JSON lines, each `{"crc32": "<8 hex digits>", "entry": {...}}` with the checksum of the entry's own JSON.

    A crash in the middle of an append can damage the last line only. `read` passes over such a torn tail and the next
    `append` cuts it off.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def append(self, entry: dict[str, Any]) -> None:
        """Add one entry and return when it is on the disk; on OSError (disk full) the file is as it was before."""
        line = _encode(entry)
        with lock(self.path):
            created = not self.path.exists()
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                end = _sound_end(descriptor)
                os.ftruncate(descriptor, end)
                try:
                    _write_all(descriptor, line, end)
                    os.fsync(descriptor)
                except OSError:
                    os.ftruncate(descriptor, end)
                    raise
            finally:
                os.close(descriptor)
            if created:
                sync(self.path.parent)

    def read(self) -> list[dict[str, Any]]:
        """All entries, oldest first; none when there is no file. JournalError when one before the last is damaged."""
        try:
            *lines, _torn = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        entries: list[dict[str, Any]] = []
        for number, line in enumerate(lines, start=1):
            entry = _decode(line)
            if entry is not None:
                entries.append(entry)
            elif number < len(lines):
                raise JournalError(f"{self.path}:{number}: this journal entry is damaged; restore the file from a copy")
        return entries


def _encode(entry: dict[str, Any]) -> bytes:
    body = json.dumps(entry, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f'{{"crc32":"{zlib.crc32(body.encode()):08x}","entry":{body}}}\n'.encode()


def _decode(line: bytes) -> dict[str, Any] | None:
    """The entry of a line, or None when the line is not exactly what `_encode` wrote."""
    try:
        entry = json.loads(line)["entry"]
        sound = _encode(entry) == line + b"\n"
    except (ValueError, KeyError, TypeError):
        return None
    return entry if sound else None


def _sound_end(descriptor: int) -> int:
    """Offset just after the last sound line: the end of the file, or where its torn tail begins."""
    end = os.fstat(descriptor).st_size
    start, tail = end, b""
    while start > 0 and b"\n" not in tail[:-1]:
        start = max(0, start - BLOCK)
        tail = os.pread(descriptor, end - start, start)
    if not tail:
        return 0
    previous = tail[:-1].rfind(b"\n") + 1
    last = tail[previous:]
    return end if last.endswith(b"\n") and _decode(last[:-1]) is not None else start + previous


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written
