"""Counted room: for bytes of bodies, pixels of pages and requests under way."""

import threading
import time


class Budget:
    """So much of something, taken and given back by any thread."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = size
        self._changed = threading.Condition()

    @property
    def used(self) -> int:
        """How much is taken."""
        return self.size - self._free

    def take(self, amount: int, *, until: float = 0.0) -> bool:
        """Take ``amount`` (no more than the whole), waiting for it until that time of the monotonic clock."""
        amount = min(amount, self.size)
        with self._changed:
            if not self._changed.wait_for(lambda: self._free >= amount, max(0.0, until - time.monotonic())):
                return False
            self._free -= amount
            return True

    def give(self, amount: int) -> None:
        """Give back what was taken."""
        with self._changed:
            self._free += min(amount, self.size)
            self._changed.notify_all()
