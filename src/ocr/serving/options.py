"""How a request wants to be read, from its query."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ocr.bundles.bundle import DETECTOR, RECOGNIZER
from ocr.bundles.card import Task
from ocr.formats.pdf_pages import DPI
from ocr.serving.batching import Reading
from ocr.serving.problems import Problem
from ocr.serving.settings import Offered

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]


class ReadOptions(BaseModel):
    """Models by name, resolution of PDF pages, and how sure a line must be."""

    model_config = ConfigDict(extra="forbid")

    detector: Name = Field(default=DETECTOR, description="detection bundle, one of /v1/models")
    recognizer: Name = Field(default=RECOGNIZER, description="recognition bundle, one of /v1/models")
    dpi: int = Field(default=DPI, ge=20, le=600, description="resolution at which PDF pages are rendered")
    min_confidence: float = Field(default=0.0, ge=0, le=1, description="leave out lines of less confidence")


def reading(options: ReadOptions, offered: Offered) -> Reading:
    """The bundles that the options name; Problem when one is not offered."""
    return Reading(
        _folder(offered, options.detector, "detection"),
        _folder(offered, options.recognizer, "recognition"),
        options.min_confidence,
    )


def _folder(offered: Offered, name: str, task: Task) -> Path:
    folder = offered.folder(name, task)
    if folder is None:
        known = ", ".join(offered.names(task))
        raise Problem("invalid", f"there is no {task} model {name!r} here; models: {known}")
    return folder
