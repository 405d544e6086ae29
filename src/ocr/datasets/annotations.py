"""Annotated images, streamed from whatever layout a data set comes in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from ocr.errors import AnnotationError, ConfigError
from ocr.geometry.polygon import Polygon
from ocr.geometry.validate import validate_all
from ocr.images.load import load_image

Report = Callable[[AnnotationError], None]
"""Told of an annotation that cannot be read, which is then skipped."""


def data_name(path: Path) -> str:
    """What records call a data set: the last two parts of its path."""
    return "/".join(path.resolve().parts[-2:])


def report_or_raise(problem: AnnotationError, report: Report | None) -> None:
    """Report an annotation that is then skipped; raise it where nobody asked for reports."""
    if report is None:
        raise problem
    report(problem)


LAYOUTS = {
    "lmdb": "ocr.datasets.layouts.lmdb",
    "split": "ocr.datasets.layouts.split",
    "words": "ocr.datasets.layouts.words",
    "sroie": "ocr.datasets.layouts.sroie",
    "total_text": "ocr.datasets.layouts.total_text",
    "icdar2015": "ocr.datasets.layouts.icdar2015",
    "cord": "ocr.datasets.layouts.cord",
    "cvat": "ocr.datasets.layouts.cvat",
    "coco_text": "ocr.datasets.layouts.coco_text",
    "label_studio": "ocr.datasets.layouts.label_studio",
    "competition": "ocr.datasets.layouts.competition",
    "submission": "ocr.datasets.layouts.submission",
    "ppocrlabel": "ocr.datasets.layouts.ppocrlabel",
    "side_by_side": "ocr.datasets.layouts.side_by_side",
}
"""Name and module of each layout, the most specific first: a new layout is one module and one line here."""


@dataclass(frozen=True)
class Sample:
    """One image and what is written on it.

    `polygons` are as annotated, in pixels of the image as displayed; `valid` puts them through validation. `texts`
    holds None where only the place is known. `ignore` marks what is neither to be found nor to be learnt. `name` is
    unique in its data set. `case_free` says that the labels do not tell capitals from small letters. `encoded` holds
    the image file itself when it is not a file of its own (LMDB).
    """

    image: Path
    polygons: list[Polygon]
    texts: list[str | None]
    ignore: list[bool]
    name: str
    confidences: list[float] | None = None
    case_free: bool = False
    encoded: bytes | None = field(default=None, repr=False)

    def load(self) -> npt.NDArray[np.uint8]:
        """Return the image, RGB (H,W,3); raises ImageError."""
        return load_image(self.image if self.encoded is None else self.encoded, name=str(self.image))

    def load_lines(self) -> tuple[npt.NDArray[np.uint8], list[tuple[Polygon, str]]]:
        """Return the image, RGB (H,W,3), and what is to be read on it: valid polygons, each with its text."""
        image = self.load()
        valid = self.valid((image.shape[1], image.shape[0]))
        lines = zip(valid.polygons, valid.texts, valid.ignore, strict=True)
        return image, [(polygon, text) for polygon, text, skip in lines if text and not skip]

    def valid(self, size: tuple[int, int]) -> "Sample":
        """Return the sample with the polygons that `validate` lets pass for an image of (width, height) pixels."""
        polygons, kept, _ = validate_all(self.polygons, size)
        return replace(
            self,
            polygons=polygons,
            texts=[self.texts[i] for i in kept],
            ignore=[self.ignore[i] for i in kept],
            confidences=None if self.confidences is None else [self.confidences[i] for i in kept],
        )


class Layout(Protocol):
    """What a module of `ocr.datasets.layouts` offers."""

    def matches(self, path: Path) -> bool:
        """Whether the path looks like this layout."""
        ...

    def read(self, path: Path, report: Report | None) -> Iterator[Sample]:
        """Stream the samples by name; raises AnnotationError, or reports it and goes on when `report` is given."""
        ...


def read_samples(path: Path, *, layout: str = "auto", report: Report | None = None) -> Iterator[Sample]:
    """Stream the samples of a data set, sorted by name.

    `layout` is "auto" or a key of `LAYOUTS`. Raises AnnotationError on what is no annotation, unless `report` is
    given: then it is told, and what can be read goes on. ConfigError when there is no such layout.
    """
    return _load(layout if layout != "auto" else detect_layout(path)).read(path, report)


def detect_layout(path: Path) -> str:
    """Return the key of the first layout that the path looks like; raises AnnotationError when there is none."""
    if not path.exists():
        raise AnnotationError(path, "no such file or folder", "check the path")
    for name in LAYOUTS:
        if _load(name).matches(path):
            return name
    raise AnnotationError(
        path, "holds no annotations of a known layout", f"expected {', '.join(LAYOUTS)}, which docs/data.md describes"
    )


def _load(layout: str) -> Layout:
    if layout not in LAYOUTS:
        raise ConfigError(f"layout {layout!r} is unknown; choose auto, {', '.join(LAYOUTS)}")
    return cast(Layout, import_module(LAYOUTS[layout]))
