"""What a user names (files, folders, patterns, tar shards, Parquet, by path or URL) as a stream of items."""

import errno
import glob
import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ocr.errors import BatchError, OcrError
from ocr.formats.sources import SUFFIXES
from ocr.images.load import shown_name
from ocr.optional import safe_import

_CONTAINERS = (".tar", ".parquet")
_COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
# Columns of a Parquet file that may hold the image: bytes, or a structure with a field `bytes`.
COLUMNS = ("image", "bytes", "content", "jpg", "png")


class Item(NamedTuple):
    """One file to read: whole, a range of bytes in a tar, or a row of a Parquet file (group, row in group).

    ``url`` opens it, ``name`` is what results call it: they differ where a path is no UTF-8.
    """

    kind: str
    url: str
    name: str
    start: int = 0
    size: int = 0


def list_items(inputs: Iterable[str], *, column: str | None = None) -> Iterator[Item]:
    """Yield the items that the arguments name, in a fixed order. Raises BatchError for what is not there or no input.

    A name with ``://`` is opened by fsspec, any other is a path of this machine.
    """
    for url in list_files(inputs):
        lower = url.lower()
        if lower.endswith(_COMPRESSED):
            raise BatchError(f"{url}: a compressed tar cannot be read from the middle; unpack it to .tar first")
        if lower.endswith(".tar"):
            yield from _tar(url)
        elif lower.endswith(".parquet"):
            yield from _parquet(url, column)
        else:
            yield Item("file", url, shown_name(url))


def list_files(inputs: Iterable[str]) -> Iterator[str]:
    """Yield the files that the arguments name, by path or URL, without opening any. Raises BatchError."""
    for given in inputs:
        yield from _remote(given) if "://" in given else _local(given)


@contextmanager
def as_os_errors(url: str) -> Iterator[None]:
    """Turn what the client of a remote store raises, whose classes are its own, into OSError."""
    try:
        yield
    except (OSError, OcrError, MemoryError):
        raise
    except Exception as error:
        if "://" not in url:
            raise
        raise OSError(errno.EIO, f"{type(error).__name__}: {error}") from error


def open_file(url: str) -> Any:
    """Open a path or URL for reading bytes; raises OSError."""
    return safe_import("fsspec").open(url, "rb").open() if "://" in url else Path(url).open("rb")


def image_column(file: Any, url: str, column: str | None) -> str:
    """Name of the column of a Parquet file that holds the images, as a path into structures."""
    names = [column] if column else [name for name in COLUMNS if name in file.schema_arrow.names]
    for name in names:
        if name in file.schema_arrow.names:
            kind = str(file.schema_arrow.field(name).type)
            if kind.startswith(("binary", "large_binary")):
                return str(name)
            if kind.startswith("struct") and "bytes: " in kind:
                return f"{name}.bytes"
    known = ", ".join(file.schema_arrow.names)
    raise BatchError(f"{url}: no column of images ({known}); name one that holds bytes with --column")


def _local(given: str) -> Iterator[str]:
    if os.path.isdir(given):
        found = sorted(str(path) for path in Path(given).rglob("*") if _is_input(path.name) and path.is_file())
        if not found:
            raise BatchError(f"{given}: there is nothing to read in this folder")
        yield from found
    elif os.path.exists(given):
        yield given
    elif glob.has_magic(given) and (found := sorted(filter(os.path.isfile, glob.glob(given, recursive=True)))):
        yield from found
    else:
        raise BatchError(f"{given}: no such file or folder, and no file matches it; check the path")


def _remote(given: str) -> Iterator[str]:
    fsspec = safe_import("fsspec")
    try:
        with as_os_errors(given):
            files, path = fsspec.core.url_to_fs(given)
            if glob.has_magic(given):
                found = sorted(item for item in files.glob(path) if files.isfile(item))
            elif files.isdir(path):
                found = sorted(item for item in files.find(path) if _is_input(item))
            else:
                found = [path] if files.exists(path) else []
    except OSError as error:  # no such protocol, no package for it, and no answer are among them
        raise BatchError(f"{given}: cannot be listed ({error.strerror or error}); check the URL") from error
    if not found:
        raise BatchError(f"{given}: nothing to read there; check the URL")
    yield from (files.unstrip_protocol(item) for item in found)


def _is_input(name: str) -> bool:
    lower = name.lower()
    return lower.endswith((*SUFFIXES, *_CONTAINERS, *_COMPRESSED))


def _tar(url: str) -> Iterator[Item]:
    try:
        with open_file(url) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            for member in archive:
                if member.isfile() and Path(member.name).suffix.lower() in SUFFIXES:
                    yield Item("range", url, shown_name(f"{url}#{member.name}"), member.offset_data, member.size)
    except (tarfile.TarError, OSError) as error:
        raise BatchError(f"{url}: is not a whole tar ({error}); copy it again") from error


def _parquet(url: str, column: str | None) -> Iterator[Item]:
    parquet = safe_import("pyarrow.parquet", extra="batch")
    try:
        with open_file(url) as stream:
            file = parquet.ParquetFile(stream)
            image_column(file, url, column)
            number = 0
            for group in range(file.num_row_groups):
                for row in range(file.metadata.row_group(group).num_rows):
                    yield Item("row", url, shown_name(f"{url}#{number}"), group, row)
                    number += 1
    except (OSError, safe_import("pyarrow").ArrowException) as error:
        raise BatchError(f"{url}: is not a whole Parquet file ({error}); copy it again") from error
