"""What went wrong on each page of an evaluation: lines missed, made up, split, merged or misread."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely
from pydantic import BaseModel, ConfigDict

from ocr.evaluation.judge import Polygons, Truth
from ocr.metrics.detection import Matching
from ocr.metrics.recognition import comparable

Kind = Literal["missed", "false", "split", "merged", "misread"]

# A region that has this share of its area inside another one belongs to it.
INSIDE = 0.5
# Pages that a report keeps: the worst ones.
WORST = 200


class LineError(BaseModel):
    """One line that is wrong: where, what is true there and what was read (None: nothing, or not known)."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    polygon: list[tuple[float, float]]
    truth: str | None = None
    read: str | None = None


class PageErrors(BaseModel):
    """The errors of one page; ``image`` is its file, ``lines`` how many true lines it has and ``right`` how many of
    them were found (and read, where reading was judged) without any error."""

    model_config = ConfigDict(frozen=True)

    name: str
    image: str
    lines: int
    right: int
    errors: list[LineError]

    @property
    def score(self) -> float:
        """Share of right lines among the true lines and the lines made up, 1 on a page with neither."""
        false = sum(one.kind == "false" for one in self.errors)
        return self.right / (self.lines + false) if self.lines + false else 1.0


class Found(NamedTuple):
    """What was predicted for a page: polygons, their texts (None: detection alone), and how they match the truth."""

    polygons: Polygons
    texts: Sequence[str] | None
    matching: Matching


def page_errors(name: str, image: str, truth: Truth, found: Found) -> PageErrors:
    """Errors of one page; a true region without a text is left out where texts are judged."""
    judged = [
        index
        for index, (text, skip) in enumerate(zip(truth.texts, truth.ignore, strict=True))
        if not skip and (text or found.texts is None)
    ]
    hits = {index: line for line, index in found.matching.pairs}
    used = set(found.matching.dropped) | {line for line, _ in found.matching.pairs}
    errors: list[LineError] = []
    inside = _inside(truth.polygons, found.polygons)
    for index in judged:
        polygon, text = truth.polygons[index], truth.texts[index]
        if index in hits:
            read = None if found.texts is None else found.texts[hits[index]]
            if read is not None and not _same(text, read):
                errors.append(LineError(kind="misread", polygon=_points(polygon), truth=text, read=read))
            continue
        parts = [line for line in inside.parts(index) if line not in set(hits.values())]
        whole = [line for line in inside.around(index) if len(inside.held(line)) > 1]
        kind: Kind = "split" if len(parts) > 1 else "merged" if whole else "missed"
        shown = parts if kind == "split" else whole[:1]
        used.update(shown)
        read = " | ".join(found.texts[line] for line in shown) if found.texts is not None and shown else None
        errors.append(LineError(kind=kind, polygon=_points(polygon), truth=text, read=read))
    right = len(judged) - len(errors)
    for line, polygon in enumerate(found.polygons):
        if line not in used:
            read = None if found.texts is None else found.texts[line]
            errors.append(LineError(kind="false", polygon=_points(polygon), read=read))
    return PageErrors(name=name, image=image, lines=len(judged), right=right, errors=errors)


def misread_lines(name: str, image: str, lines: Sequence[tuple[npt.NDArray[Any], str, str]]) -> PageErrors:
    """Errors of one page whose true regions were read: (polygon, true text, read text) of each."""
    errors = [
        LineError(kind="misread", polygon=_points(polygon), truth=text, read=read)
        for polygon, text, read in lines
        if not _same(text, read)
    ]
    return PageErrors(name=name, image=image, lines=len(lines), right=len(lines) - len(errors), errors=errors)


def worst(pages: Sequence[PageErrors]) -> list[PageErrors]:
    """The pages with errors, the worst first, at most `WORST`."""
    return sorted((page for page in pages if page.errors), key=lambda page: (page.score, page.name))[:WORST]


class _Overlaps(NamedTuple):
    """Shares (truth, predicted): of the prediction inside the true region, and of the true region inside it."""

    of_predicted: npt.NDArray[np.float64]
    of_truth: npt.NDArray[np.float64]

    def parts(self, index: int) -> list[int]:
        """Predictions that lie inside one true region."""
        return [int(line) for line in np.flatnonzero(self.of_predicted[index] > INSIDE)]

    def around(self, index: int) -> list[int]:
        """Predictions that one true region lies inside of."""
        return [int(line) for line in np.flatnonzero(self.of_truth[index] > INSIDE)]

    def held(self, line: int) -> list[int]:
        """True regions that lie inside one prediction."""
        return [int(index) for index in np.flatnonzero(self.of_truth[:, line] > INSIDE)]


def _inside(truth: Polygons, predicted: Polygons) -> _Overlaps:
    true_shapes, shapes = ([shapely.make_valid(shapely.Polygon(one)) for one in group] for group in (truth, predicted))
    if not true_shapes or not shapes:
        nothing = np.zeros((len(true_shapes), len(shapes)))
        return _Overlaps(nothing, nothing)
    rows, columns = np.array(true_shapes)[:, None], np.array(shapes)[None, :]
    area = shapely.area(shapely.intersection(rows, columns))
    return _Overlaps(
        area / np.maximum(shapely.area(columns), 1e-9),
        area / np.maximum(shapely.area(rows), 1e-9),
    )


def _same(truth: str | None, read: str) -> bool:
    return comparable(truth or "", case_sensitive=False) == comparable(read, case_sensitive=False)


def _points(polygon: npt.NDArray[Any]) -> list[tuple[float, float]]:
    return [(round(float(x), 1), round(float(y), 1)) for x, y in polygon]
