"""CLEval: detection and end-to-end reading counted in characters, so that split and merged boxes get partial credit.

Baek et al. 2020, "CLEval: Character-Level Evaluation for Text Detection and Recognition Tasks" (arXiv 2006.06244).
Every true text is spread as character centres along the middle of its polygon; a prediction finds the centres inside
it. Where the paper leaves room, the choices are those of the published tool, whose scores this reproduces on integer
coordinates. Coordinates are not truncated to integers here, and polygons of more than four corners are supported.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import shapely

from ocr.geometry.validate import validate_all
from ocr.metrics.common_subsequence import common_subsequence
from ocr.metrics.detection import DetectionScores, Polygons, overlaps, to_shapes

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# A prediction and a true polygon can only match when their intersection is this share of the prediction's area.
AREA_PRECISION = 0.3
# Below this ratio of width to height a text is taken to run vertically.
VERTICAL_ASPECT = 0.5
# No region counts as more characters than this when its text is not known.
MOST_UNKNOWN_CHARACTERS = 10


@dataclass(frozen=True)
class CharacterCounts:
    """Characters of one page, or several added up.

    ``penalty_recall`` and ``penalty_precision`` are one for every further prediction that a true text is split over,
    and for every further true text that a prediction joins.
    """

    truth: int = 0
    predicted: int = 0
    found: int = 0
    penalty_recall: int = 0
    penalty_precision: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True)
class CLEvalCounts:
    """Counts for finding the text, and for finding and reading it."""

    detection: CharacterCounts = field(default_factory=CharacterCounts)
    end_to_end: CharacterCounts = field(default_factory=CharacterCounts)

    def __add__(self, other: "CLEvalCounts") -> "CLEvalCounts":
        return CLEvalCounts(self.detection + other.detection, self.end_to_end + other.end_to_end)


def scores(counts: CharacterCounts) -> DetectionScores:
    """Characters found, less the penalty for granularity, by all true and by all predicted ones."""
    recall = max(0, counts.found - counts.penalty_recall) / counts.truth if counts.truth else 0.0
    precision = max(0, counts.found - counts.penalty_precision) / counts.predicted if counts.predicted else 0.0
    total = precision + recall
    return DetectionScores(precision, recall, 2 * precision * recall / total if total else 0.0)


def count_page(
    predicted: Polygons,
    predicted_texts: Sequence[str] | None,
    truth: Polygons,
    truth_texts: Sequence[str],
    ignore: Sequence[bool],
    *,
    case_sensitive: bool = True,
) -> CLEvalCounts:
    """Counts of one page.

    Args:
        predicted: polygons (K,2), corners from the start of the text on (top left first for upright text).
        predicted_texts: one per prediction, or None to count detection alone.
        truth: polygons (K,2), corners likewise.
        truth_texts: one per true polygon; what stands for one to ignore does not matter.
        ignore: true polygons, and predictions that fall on them, that count neither way.
        case_sensitive: False compares in upper case.

    A prediction that ``ocr.geometry.validate`` drops is a false positive of one character; a true polygon that it drops
    is left out.
    """
    found, found_rows, _ = validate_all(predicted)
    true, true_rows, _ = validate_all(truth)
    skip = np.asarray(ignore, dtype=bool)[true_rows]
    texts = [truth_texts[row] if case_sensitive else truth_texts[row].upper() for row in true_rows]
    texts = ["#" * _unknown_characters(p) if s else text for p, text, s in zip(true, texts, skip, strict=True)]
    page = _Page.build(found, true, texts, skip)
    invalid = sorted(set(range(len(predicted))) - set(found_rows))
    detection = page.count_detection(found, false=len(invalid))
    if predicted_texts is None:
        return CLEvalCounts(detection)
    read = [predicted_texts[row] if case_sensitive else predicted_texts[row].upper() for row in found_rows]
    characters = sum(len(text) for text, kept in zip(read, page.kept_predicted, strict=True) if kept)
    characters += sum(len(predicted_texts[row]) for row in invalid)
    end_to_end = CharacterCounts(
        truth=detection.truth,
        predicted=characters,
        found=page.count_read(texts, read),
        penalty_recall=detection.penalty_recall,
        penalty_precision=detection.penalty_precision,
    )
    return CLEvalCounts(detection, end_to_end)


def character_centres(polygon: npt.NDArray[Any], count: int) -> Floats:
    """Centres (count,2) of equal parts of the line midway between the polygon's upper and lower side, in order."""
    upper, lower = _sides(polygon)
    if len(upper) == 2 and _aspect(polygon) < VERTICAL_ASPECT:
        # As in the published tool, the text of a tall box begins at its bottom.
        upper, lower = np.array([lower[0], upper[0]]), np.array([lower[1], upper[1]])
    middle = (upper + lower) / 2
    wanted = (np.arange(count) + 0.5) / max(count, 1)
    if len(middle) == 2:
        return np.asarray(middle[0] + wanted[:, None] * (middle[1] - middle[0]))
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(middle, axis=0).T))])
    return np.stack([np.interp(wanted * along[-1], along, middle[:, axis]) for axis in (0, 1)], axis=1)


