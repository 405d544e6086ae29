"""Compare what lies in `pulse_staging/artifacts/` with what the pulse has registered."""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from compass import ids
from compass.errors import CompassError
from compass.home import Home
from compass.state import Pulse

KNOWN_TYPES = (
    "design", "research", "walkthrough", "implementation_plan", "bug_report", "audit", "specification", "requirements",
    "architecture", "tracking", "handover", "blueprint", "assessment", "session_note", "script", "data", "other",
)  # fmt: skip


@dataclass(frozen=True)
class Staging:
    """Paths relative to the staging folder, sorted: registered and there, on disk only, registered only, links out."""

    registered: tuple[str, ...]
    strays: tuple[str, ...]
    ghosts: tuple[str, ...]
    links: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether disk and registration say the same."""
        return not (self.strays or self.ghosts or self.links)

    def repairs(self) -> list[str]:
        """For each disagreement one line: what is wrong, and the commands that cure it."""
        lines = []
        for path in self.strays:
            word = shlex.quote(path)
            lines.append(f"stray {path}: compass pulse-sync --path {word} --type TYPE, or remove the file")
        for path in self.ghosts:
            lines.append(f"ghost {path}: compass pulse-unsync --path {shlex.quote(path)}, or bring the file back")
        for path in self.links:
            lines.append(
                f"link {path}: it leads out of the staging folder; put the file itself there, or remove the link"
            )
        return lines


def audit(home: Home, pulse: Pulse) -> Staging:
    """What is in staging and what should be; hidden files are nobody's business."""
    files, links = _walk(home.artifacts)
    registered = {artifact.path for artifact in pulse.artifacts}
    return Staging(
        registered=tuple(sorted(registered & files)),
        strays=tuple(sorted(files - registered)),
        ghosts=tuple(sorted(registered - files - links)),
        links=tuple(sorted(links)),
    )


def locate(home: Home, given: str) -> str:
    """The registered form of a path given by the user; the file must be in staging and not lead out of it.

    The path is relative to `pulse_staging/artifacts/`; written from the repository root it is understood as well.
    """
    prefix = home.artifacts.relative_to(home.root).as_posix() + "/"
    path = ids.artifact_path(given.removeprefix(prefix) if given.startswith(prefix) else given)
    file = home.artifacts / path
    if not file.resolve().is_relative_to(home.artifacts.resolve()):
        raise CompassError(f"artifact {path}: it leads out of the staging folder; put the file itself there")
    if not file.is_file():
        what = (
            "is a folder; register its files one by one" if file.is_dir() else "is not there; put the file there first"
        )
        raise CompassError(f"artifact {home.shown(file)} {what}")
    return path


def front_matter_type(file: Path) -> str | None:
    """The `type:` that a document declares in its front matter, read as one plain line."""
    try:
        head = file.read_bytes()[:4096].decode("utf-8", "replace").removeprefix("\ufeff")
    except OSError:
        return None
    lines = head.splitlines()
    if not lines or lines[0].strip() != "---":
        return None
    for line in lines[1:]:
        if line.strip() == "---":
            break
        key, _, value = line.partition(":")
        if key == "type" and value.strip():
            return value.strip().strip("\"'")
    return None


def _walk(folder: Path) -> tuple[set[str], set[str]]:
    """Relative paths of the files below `folder`, and of the links among them that lead out of it."""
    files: set[str] = set()
    links: set[str] = set()
    real = folder.resolve()
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        linked = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in [*(name for name in names if not name.startswith(".")), *linked]:
            path = Path(parent) / name
            relative = PurePosixPath(path.relative_to(folder).as_posix()).as_posix()
            inside = path.resolve().is_relative_to(real) and path.is_file()
            (files if inside else links).add(relative)
    return files, links
