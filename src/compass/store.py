"""Open the state for reading or for a change; an export that was cut short is finished or undone first."""

from collections.abc import Iterator
from contextlib import contextmanager

from compass import export
from compass.home import Home
from compass.state import Pulse, State, load, save


def reading(home: Home) -> State:
    """The state as it is; takes the lock only when an interrupted export has to be settled."""
    if home.export.exists():
        with home.locked():
            export.settle(home)
    return load(home)


@contextmanager
def changing(home: Home) -> Iterator[State]:
    """Hold the lock, yield the state, and save it at the end; nothing is saved when the block raises."""
    load(home)  # A state that cannot be read stops here, before the lock file is made.
    with home.locked():
        export.settle(home)
        state = load(home)
        yield state
        save(home, state)


@contextmanager
def changing_pulse(home: Home) -> Iterator[Pulse]:
    """As `changing`, for the pulse at work; CompassError, and no file made, when there is none."""
    reading(home).pulse()
    with changing(home) as state:
        yield state.pulse()


def pulse_locked(home: Home) -> Pulse:
    """The pulse at work, for a caller that holds the lock."""
    export.settle(home)
    return load(home).pulse()
