"""The output folder, here or behind a URL: files that appear whole or not at all."""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from durable.replace import replacing, write_bytes
from ocr.batch.inputs import as_os_errors
from ocr.errors import BatchError
from ocr.optional import safe_import

# How a string that is no UTF-8, such as the path of an old file, is written: as JSON escapes it, and reads it back.
AS_JSON = "backslashreplace"


class Folder:
    """A folder that workers on any machine write to."""

    def __init__(self, url: str) -> None:
        """Make the folder; raises BatchError when that cannot be."""
        self.url = url
        self.is_local = "://" not in url
        self._files: Any = None
        try:
            with as_os_errors(url):
                if self.is_local:
                    self._root = url
                    Path(url).mkdir(parents=True, exist_ok=True)
                else:
                    self._files, self._root = safe_import("fsspec").core.url_to_fs(url)
                    self._files.makedirs(self._root, exist_ok=True)
        except OSError as error:
            raise BatchError(f"{url}: cannot be made ({error.strerror or error}); give another --out") from error

    @contextmanager
    def _told(self, name: str, use: str) -> Iterator[None]:
        """Say in one line which file cannot be used (written, read), and what to do."""
        try:
            with as_os_errors(self.url):
                yield
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            remedy = "free some space" if full else "see to its place and permissions"
            reason = f"{self.url}/{name}: cannot be {use} ({error.strerror or error})"
            raise BatchError(f"{reason}; {remedy}, then run the same command again") from error

    def holds(self, url: str) -> bool:
        """Whether a file lies in the folder: results may lie below the inputs."""
        if self.is_local:
            return "://" not in url and Path(url).resolve().is_relative_to(Path(self.url).resolve())
        return url.startswith(self.url.rstrip("/") + "/")

    def path(self, name: str) -> str:
        """Path of a file in the folder."""
        return f"{self._root}/{name}"

    def note(self, name: str, data: bytes) -> None:
        """As `write`, for what need not outlive the machine: in a local folder without a wait for the disk."""
        if not self.is_local:
            self.write(name, data)
            return
        path = self.path(name)
        with self._told(name, "written"):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(f"{path}.{os.getpid()}")
            temporary.write_bytes(data)
            os.replace(temporary, path)

    def write(self, name: str, data: bytes) -> None:
        """Make ``data`` the whole content of a file: replaced here, one upload elsewhere. Raises BatchError."""
        path = self.path(name)
        with self._told(name, "written"):
            if self.is_local:
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                write_bytes(path, data)
            else:
                self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
                self._files.pipe_file(path, data)

    def write_lines(self, name: str, lines: Iterable[str]) -> None:
        """Make these lines of JSON the whole content of a file; one is in memory at a time. Raises BatchError."""
        path = self.path(name)
        with self._told(name, "written"):
            if self.is_local:
                with replacing(path) as temporary, temporary.open("w", encoding="utf-8", errors=AS_JSON) as stream:
                    stream.writelines(f"{line}\n" for line in lines)
            else:
                with self._files.open(path, "w", encoding="utf-8", errors=AS_JSON) as stream:
                    stream.writelines(f"{line}\n" for line in lines)

    def lines(self, name: str) -> Iterator[str]:
        """The lines of a file; one is in memory at a time."""
        with (
            Path(self.path(name)).open(encoding="utf-8")
            if self.is_local
            else self._files.open(self.path(name), "r") as stream
        ):
            yield from stream

    def read(self, name: str) -> bytes | None:
        """Content of a file; None when there is none. Raises BatchError."""
        path = self.path(name)
        with self._told(name, "read"), suppress(FileNotFoundError):
            return Path(path).read_bytes() if self.is_local else bytes(self._files.cat_file(path))
        return None

    def names(self, below: str) -> list[str]:
        """Names of the files in a folder of this one, sorted; hidden ones are those of writers at work."""
        path, found = self.path(below), list[str]()
        with self._told(below, "read"), suppress(FileNotFoundError):
            if self.is_local:
                found = [one.name for one in Path(path).iterdir()]
            else:
                found = [one.rpartition("/")[2] for one in self._files.ls(path, detail=False)]
        return sorted(name for name in found if not name.startswith("."))

    def remove(self, name: str) -> None:
        """Remove a file, if there is one."""
        if self.is_local:
            Path(self.path(name)).unlink(missing_ok=True)
        elif self._files.exists(self.path(name)):
            self._files.rm_file(self.path(name))
