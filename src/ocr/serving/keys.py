"""API keys: 256 random bits each, kept as SHA-256 in a JSON file that only its owner can read."""

import hashlib
import hmac
import json
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from durable.lock import lock
from durable.replace import write_text
from ocr.errors import ServiceError

_PREFIX = "ocr_"


class ApiKey(BaseModel):
    """One key: a name to revoke it by, and the hash of what its holder sends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[0-9a-f]{8}$")
    label: str = Field(max_length=100)
    created: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = 1
    keys: list[ApiKey] = Field(default_factory=list)


def read_keys(path: Path) -> list[ApiKey]:
    """Return the keys of a file; ServiceError when it is not there or not one of ours."""
    try:
        return _File.model_validate_json(path.read_bytes()).keys
    except OSError as error:
        raise ServiceError(
            f"{path}: cannot be read ({error.strerror}); make it with `ocr serve keys add --keys {path} LABEL`"
        ) from error
    except ValidationError as error:
        raise ServiceError(f"{path}: is not a file of API keys ({error.errors()[0]['msg']})") from error


def add_key(path: Path, label: str) -> tuple[str, ApiKey]:
    """Make a key, add it to the file, which is made when absent, and return its text, kept nowhere, and its entry."""
    if not label.strip() or len(label) > 100 or not label.isprintable():
        raise ServiceError("a key's label is 1 to 100 printable characters: say whom it is for")
    text = _PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        id=secrets.token_hex(4),
        label=label,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        sha256=_hash(text),
    )
    with _edited(path) as keys:
        keys.append(key)
    return text, key


def revoke_key(path: Path, key_id: str) -> ApiKey:
    """Remove a key; a running service refuses it from its next request on. ServiceError when there is none."""
    with _edited(path) as keys:
        for key in keys:
            if key.id == key_id:
                keys.remove(key)
                return key
        raise ServiceError(f"{path}: has no key {key_id!r}; `ocr serve keys list --keys {path}` shows them")


class KeyRing:
    """The keys of a file, read again when it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state: tuple[int, int, int] | None = None
        self._keys: list[ApiKey] = []
        self._load()

    def check(self, text: str) -> ApiKey | None:
        """The key that this text is, in a time that does not tell how much of it was right."""
        self._load()
        digest = _hash(text)
        found = None
        for key in self._keys:
            if hmac.compare_digest(digest, key.sha256):
                found = key
        return found

    def _load(self) -> None:
        try:
            status = self._path.stat()
            state = (status.st_mtime_ns, status.st_size, status.st_ino)
        except OSError:
            state = None
        if state is None or state != self._state:
            self._keys = read_keys(self._path)
            self._state = state


class _edited:
    """The keys of a file, written back at the end of the block, one process at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = lock(path)

    def __enter__(self) -> list[ApiKey]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.__enter__()
        except OSError as error:
            raise ServiceError(f"{self._path}: cannot be written ({error.strerror})") from error
        self._keys = read_keys(self._path) if self._path.exists() else []
        return self._keys

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> Literal[False]:
        if kind is None:
            if not self._path.exists():  # made private before anything is in it
                os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))
            entries = _File(keys=self._keys).model_dump()
            write_text(self._path, json.dumps(entries, indent=2, ensure_ascii=False) + "\n")
        self._lock.__exit__(None, None, None)
        return False


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
