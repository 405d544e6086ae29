"""Real child processes, killed with SIGKILL at random moments."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from durable.journal import Journal
from durable.lock import lock
from durable.replace import LEFTOVER

KILLS = pytest.mark.parametrize("kills", [25, pytest.param(200, marks=pytest.mark.slow)])

# Each child says "ready" once it is at work; the loops never end by themselves.
REPLACER = """
import sys
from durable.replace import write_bytes
contents = [b"old" * 100_000, b"newer" * 130_000]
print("ready", flush=True)
while True:
    for content in contents:
        write_bytes(sys.argv[1], content)
"""
APPENDER = """
import sys
from durable.journal import Journal
journal = Journal(sys.argv[1])
number = int(sys.argv[2])
print("ready", flush=True)
while True:
    journal.append({"number": number, "padding": "한" * (number % 700)})
    print(number, flush=True)
    number += 1
"""
HOLDER = """
import sys, time
from durable.lock import lock
with lock(sys.argv[1]):
    print("ready", flush=True)
    time.sleep(600)
"""


def kill_after(program: str, *arguments: str, seconds: float) -> list[str]:
    """What a child running `program` printed after "ready" and before it was killed `seconds` later."""
    # A child that measures its coverage would be killed while it writes that down.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-c", program, *arguments]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    output, _ = child.communicate()
    assert child.returncode == -signal.SIGKILL
    # A last line without its newline was being written, not yet acknowledged.
    return [line[:-1] for line in output.splitlines(keepends=True) if line.endswith("\n")]


@KILLS
def test_a_replaced_file_is_always_old_or_new(kills: int, tmp_path: Path) -> None:
    target = tmp_path / "state.bin"
    sound = {b"old" * 100_000, b"newer" * 130_000}
    chance = random.Random(kills)
    for _ in range(kills):
        kill_after(REPLACER, str(target), seconds=chance.uniform(0.0, 0.03))
        assert not target.exists() or target.read_bytes() in sound
    others = [name for name in os.listdir(tmp_path) if name != target.name]
    assert all(name.startswith(LEFTOVER) for name in others)


@KILLS
def test_a_journal_reads_back_every_acknowledged_entry(kills: int, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    chance = random.Random(kills)
    count = 0
    for _ in range(kills):
        acknowledged = kill_after(APPENDER, str(journal.path), str(count), seconds=chance.uniform(0.0, 0.03))
        numbers = [entry["number"] for entry in journal.read()]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= count + len(acknowledged)
        count = len(numbers)


def test_the_lock_is_released_by_the_death_of_its_holder(tmp_path: Path) -> None:
    target = tmp_path / "state.json"
    kill_after(HOLDER, str(target), seconds=0.0)
    with lock(target, timeout=5.0):
        pass
