"""The page result: what reading one image gives, and the document that holds the pages.

python -m ocr.formats.page > docs/schemas/document.schema.json
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from ocr.schema import Limits, Positive, Strict, schema_text

Unit = Annotated[float, Limits(ge=0, le=1)]


@dataclass(frozen=True, kw_only=True)
class ImageInfo(Strict):
    """Where a page came from and its size in pixels as displayed; ``page`` counts from 1 within its file."""

    source: str
    page: Annotated[int, Limits(ge=1)] = 1
    width: Positive
    height: Positive


@dataclass(frozen=True, kw_only=True)
class Line(Strict):
    """One line of text: its polygon clockwise in the pixels of the image, and how sure each model is of it.

    ``spans`` tell where each word of the text, between spaces, begins and ends: shares of the line's length in reading
    direction. There are none where the recognizer does not tell (attention decoders).
    """

    polygon: Annotated[list[tuple[float, float]], Limits(min_length=3)]
    text: str
    confidence: Unit
    detection_score: Unit
    spans: list[tuple[Unit, Unit]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ModelInfo(Strict):
    """A bundle by name and the SHA-256 of its model."""

    name: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Models(Strict):
    """The bundles that read a page; ``second_look`` is the larger recognizer that read again what was doubtful."""

    detector: ModelInfo
    recognizer: ModelInfo
    second_look: ModelInfo | None = None


@dataclass(frozen=True, kw_only=True)
class Page(Strict):
    """Lines of one image in reading order; ``notes`` say what was left out or changed on the way."""

    schema_version: Literal[1] = 1
    image: ImageInfo
    lines: list[Line]
    timings_ms: dict[str, float]
    models: Models
    notes: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The lines' texts, one a line."""
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True, kw_only=True)
class FailedImage(Strict):
    """Where the page would have come from; ``page`` is None when the whole file could not be opened."""

    source: str
    page: int | None = None


@dataclass(frozen=True, kw_only=True)
class Failure(Strict):
    """Why a page could not be read and what to do about it."""

    reason: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class FailedPage(Strict):
    """Takes the place of a page that could not be read."""

    schema_version: Literal[1] = 1
    image: FailedImage
    error: Failure


@dataclass(frozen=True, kw_only=True)
class Document(Strict):
    """Everything one command or request read, in the order asked for."""

    schema_version: Literal[1] = 1
    pages: list[Page | FailedPage]


if __name__ == "__main__":
    print(schema_text(Document), end="")