@dataclass(frozen=True)
class _Page:
    """Which predictions match which true polygons, and which character centres lie in them.

    ``matches`` is (G,D); ``inside`` is (D,C) over all character centres of the page, true only for matched pairs;
    ``owner`` (C,) names each centre's true polygon.
    """

    matches: Bools
    inside: Bools
    owner: npt.NDArray[np.intp]
    lengths: npt.NDArray[np.intp]
    kept_truth: Bools
    kept_predicted: Bools

    @classmethod
    def build(cls, predicted: Polygons, truth: Polygons, texts: Sequence[str], ignore: Bools) -> "_Page":
        precision = _area_precision(to_shapes(predicted), to_shapes(truth), ignore)
        lengths = np.array([len(text) for text in texts], dtype=np.intp)
        owner = np.repeat(np.arange(len(texts)), lengths)
        centres = [character_centres(p, len(text)) for p, text in zip(truth, texts, strict=True) if text]
        points = np.concatenate(centres) if centres else np.zeros((0, 2))
        inside = _inside(predicted, points)
        ends = np.cumsum(lengths)
        sums = np.pad(inside.cumsum(axis=1), ((0, 0), (1, 0)))
        hits = (sums[:, ends] - sums[:, ends - lengths]).T
        on_ignored = (precision * (hits > 0))[ignore].sum(axis=0) >= AREA_PRECISION
        on_ignored |= (precision[ignore] >= AREA_PRECISION).any(axis=0)
        matches = _matches(precision, hits > 0, ~ignore, ~on_ignored)
        return cls(matches, inside & matches[owner].T, owner, lengths, ~ignore, ~on_ignored)

    def count_detection(self, predicted: Polygons, *, false: int) -> CharacterCounts:
        """Each centre is found once; centres in several predictions and guessed false characters lower precision."""
        unmatched = self.kept_predicted & ~self.matches.any(axis=0)
        false += sum(_false_characters(polygon) for polygon, counts in zip(predicted, unmatched, strict=True) if counts)
        return CharacterCounts(
            truth=int(self.lengths[self.kept_truth].sum()),
            predicted=int(self.inside.sum()) + false,
            found=int(self.inside.any(axis=0).sum()),
            penalty_recall=int(np.maximum(self.matches.sum(axis=1) - 1, 0).sum()),
            penalty_precision=int(np.maximum(self.matches.sum(axis=0) - 1, 0).sum()),
        )

    def count_read(self, texts: Sequence[str], read: Sequence[str]) -> int:
        """Characters read right: each true text takes what it has in common, in order, out of its predictions."""
        left = list(read)
        found = 0
        for row in map(int, np.flatnonzero(self.matches.any(axis=1))):
            order = self._in_text_order(row)
            for character in common_subsequence(texts[row], "".join(left[i] for i in order)):
                holder = next(i for i in order if character in left[i])
                left[holder] = left[holder].replace(character, "", 1)
                found += 1
        return found

    def _in_text_order(self, row: int) -> list[int]:
        """Predictions matched to a true text, by the first character centre they hold.

        Each centre orders one prediction at most; of those left without a centre of their own only the first is kept.
        """
        waiting = [int(i) for i in np.flatnonzero(self.matches[row])]
        ordered: list[int] = []
        for column in np.flatnonzero(self.owner == row):
            if len(waiting) == 1:
                break
            holder = next((i for i in waiting if self.inside[i, column]), None)
            if holder is not None:
                ordered.append(holder)
                waiting.remove(holder)
        return [*ordered, waiting[0]]


