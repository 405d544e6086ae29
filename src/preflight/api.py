"""Audit a repository from Python: what every command of `preflight` starts with."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from findings import baseline as baselines
from findings import engine
from findings.engine import Outcome
from findings.selection import Selection
from preflight import settings as settings_file
from preflight.analysis.audit import Audit
from preflight.files import excluded
from preflight.project import Project
from preflight.rules.table import RULES
from preflight.settings import Settings

TOOL = "preflight"
_MARKS = (".git", "preflight.toml")
_BUILD = ("pyproject.toml", "setup.py", "setup.cfg")


class UseError(ValueError):
    """Wrong use: the message names the thing and the remedy."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to audit and what to show; `fixes` False leaves out the edits, which cost a second look at each file."""

    root: Path
    only: tuple[str, ...] = ()
    selection: Selection = engine.EVERYTHING
    python: str = ""
    use_cache: bool = True
    use_baseline: bool = True
    fixes: bool = True


def locate(paths: list[Path], root: Path | None = None) -> tuple[Path, tuple[str, ...]]:
    """The repository that holds `paths` and the paths relative to it; UseError for one that is missing or outside.

    The root is the closest folder above with `.git` or preflight.toml, else the closest with a build file, else the
    folder itself.
    """
    given = [path.absolute() for path in (paths or [root or Path.cwd()])]
    for path in given:
        if not path.exists():
            raise UseError(f"{path}: no such file or folder")
    top = root.absolute() if root else _root_of(given[0])
    if not top.is_dir():
        raise UseError(f"{top}: not a folder; give the root of a repository")
    only = []
    for path in given:
        try:
            relative = path.resolve().relative_to(top.resolve()).as_posix()
        except ValueError:
            raise UseError(f"{path}: outside the repository {top}; give its own --root") from None
        only.append("" if relative == "." else relative)
    return top, () if "" in only or not paths else tuple(only)


def _root_of(path: Path) -> Path:
    folder = path if path.is_dir() else path.parent
    for marks in (_MARKS, _BUILD):
        for above in (folder, *folder.parents):
            if any((above / mark).exists() for mark in marks):
                return above
    return folder


def open_audit(request: Request) -> Audit:
    """Read the repository; SettingsError for wrong settings, InterpreterError for a wrong `python`."""
    settings = settings_file.load(request.root)
    project = Project(request.root, settings, python=request.python, use_cache=request.use_cache)
    return Audit(project, fixes=request.fixes)


def selection_of(settings: Settings, given: Selection) -> Selection:
    """What was asked for on the command line, with the project's own choice below it."""
    extend = (*settings.extend, *(("HYD003",) if settings.fqn else ()))
    return Selection(given.select or settings.select, (*settings.ignore, *given.ignore), extend, given.min_severity)


def run(request: Request, audit: Audit | None = None) -> Outcome:
    """Audit a repository and sort out what is reported."""
    audit = audit or open_audit(request)
    project = audit.project
    path = project.root / project.settings.baseline
    known = baselines.load(path) if request.use_baseline and path.is_file() else None
    outcome = engine.run(
        RULES,
        audit,
        tool=TOOL,
        read=project.text,
        selection=selection_of(project.settings, request.selection),
        baseline=known,
        only=_filter(request.only),
        roots=[root or "." for root in project.roots],
    )
    project.cache.save()
    return outcome


def _filter(only: tuple[str, ...]) -> Callable[[str], bool] | None:
    return (lambda path: excluded(path, only)) if only else None
