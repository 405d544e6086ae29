"""The page result: what reading one image gives, and the document that holds the pages.

python -m ocr.formats.page > docs/schemas/document.schema.json
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ocr.schema import schema_text

Unit = Annotated[float, Field(ge=0, le=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ImageInfo(_Frozen):
    """Where a page came from and its size in pixels as displayed; ``page`` counts from 1 within its file."""

    source: str
    page: int = Field(default=1, ge=1)
    width: int = Field(gt=0)
    height: int = Field(gt=0)


class Line(_Frozen):
    """One line of text: its polygon clockwise in the pixels of the image, and how sure each model is of it."""

    polygon: list[tuple[float, float]] = Field(min_length=3)
    text: str
    confidence: Unit
    detection_score: Unit


class ModelInfo(_Frozen):
    """A bundle by name and the SHA-256 of its model."""

    name: str
    sha256: str


class Models(_Frozen):
    """The bundles that read a page; ``second_look`` is the larger recognizer that read again what was doubtful."""

    detector: ModelInfo
    recognizer: ModelInfo
    second_look: ModelInfo | None = None


class Page(_Frozen):
    """Lines of one image in reading order; ``notes`` say what was left out or changed on the way."""

    schema_version: Literal[1] = 1
    image: ImageInfo
    lines: list[Line]
    timings_ms: dict[str, float]
    models: Models
    notes: list[str] = Field(default_factory=list)

    @property
    def text(self) -> str:
        """The lines' texts, one a line."""
        return "\n".join(line.text for line in self.lines)


class FailedImage(_Frozen):
    """Where the page would have come from; ``page`` is None when the whole file could not be opened."""

    source: str
    page: int | None = None


class Failure(_Frozen):
    """Why a page could not be read and what to do about it."""

    reason: str
    remedy: str


class FailedPage(_Frozen):
    """Takes the place of a page that could not be read."""

    schema_version: Literal[1] = 1
    image: FailedImage
    error: Failure


class Document(_Frozen):
    """Everything one command or request read, in the order asked for."""

    schema_version: Literal[1] = 1
    pages: list[Page | FailedPage]


if __name__ == "__main__":
    print(schema_text(Document), end="")
