"""Where compass keeps its files: `project_compass/` of the repository that a command is run in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compass.errors import CompassError

NAME = "project_compass"
# Locks, a running export and the results of plan runs belong to one machine; the list hides itself as well.
_LOCAL_FILES = "/.gitignore\n*.lock\n/export.json\n/plans/\n"


@dataclass(frozen=True)
class Home:
    """The paths below one repository root."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / NAME

    @property
    def vessel(self) -> Path:
        return self.folder / ".vessel"

    @property
    def state(self) -> Path:
        return self.vessel / "vessel_state.json"

    @property
    def export(self) -> Path:
        return self.vessel / "export.json"

    @property
    def log(self) -> Path:
        return self.vessel / "progress_log.jsonl"

    @property
    def plans(self) -> Path:
        return self.vessel / "plans"

    @property
    def artifacts(self) -> Path:
        return self.folder / "pulse_staging" / "artifacts"

    @property
    def history(self) -> Path:
        return self.folder / "history"

    @property
    def milestones(self) -> Path:
        return self.folder / "vault" / "milestones"

    def shown(self, path: Path) -> str:
        """`path` relative to the repository root where it is below it, with forward slashes."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)

    def prepare(self) -> None:
        """Make the folder of the state, with the list of files that git is to leave alone."""
        from durable.replace import write_text

        self.vessel.mkdir(parents=True, exist_ok=True)
        ignore = self.vessel / ".gitignore"
        if not ignore.exists():
            write_text(ignore, _LOCAL_FILES)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other compass out of this repository's state."""
        from durable.lock import lock

        self.prepare()
        with lock(self.vessel / "compass.lock"):
            yield


def find_home(start: Path | None = None) -> Home:
    """The home of the nearest folder at or above `start` that holds `project_compass/` or `.git`.

    CompassError when there is none, and when a folder of compass is a link that leads out of the repository.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / NAME).is_dir() or (folder / ".git").exists():
            home = Home(folder)
            for place in (home.folder, home.vessel, home.artifacts, home.history, home.milestones):
                if not place.resolve().is_relative_to(folder):
                    raise CompassError(f"{place} leads out of the repository: put a folder there instead of the link")
            return home
    raise CompassError(
        f"{here} is in no repository: run `git init`, or make the folder {NAME}/ where its state is to be"
    )
