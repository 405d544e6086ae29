"""Text crops in LMDB: `num-samples`, `image-%09d` (encoded image), `label-%09d` (UTF-8), counted from 1.

`meta-%09d` (JSON: source, line, width, height, case_free) is ours; databases without it are read all the same.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from weakref import WeakValueDictionary

import cv2
import lmdb
import numpy as np
import numpy.typing as npt

from ocr.errors import AnnotationError, InputError, OcrError
from ocr.images.load import load_image

COUNT = b"num-samples"
SPEC = b"writer-spec"
MAP_SIZE = 1 << 36  # address space, not disk: the file grows with what is written


@dataclass(frozen=True)
class Entry:
    """One crop as stored: the encoded image, its text and what is known about it."""

    name: str
    encoded: bytes
    text: str
    meta: dict[str, Any]


class LmdbCrops:
    """A sequence of (RGB image (H,W,3), text, meta), safe to hand to worker processes.

    Raises AnnotationError when the folder is no such database.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._env: Any = None
        self._pid = 0
        count = self._get(COUNT)
        if count is None or not count.isdigit():
            raise AnnotationError(self.path, "has no num-samples", "write it with `ocr data crops`")
        self._count = int(count)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.uint8], str, dict[str, Any]]:
        entry = self.entry(index)
        return load_image(entry.encoded, name=f"{self.path}/{entry.name}"), entry.text, entry.meta

    def entry(self, index: int) -> Entry:
        """Return crop `index`, counted from 0, not decoded; raises AnnotationError when it is not complete."""
        if not 0 <= index < self._count:
            raise IndexError(index)
        number = index + 1
        name = f"image-{number:09d}"
        encoded, label = self._get(name.encode()), self._get(f"label-{number:09d}".encode())
        if encoded is None or label is None:
            raise AnnotationError(f"{self.path}/{name}", "image or label is missing", "write the database again")
        meta = self._get(f"meta-{number:09d}".encode())
        return Entry(name, encoded, label.decode("utf-8", errors="replace"), json.loads(meta) if meta else {})

    def label(self, index: int) -> tuple[str, dict[str, Any]]:
        """Return (text, meta) of crop `index` without touching its image."""
        label, meta = (self._get(f"{kind}-{index + 1:09d}".encode()) for kind in ("label", "meta"))
        return (label or b"").decode("utf-8", errors="replace"), json.loads(meta) if meta else {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_env": None, "_pid": 0}

    def _get(self, key: bytes) -> bytes | None:
        if self._pid != os.getpid():  # an environment must not cross a fork: each process opens its own
            self._env, self._pid = _environment(self.path), os.getpid()
        with self._env.begin() as transaction:
            value: bytes | None = transaction.get(key)
        return value


_open_environments: WeakValueDictionary[Path, Any] = WeakValueDictionary()


def _environment(path: Path) -> Any:
    """Return the environment of a folder, shared by all who read it in this process, as LMDB demands."""
    key = path.resolve()
    environment = _open_environments.get(key)
    if environment is None:
        try:
            environment = lmdb.open(str(path), readonly=True, create=False, lock=False, readahead=False)
        except lmdb.Error as error:
            raise AnnotationError(path, f"is not an LMDB folder ({error})", "check the path") from error
        _open_environments[key] = environment
    return environment


def _close_inherited() -> None:
    for environment in list(_open_environments.values()):
        environment.close()
    _open_environments.clear()


# A forked worker of a data loader opens anew; without this LMDB takes the parent's environment for an open one.
os.register_at_fork(after_in_child=_close_inherited)


class LmdbWriter:
    """Appends crops; what belongs to one source is written in one transaction, or not at all.

    `add` returns after the commit is on the disk. A source that is there already is known by `has`, so that an
    interrupted job goes on without duplicates. `spec` describes how the crops are made: going on with another one
    raises OcrError.
    """

    def __init__(self, path: Path, *, spec: dict[str, Any] | None = None, map_size: int = MAP_SIZE) -> None:
        self.path = Path(path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._env = lmdb.open(str(self.path), map_size=map_size)
        except (OSError, lmdb.Error) as error:
            raise InputError(path, f"cannot be written as LMDB ({error})", "choose another folder") from error
        wanted = json.dumps(spec or {}, sort_keys=True)
        with self._env.begin(write=True) as transaction:
            found = transaction.get(SPEC)
            if found is None and transaction.get(COUNT) is not None:
                found = b"written by another program"
            if found is not None and found.decode() != wanted:
                self._env.close()
                raise OcrError(
                    f"{path}: was written with {found.decode()}, not {wanted}; choose another folder or remove it"
                )
            transaction.put(SPEC, wanted.encode())
            transaction.put(COUNT, transaction.get(COUNT, b"0"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._env.close()

    def __len__(self) -> int:
        with self._env.begin() as transaction:
            return int(transaction.get(COUNT, b"0"))

    def has(self, source: str) -> bool:
        """Whether the crops of this source are all there."""
        with self._env.begin() as transaction:
            return transaction.get(_source_key(source)) is not None

    def add(self, source: str, crops: Iterable[tuple[bytes, str, dict[str, Any]]]) -> int:
        """Append the (encoded image, text, meta) of one source, once; return how many were added. Raises InputError."""
        try:
            return self._add(source, crops)
        except lmdb.Error as error:
            remedy = "make room and start again: what was committed is kept"
            raise InputError(self.path, f"cannot be written ({error})", remedy) from error

    def _add(self, source: str, crops: Iterable[tuple[bytes, str, dict[str, Any]]]) -> int:
        with self._env.begin(write=True) as transaction:
            if transaction.get(_source_key(source)) is not None:
                return 0
            before = number = int(transaction.get(COUNT, b"0"))
            for encoded, text, meta in crops:
                number += 1
                transaction.put(f"image-{number:09d}".encode(), encoded)
                transaction.put(f"label-{number:09d}".encode(), text.encode())
                transaction.put(f"meta-{number:09d}".encode(), json.dumps(meta, ensure_ascii=False).encode())
            transaction.put(_source_key(source), str(number - before).encode())
            transaction.put(COUNT, str(number).encode())
        return number - before


def encode_jpeg(image: npt.NDArray[np.uint8], quality: int = 95) -> bytes:
    """Return an RGB image (H,W,3) as JPEG."""
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done, "OpenCV encodes every uint8 image of three channels"
    return bytes(data)


def _source_key(source: str) -> bytes:
    # Hashed, since a path can be longer than the 511 bytes of an LMDB key.
    return b"source-" + hashlib.sha256(source.encode()).hexdigest().encode()
