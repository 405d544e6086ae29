"""One execution as it is on disk: a claimed folder, `run.json`, and a heartbeat that outlives nothing.

    python -m ocr.records.run > docs/schemas/run.schema.json

The files are the truth. `run.json` is replaced whole under a lock, so a reader never sees half of it and a note written
by another process is not lost.
"""

import os
import secrets
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from durable.lock import lock
from durable.replace import write_text
from ocr.errors import OcrError, RecordError
from ocr.records import host, provenance
from ocr.records.layout import HEARTBEAT, RECORD
from ocr.records.liveness import HEARTBEAT_SECONDS
from ocr.schema import Mismatch, from_json, schema_text

Status = Literal["created", "running", "completed", "failed", "interrupted"]


class RunRecord(BaseModel):
    """What `run.json` holds; times are ISO 8601 with zone, paths are relative to the run folder."""

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = 1
    id: str
    name: str
    task: str | None = None
    status: Status = "created"
    host: str
    boot_id: str
    pid: int
    process_start: str | None
    started: datetime
    updated: datetime
    ended: datetime | None = None
    command: list[str] = Field(default_factory=list)
    working_dir: str | None = None
    overrides: list[str] = Field(default_factory=list)
    config: str | None = None
    config_hash: str | None = None
    data_manifest_hash: str | None = None
    git_revision: str | None = None
    git_dirty: bool | None = None
    packages: dict[str, str] = Field(default_factory=dict)
    seed: int | None = None
    resumed_from: str | None = None
    tags: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    archived: bool = False
    metrics: dict[str, float] = Field(default_factory=dict)
    epoch: int | None = None
    step: int | None = None
    checkpoints: list[str] = Field(default_factory=list)
    error: str | None = None


def new_run_id(now: datetime | None = None) -> str:
    """A name no other run has: when it began and six random hex digits, as in ``20260131-140509-3fa2c1``."""
    return f"{now or datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def claim_folder(root: Path, now: datetime | None = None) -> Path:
    """Create and return ``root/YYYY-MM-DD/HH-MM-SS``, with ``-1``, ``-2``... when others began in the same second.

    Raises RecordError when the folder cannot be made.
    """
    moment = now or datetime.now()
    day = root / f"{moment:%Y-%m-%d}"
    try:
        day.mkdir(parents=True, exist_ok=True)
        for n in range(100_000):
            folder = day / (f"{moment:%H-%M-%S}" + (f"-{n}" if n else ""))
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        raise RecordError(f"{day}: cannot make a run folder: {error.strerror}; choose another paths.root") from error
    raise RecordError(f"{day}: no free name for a run folder; choose another paths.root")


def read_record(folder: Path) -> RunRecord:
    """Read `run.json` of a run folder; RecordError names the file and what is wrong with it."""
    path = folder / RECORD
    try:
        return from_json(RunRecord, path.read_bytes())
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror}") from error
    except Mismatch as error:
        raise RecordError(f"{path}: not a run record: {error}") from error


def write_record(folder: Path, record: RunRecord) -> None:
    """Replace `run.json` atomically; RecordError, when the disk is full for one, leaves it as it was."""
    try:
        write_text(folder / RECORD, record.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise RecordError(f"{folder / RECORD}: cannot be written: {error.strerror}; make room for it") from error


def edit_record(folder: Path, change: Callable[[RunRecord], None]) -> RunRecord:
    """Apply `change` to the record on disk while nobody else writes it; return the new record."""
    with lock(folder / RECORD):
        record = read_record(folder)
        change(record)
        record.updated = datetime.now(UTC)
        write_record(folder, record)
    return record


class Run:
    """A run of this process: its folder and record, kept up to date while it lasts."""

    def __init__(self, folder: Path, record: RunRecord) -> None:
        self.folder = folder
        self.id = record.id
        self.git_revision = record.git_revision
        # Called after each change of the record, to tell a shared index of it.
        self.on_change: Callable[[], None] | None = None

    @classmethod
    def start(cls, folder: Path, *, run_id: str, name: str, resuming: bool = False, **facts: Any) -> "Run":
        """Write the first record into `folder`; RecordError when a run is already recorded there and none is resumed.

        `facts` are further fields of RunRecord.
        """
        path = folder / RECORD
        earlier = read_record(folder) if path.exists() else None
        if earlier is not None and not resuming:
            raise RecordError(f"{folder}: holds run {earlier.id} already; choose another folder or add resume={folder}")
        now = datetime.now(UTC)
        pid = os.getpid()
        revision, dirty = provenance.git_state(Path(__file__).parent)
        record = RunRecord(
            id=run_id,
            name=name,
            status="running",
            host=host.host_name(),
            boot_id=host.boot_id(),
            pid=pid,
            process_start=host.process_start(pid),
            started=now,
            updated=now,
            command=sys.orig_argv,
            working_dir=str(Path.cwd()),
            git_revision=revision,
            git_dirty=dirty,
            packages=provenance.package_versions(),
            **facts,
        )
        if earlier is not None:  # what people wrote about the run stays
            record.tags, record.notes, record.checkpoints = earlier.tags, earlier.notes, earlier.checkpoints
        with lock(path):
            write_record(folder, record)
        return cls(folder, record)

    def update(self, **fields: Any) -> None:
        """Set fields of the record on disk."""

        def change(record: RunRecord) -> None:
            for name, value in fields.items():
                setattr(record, name, value)

        edit_record(self.folder, change)
        self.tell()

    def tell(self) -> None:
        """Call `on_change`; an index that cannot be reached is said and does not end the run."""
        if self.on_change is None:
            return
        try:
            self.on_change()
        except OcrError as error:
            print(f"the run goes on, but other hosts cannot see it: {error}", file=sys.stderr)

    def end(self, status: Status, error: str | None = None) -> None:
        """Record how the run ended; without room for that, say so, and let what ended the run come through."""
        try:
            self.update(status=status, error=error, ended=datetime.now(UTC))
        except RecordError as unwritten:
            if status == "completed":
                raise
            print(unwritten, file=sys.stderr)

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Touch the heartbeat from a thread for as long as the block runs."""
        stop = threading.Event()
        beat = self.folder / HEARTBEAT

        def keep_beating() -> None:
            while True:
                try:
                    beat.touch()
                except OSError as error:  # a full disk must not end the training
                    print(f"{beat}: cannot be touched: {error.strerror}", file=sys.stderr)
                if stop.wait(HEARTBEAT_SECONDS):
                    return

        thread = threading.Thread(target=keep_beating, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


if __name__ == "__main__":
    print(schema_text(RunRecord), end="")
