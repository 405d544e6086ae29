"""Runs that are stopped from outside: what the record says, what is left, how the next run goes on."""

import os
import re
import signal
import sys
import time

import pytest

from ocr.records.checkpoint import file_sha256, read_card
from ocr.records.liveness import true_status
from ocr.records.run import read_record


@pytest.fixture
def long_run(tiny_home):
    """Start a run that would go on for hours in a child process; give its pid and folder once it has a checkpoint."""
    from ocr.cli.train import main
    from ocr.training.fit import fit  # noqa: F401 - imported here, so that the child need not

    children = []

    def start():
        folder = tiny_home / "outputs" / "mine"
        pid = os.fork()
        if pid == 0:
            sys.stdout = sys.stderr = open(tiny_home / "log", "w")  # noqa: SIM115
            signal.signal(signal.SIGINT, signal.default_int_handler)
            arguments = ["model=tiny", "data=tiny", "logger=[csv]", "trainer.max_epochs=1000000"]
            try:
                code = main([*arguments, f"hydra.run.dir={folder}"])
            except SystemExit as leaving:
                code = leaving.code
            sys.stdout.flush()
            os._exit(code)
        children.append(pid)
        for _ in range(600):
            if (folder / "checkpoints" / "last.ckpt").exists():
                return pid, folder
            time.sleep(0.1)
        pytest.fail((tiny_home / "log").read_text())

    yield start
    for pid in children:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            continue


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_run_as_interrupted(long_run, number, code):
    pid, folder = long_run()
    assert true_status(folder, read_record(folder).model_dump()) == "running"
    os.kill(pid, number)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == code
    record = read_record(folder)
    assert record.status == "interrupted"
    assert record.error == ("stopped by SIGTERM" if number == signal.SIGTERM else "stopped by Ctrl-C")
    assert record.ended is not None


def test_a_run_that_is_going_on_cannot_be_taken_up_in_its_folder(long_run, tiny):
    pid, folder = long_run()
    before = read_record(folder).pid
    refused = tiny("resume=latest", f"hydra.run.dir={folder}", code=2)
    assert re.search(rf"its run is still going on \(process {pid} on .*\); stop that first, or choose", refused.err)
    assert read_record(folder).pid == before == pid


def test_after_kill_9_the_run_reads_as_interrupted_and_resumes_where_it_was(long_run, tiny):
    pid, folder = long_run()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    record = read_record(folder)
    assert record.status == "running"
    assert true_status(folder, record.model_dump()) == "interrupted"
    last = (folder / "checkpoints" / "last.ckpt").resolve()
    card = read_card(last)
    assert (file_sha256(last), last.stat().st_size) == (card.weights_sha256, card.size)
    tiny("resume=latest", f"trainer.max_epochs={card.epoch + 3}", f"hydra.run.dir={folder}")
    record = read_record(folder)
    assert (record.status, record.epoch, record.step) == ("completed", card.epoch + 2, card.step + 16)
    assert (folder / "metrics-1.csv").exists()
