"""JSON annotations: loaded, or refused in one line."""

import json
from pathlib import Path
from typing import Any

from ocr.datasets.annotations import Report, report_or_raise
from ocr.errors import AnnotationError

# Enough of a file to tell by its keys what it is.
_START = 65_536


def beginning(path: Path) -> bytes:
    """The first bytes of a JSON file, by which layouts tell theirs; none of anything else."""
    if path.suffix != ".json" or not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(_START)


def load_json(path: Path, remedy: str) -> Any:
    """Return the content; raises AnnotationError when it cannot be read or is no JSON."""
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise AnnotationError(path, f"cannot be read ({error.strerror})", "check the path") from error
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise AnnotationError(path, f"is not JSON ({error})", remedy) from error


def problem_with(where: str, error: Exception, remedy: str, report: Report | None) -> None:
    """Report what an entry lacks, or raise it."""
    reason = (
        f"has no {error}" if isinstance(error, KeyError) else f"is not what it should be ({error or 'nothing there'})"
    )
    problem = AnnotationError(where, reason, remedy)
    problem.__cause__ = error
    report_or_raise(problem, report)
