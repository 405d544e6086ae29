"""Read git's index without git: running git could run what a repository's own settings name."""

import struct
from pathlib import Path

_HEADER = struct.Struct(">4sII")
_STAT_BYTES = 60  # stat data, object id and flags follow each other in every entry (sha1 repositories)


def tracked_files(root: Path) -> set[str] | None:
    """Paths in the index of the repository whose top folder is `root`; None when there is none that can be read."""
    try:
        data = (root / ".git" / "index").read_bytes()
        return _entries(data)
    except (OSError, ValueError, struct.error, IndexError):
        return None


def _entries(data: bytes) -> set[str]:
    magic, version, count = _HEADER.unpack_from(data)
    if magic != b"DIRC" or version not in (2, 3, 4):
        raise ValueError("not a git index")
    paths: set[str] = set()
    position, previous = _HEADER.size, b""
    for _ in range(count):
        start = position
        (flags,) = struct.unpack_from(">H", data, position + _STAT_BYTES)
        position += _STAT_BYTES + (4 if flags & 0x4000 else 2)
        if version == 4:
            dropped, position = _varint(data, position)
            previous = previous[: len(previous) - dropped]
        else:
            previous = b""
        end = data.index(b"\0", position)
        previous += data[position:end]
        paths.add(previous.decode("utf-8", "surrogateescape"))
        position = end + 1 if version == 4 else start + (end - start) // 8 * 8 + 8
    return paths


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = data[position] & 0x7F
    while data[position] & 0x80:
        position += 1
        value = ((value + 1) << 7) | (data[position] & 0x7F)
    return value, position + 1
