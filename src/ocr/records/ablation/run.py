"""Run the jobs of an ablation, each as a process of its own in a run folder of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from durable.lock import LockTimeout, lock
from durable.replace import write_text
from ocr.errors import ConfigError, RecordError
from ocr.records.ablation.grid import GRID_FILE, Grid, Job
from ocr.records.layout import LAST
from ocr.records.liveness import true_status
from ocr.records.run import RunRecord, read_record
from ocr.records.stopping import terminate_as_exit

State = Literal["waiting", "running", "completed", "failed", "interrupted"]
TRAIN = (sys.executable, "-m", "ocr.cli.main", "train")
_LOOK_SECONDS = 0.2
_GRACE_SECONDS = 30.0


@dataclass(frozen=True)
class JobState:
    """A job, the folder of its newest run (None before the first), that run's record, and how it stands."""

    job: Job
    state: State
    folder: Path | None = None
    record: RunRecord | None = None
    reason: str | None = None


def job_state(home: Path, job: Job) -> JobState:
    """How a job of the ablation in folder ``home`` stands, by the record of its newest run."""
    folder = _newest(home / job.name)
    if folder is None:
        return JobState(job, "waiting")
    try:
        record = read_record(folder)
    except RecordError as error:
        return JobState(job, "failed", folder, None, _end_of_log(folder) or str(error))
    status = true_status(folder, record.model_dump())
    state: State = "running" if status in ("created", "running") else status  # type: ignore[assignment]
    return JobState(job, state, folder, record, record.error)


def claim(grid: Grid, home: Path) -> None:
    """Make the ablation's folder, or go on in it; ConfigError when it holds another ablation."""
    text = grid.model_dump_json(indent=1) + "\n"
    home.mkdir(parents=True, exist_ok=True)
    if not (home / GRID_FILE).exists():
        write_text(home / GRID_FILE, text)
    elif (home / GRID_FILE).read_text("utf-8") != text:
        raise ConfigError(f"{home}: holds another ablation of that name; change `name`, or name another --root")


def run_all(
    grid: Grid, home: Path, *, jobs: int, tell: Callable[[JobState], None], command: Sequence[str] = TRAIN
) -> list[JobState]:
    """Run what is not completed, ``jobs`` at a time, and return how each job ended; a failed one stops no other.

    What was interrupted goes on from its last checkpoint, what failed starts anew in a folder beside the old one.
    ``tell`` is called when a job begins and ends. When this process is stopped, so are the jobs; their records say so.
    """
    claim(grid, home)
    with _alone(home), terminate_as_exit():
        waiting = [job for job in grid.jobs() if job_state(home, job).state != "completed"]
        running: dict[str, tuple[Job, subprocess.Popen[bytes]]] = {}
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    job = waiting.pop(0)
                    running[job.name] = (job, _start(grid, home, job, command))
                    tell(JobState(job, "running", _newest(home / job.name)))
                for name in [name for name, (_, process) in running.items() if process.poll() is not None]:
                    job, process = running.pop(name)
                    tell(_ended(home, job, process.returncode))
                time.sleep(_LOOK_SECONDS)
        finally:
            _stop([process for _, process in running.values()])
    return [_ended(home, job, 0) for job in grid.jobs()]


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Hold the ablation while the block runs; RecordError when another process does."""
    try:
        with lock(home / GRID_FILE, timeout=0):
            yield
    except LockTimeout as error:
        raise RecordError(f"{home}: another process is running this ablation; wait for it, or stop it") from error


def _start(grid: Grid, home: Path, job: Job, command: Sequence[str]) -> "subprocess.Popen[bytes]":
    before = job_state(home, job)
    arguments = grid.overrides(job)
    if before.state == "interrupted" and before.folder is not None and (before.folder / LAST).exists():
        folder = before.folder
        arguments = [*arguments, f"resume={folder}"]
    else:
        folder = home / job.name / str(1 + len(_tries(home / job.name)))
        folder.mkdir(parents=True)
    with (folder / "output.log").open("ab") as log:
        return subprocess.Popen(
            [*command, *arguments, f"hydra.run.dir={folder}"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C comes to this process alone, which passes it on
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )


def _ended(home: Path, job: Job, code: int) -> JobState:
    """State of a job whose process is gone: one that left no word of its end has failed."""
    state = job_state(home, job)
    if state.state != "completed" and code and state.record is None:
        return JobState(job, "failed", state.folder, None, state.reason or f"ended with exit code {code}")
    return state


def _stop(processes: "Sequence[subprocess.Popen[bytes]]") -> None:
    for process in processes:
        process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    for process in processes:
        try:
            process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _tries(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if path.name.isdecimal()), key=lambda path: int(path.name))


def _newest(folder: Path) -> Path | None:
    tries = _tries(folder)
    return tries[-1] if tries else None


def _end_of_log(folder: Path) -> str | None:
    """The last line a process wrote before it ended without a record."""
    try:
        lines = (folder / "output.log").read_text("utf-8", errors="replace").split("\n")
    except OSError:
        return None
    return next((line.strip() for line in reversed(lines) if line.strip()), None)