def _matches(precision: Floats, touches: Bools, kept_truth: Bools, kept_predicted: Bools) -> Bools:
    """Pairs (G,D) matched one to one, one true text to many predictions, or many to one."""
    strong = touches & (precision >= AREA_PRECISION)
    kept = kept_truth[:, None] & kept_predicted[None, :]
    single = strong & (strong.sum(axis=1) == 1)[:, None] & (strong.sum(axis=0) == 1)[None, :]
    split = strong & kept
    split &= (split.sum(axis=1) >= 2)[:, None]
    joined = touches & kept
    joined &= ((joined.sum(axis=0) >= 2) & ((precision * joined).sum(axis=0) >= AREA_PRECISION))[None, :]
    matched: Bools = (single & kept) | split | joined
    return matched


def _area_precision(predicted: npt.NDArray[Any], truth: npt.NDArray[Any], ignore: Bools) -> Floats:
    """Share (G,D) of each prediction's area inside each true polygon; a region to ignore ends where a text begins."""
    regions = truth.copy()
    if ignore.any():
        regions[ignore] = shapely.difference(truth[ignore], shapely.union_all(truth[~ignore]))
    pairs, areas = overlaps(regions, predicted, np.zeros(1))
    result = np.zeros((len(truth), len(predicted)))
    result[pairs[:, 0], pairs[:, 1]] = areas / shapely.area(predicted[pairs[:, 1]])
    return result


def _inside(predicted: Polygons, points: Floats) -> Bools:
    """Which points (C,2) lie in which predictions, as (D,C), by the parity of the edges to their right.

    Of two predictions that share an edge one alone holds a point on it: left and upper edges belong, the others do not.
    """
    result = np.zeros((len(predicted), len(points)), dtype=bool)
    if not result.size:
        return result
    corners = _padded(predicted)
    x, y = points.T
    low, high = corners.min(axis=1)[:, :, None], corners.max(axis=1)[:, :, None]
    near = np.argwhere((low[:, 0] <= x) & (x <= high[:, 0]) & (low[:, 1] <= y) & (y <= high[:, 1]))
    start = corners[near[:, 0]]
    end = np.roll(start, -1, axis=1)
    x, y = x[near[:, 1], None], y[near[:, 1], None]
    crosses = (start[..., 1] <= y) != (end[..., 1] <= y)
    rise = np.where(crosses, end[..., 1] - start[..., 1], 1.0)
    crosses &= x < start[..., 0] + (y - start[..., 1]) * (end[..., 0] - start[..., 0]) / rise
    result[near[:, 0], near[:, 1]] = crosses.sum(axis=1) % 2 == 1
    return result


def _padded(polygons: Polygons) -> Floats:
    """Corners (N,K,2) of polygons with up to K corners, the last one repeated."""
    corners = np.zeros((len(polygons), max(map(len, polygons)), 2))
    for i, polygon in enumerate(polygons):
        corners[i, : len(polygon)] = polygon
        corners[i, len(polygon) :] = polygon[-1]
    return corners


def _sides(polygon: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    """Upper and lower side of a polygon, both from the start of the text to its end, with as many corners each."""
    corners = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
    half = len(corners) // 2
    upper, lower = corners[:half], corners[half:][::-1]
    if len(upper) < len(lower):
        # An odd number of corners: the upper side repeats its last one.
        upper = np.concatenate([upper, upper[-1:]])
    return upper, lower


def _aspect(polygon: npt.NDArray[Any]) -> float:
    """Mean length of the two sides along the text by the mean length of its two ends."""
    upper, lower = (side.tolist() for side in _sides(polygon))
    along = sum(math.dist(a, b) for side in (upper, lower) for a, b in pairwise(side))
    across = math.dist(upper[0], lower[0]) + math.dist(upper[-1], lower[-1])
    return (along / 2 + 1e-5) / (across / 2 + 1e-5)


def _unknown_characters(polygon: npt.NDArray[Any]) -> int:
    """Characters that a region to ignore is taken to hold."""
    aspect = _aspect(polygon)
    return min(round(0.5 + max(aspect, 1 / aspect)), MOST_UNKNOWN_CHARACTERS)


def _false_characters(polygon: npt.NDArray[Any]) -> int:
    """Characters that a prediction without a match costs: one, more only when it is taller than wide."""
    return min(round(0.5 + 1 / (1e-5 + _aspect(polygon))), MOST_UNKNOWN_CHARACTERS)
