"""A bar on standard error for long work, where somebody is looking."""

import sys
from collections.abc import Iterable, Iterator, Sized
from typing import Protocol, TypeVar

_LONG = 300
T = TypeVar("T", covariant=True)


class _Countable(Iterable[T], Sized, Protocol[T]):
    """Items that can be counted beforehand."""


def shown(items: _Countable[T], label: str) -> Iterator[T]:
    """The items, with a bar when there are many and standard error is a terminal."""
    if len(items) < _LONG or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, description=label, console=Console(stderr=True), transient=True, total=len(items))
