"""Names for the files a command makes: no two alike, and none that is one of its inputs."""

from collections.abc import Iterable
from itertools import count
from pathlib import Path


class FreeNames:
    """Gives each file of a command a path of its own; what an earlier run wrote is there to be replaced."""

    def __init__(self, inputs: Iterable[Path] = ()) -> None:
        """Keep away from ``inputs``, the files that the command reads."""
        self._inputs = {path.resolve() for path in inputs}
        self._given: set[Path] = set()

    def is_input(self, path: Path) -> bool:
        """Whether writing to a path would replace an input."""
        return path.resolve() in self._inputs

    def take(self, folder: Path, stem: str, suffix: str) -> Path:
        """Path of a new file in a folder, with a number where the plain name is taken.

        Beside an input of that name a number must be free on the disk too: what is there may be one to be read too.
        """
        beside_an_input = False
        for number in count(1):
            path = folder / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
            if self.is_input(path):
                beside_an_input = True
            elif path.resolve() not in self._given and not (beside_an_input and path.exists()):
                break
        self._given.add(path.resolve())
        return path
