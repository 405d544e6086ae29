"""Workers as processes of this machine, each with its own engine; one that dies is replaced."""

import json
import multiprocessing
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from ocr.batch.inputs import Item
from ocr.batch.plan import Done, Shard
from ocr.batch.work import DEATHS, Worker, WorkOptions
from ocr.errors import BatchError

# Processes that may end before they are ready, one after the other: then something is wrong with all of them.
_BAD_STARTS = 3
# Processes that one shard may end beyond those that its items may: outside of them or, behind a URL, unmarked ones.
_SHARD_DEATHS = 3
_READY, _PAGE, _DONE, _STOP = "ready", "page", "done", "stop"


def read_locally(shards: Iterator[Shard], options: WorkOptions, workers: int) -> Iterator[int | Done]:
    """Read shards in ``workers`` processes; yields 1 for each page as it is read and a Done for each shard.

    Raises BatchError when no worker can be started, a shard ends every worker that gets it, or results cannot be
    written. Closing the iterator ends the workers.
    """
    pool = _Pool(options)
    try:
        for _ in range(workers):
            if (shard := next(shards, None)) is not None:
                pool.start(shard)
        while pool.busy:
            for hand, kind, value in pool.messages():
                if kind == _DONE:
                    yield Done.model_validate_json(value)
                    if (shard := next(shards, None)) is None:
                        hand.end()
                        pool.busy.remove(hand)
                    else:
                        hand.give(shard)
                elif kind == _PAGE:
                    yield 1
                elif kind == _STOP:
                    raise BatchError(value.decode())
    finally:
        pool.end()


class _Hand:
    """One worker process and the shard it has."""

    def __init__(self, process: BaseProcess, pipe: Connection) -> None:
        self.process = process
        self.pipe = pipe
        self.shard: Shard | None = None

    def give(self, shard: Shard) -> None:
        """Send a shard; a worker that is gone is noticed when its messages are read."""
        self.shard = shard
        with suppress(BrokenPipeError):
            self.pipe.send_bytes(json.dumps(shard).encode())

    def end(self) -> None:
        """Let the process go."""
        self.pipe.close()
        self.process.join()


class _Pool:
    """The processes at work, how often one ended before it was ready, and how many each shard ended."""

    def __init__(self, options: WorkOptions) -> None:
        self.busy: list[_Hand] = []
        self._options = options
        self._bad_starts = 0
        self._deaths: Counter[int] = Counter()
        self._context = multiprocessing.get_context("spawn")

    def start(self, shard: Shard) -> None:
        """Start a process and give it a shard."""
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, self._options), daemon=True, name="ocr-batch")
        # Ctrl-C reaches every process of the terminal: it is for this one to end its workers, whatever they are about.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        hand = _Hand(process, ours)
        self.busy.append(hand)
        hand.give(shard)

    def messages(self) -> Iterator[tuple[_Hand, str, bytes]]:
        """What the workers say next; a worker that ended is replaced by one with the same shard."""
        ready = wait([hand.pipe for hand in self.busy])
        for hand in [hand for hand in self.busy if hand.pipe in ready]:
            try:
                kind, _, value = hand.pipe.recv_bytes().partition(b" ")
            except (EOFError, ConnectionResetError):
                self._replace(hand)
                continue
            self._bad_starts = 0
            yield hand, kind.decode(), value

    def _replace(self, hand: _Hand) -> None:
        hand.end()
        self.busy.remove(hand)
        self._bad_starts += 1
        if self._bad_starts > _BAD_STARTS:
            raise BatchError(
                f"workers end before they read anything (exit code {hand.process.exitcode}); "
                "the lines above say why; if they were killed, use fewer --workers"
            )
        assert hand.shard is not None
        self._deaths[hand.shard.number] += 1
        if self._deaths[hand.shard.number] > DEATHS * len(hand.shard.items) + _SHARD_DEATHS:
            raise BatchError(
                f"shard {hand.shard.name} ended {self._deaths[hand.shard.number]} workers (exit code "
                f"{hand.process.exitcode}), and not by its items, which would be left out; the lines above say why; if "
                "they were killed, use fewer --workers"
            )
        self.start(hand.shard)

    def end(self) -> None:
        """End what still works."""
        for hand in self.busy:
            hand.process.terminate()
            hand.end()


def _work(pipe: Connection, options: WorkOptions) -> None:
    """Read the shards that come through the pipe until it is closed."""
    worker = Worker(options)
    _say(pipe, _READY)
    while True:
        try:
            number, items = json.loads(pipe.recv_bytes())
        except (EOFError, ConnectionResetError):
            return  # whoever planned is gone or has no more
        try:
            done = worker.read(Shard(number, [Item(*item) for item in items]), lambda: _say(pipe, _PAGE))
        except BatchError as error:  # the folder takes no results: no other worker could leave its own there
            _say(pipe, _STOP, str(error).encode(errors="backslashreplace"))
            return
        _say(pipe, _DONE, done.model_dump_json().encode())


def _say(pipe: Connection, kind: str, value: Any = b"") -> None:
    with suppress(BrokenPipeError):
        pipe.send_bytes(kind.encode() + b" " + value)
