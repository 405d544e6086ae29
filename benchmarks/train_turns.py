"""Steps of one training process taken in turn with those of others: needs torch alone."""

import json
import sys
import time
from contextlib import ExitStack
from typing import Any

from torch.utils.flop_counter import FlopCounterMode

MARK = "TURN "


class Turns:
    """A step for each line on standard input, answered by a line with its seconds.

    The first step is answered with its floating-point operations too, and is slower for being counted.
    """

    def __init__(self) -> None:
        self._counting: ExitStack | None = ExitStack()
        self._counter: Any = None
        self._began = (0.0, 0.0)

    def begin(self) -> None:
        """Wait for the turn; leave the process when there is none to come."""
        if not sys.stdin.readline():
            raise SystemExit(0)
        if self._counting is not None:
            self._counter = self._counting.enter_context(FlopCounterMode(display=False))
        self._began = time.perf_counter(), time.process_time()

    def end(self) -> None:
        """Report the step that `begin` began."""
        wall, cpu = time.perf_counter() - self._began[0], time.process_time() - self._began[1]
        answer = {"wall": wall, "cpu": cpu}
        if self._counting is not None:
            self._counting.close()
            self._counting = None
            answer["flops"] = self._counter.get_total_flops()
        print(MARK + json.dumps(answer), flush=True)
