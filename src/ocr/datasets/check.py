"""Look through data before training: all that is wrong with images, polygons and labels, at once."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import combinations, islice
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ocr.datasets.annotations import Sample, detect_layout, read_samples
from ocr.datasets.manifest import combine, manifest_line
from ocr.datasets.perceptual_hash import Hash, image_hash, near_pairs
from ocr.errors import AnnotationError, ImageError
from ocr.geometry.quad import min_area_quad, quad_size
from ocr.geometry.validate import validate
from ocr.images.load import read_header
from ocr.specs.preprocess import PreprocessSpec, target_size
from ocr.text.charset import Charset
from ocr.text.normalize import nfc

Severity = Literal["error", "warning"]

CODES: dict[str, tuple[Severity, str]] = {
    "unreadable-annotation": ("error", "the annotation, or a part of it, cannot be read"),
    "unreadable-image": ("error", "the image cannot be decoded"),
    "exif-rotated": ("warning", "the image is stored turned; are its boxes those of the image as displayed?"),
    "no-polygons": ("warning", "the image has no polygon at all"),
    "bad-polygon": ("error", "a polygon that training and judging drop"),
    "repaired-polygon": ("warning", "a polygon that is used after a repair"),
    "empty-label": ("error", "a label without a character"),
    "long-label": ("error", "a label longer than the recognizer can write"),
    "not-nfc": ("warning", "a label that is not in Unicode normal form C"),
    "outside-charset": ("error", "a label with characters outside the charset"),
    "near-duplicate": ("error", "an image that is also in another of the data sets"),
}
PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
SMALL_TEXT = 8
"""Below so many pixels of height at the model's input, text is hardly found."""
MIN_HASHED_SIDE = 64
"""Smaller images (word crops) have too little in them to call two of them the same."""
SAME_SHAPE = 0.05
WINDOW = 32


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong: where, what kind (a key of `CODES`) and what exactly."""

    file: str
    code: str
    message: str

    @property
    def severity(self) -> Severity:
        """How bad its kind is."""
        return CODES[self.code][0]


@dataclass(frozen=True)
class Limits:
    """What the model to be trained can take."""

    charset: Charset
    max_length: int
    max_side: int


@dataclass
class SetReport:
    """What one data set holds."""

    path: str
    layout: str
    images: int = 0
    polygons: int = 0
    ignored: int = 0
    labels: int = 0
    manifest_hash: str = ""


@dataclass
class CheckReport:
    """Problems, sorted; heights of text in pixels at the model's input; how often which character is missing."""

    sets: list[SetReport] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    heights: list[float] = field(default_factory=list)
    missing: Counter[str] = field(default_factory=Counter)

    def text_height(self) -> dict[str, float]:
        """Return percentiles of the height, and the share of polygons that are very small; empty without polygons."""
        if not self.heights:
            return {}
        values = np.percentile(self.heights, PERCENTILES)
        found = {f"p{p}": round(float(value), 1) for p, value in zip(PERCENTILES, values, strict=True)}
        return found | {f"share_below_{SMALL_TEXT}": round(float(np.mean(np.array(self.heights) < SMALL_TEXT)), 4)}

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain JSON values, with the summary that every tool here has."""
        by_severity = Counter(problem.severity for problem in self.problems)
        return {
            "count": len(self.problems),
            "by_code": dict(sorted(Counter(problem.code for problem in self.problems).items())),
            "by_severity": dict(sorted(by_severity.items())),
            "files": sorted({problem.file for problem in self.problems}),
            "data": [asdict(report) for report in self.sets],
            "missing_characters": dict(self.missing.most_common()),
            "text_height": self.text_height(),
            "problems": [asdict(problem) | {"severity": problem.severity} for problem in self.problems],
        }


@dataclass
class _Seen:
    """What one sample gave."""

    name: str
    file: str
    manifest_line: str = ""
    problems: list[Problem] = field(default_factory=list)
    heights: list[float] = field(default_factory=list)
    missing: Counter[str] = field(default_factory=Counter)
    hash: Hash | None = None
    aspect: float = 1.0


def check(
    paths: Iterable[Path],
    limits: Limits,
    *,
    layout: str = "auto",
    workers: int = 2,
    done: Callable[[], object] = lambda: None,
) -> CheckReport:
    """Check data sets, each path one split; `done` is called after each image.

    Images are decoded in `workers` threads, a window of them at a time. Raises AnnotationError only when a path holds
    no annotations of a known layout.
    """
    report = CheckReport()
    seen: list[list[_Seen]] = []
    with ThreadPoolExecutor(workers) as pool:
        for path in paths:
            summary = SetReport(str(path), layout if layout != "auto" else detect_layout(path))
            report.sets.append(summary)
            samples = _samples(path, summary.layout, report)
            of_set: list[_Seen] = []
            while window := list(islice(samples, WINDOW)):
                for sample, found in zip(window, pool.map(lambda one: look_at(one, limits), window), strict=True):
                    _count(summary, sample)
                    report.problems += found.problems
                    report.heights += found.heights
                    report.missing += found.missing
                    of_set.append(found)
                    done()
            summary.manifest_hash = combine(found.manifest_line for found in of_set)
            seen.append(of_set)
    for (first, own), (second, other) in combinations(zip(report.sets, seen, strict=True), 2):
        report.problems += _near_duplicates(own, other, second.path if first.path != second.path else "itself")
    report.problems.sort()
    return report


def look_at(sample: Sample, limits: Limits) -> _Seen:
    """Check one sample, its image included."""
    name = str(sample.image)
    seen = _Seen(sample.name, name, manifest_line(sample))

    def add(code: str, message: str) -> None:
        seen.problems.append(Problem(name, code, message))

    for index, (text, ignored) in enumerate(zip(sample.texts, sample.ignore, strict=True), start=1):
        if text is not None and not ignored:
            for code, message in _label_problems(text, limits):
                add(code, f"polygon {index}: {message}")
            seen.missing.update(c for c in nfc(text) if c not in limits.charset)
    try:
        header = read_header(sample.encoded or sample.image, name=name)
        image = sample.load()
    except ImageError as error:
        add("unreadable-image", f"{error.reason}; {error.remedy}")
        return seen
    if header.orientation != 1:
        add("exif-rotated", f"EXIF orientation {header.orientation}")
    if not sample.polygons:
        add("no-polygons", CODES["no-polygons"][1])
    height, width = image.shape[:2]
    model_width, model_height = target_size(PreprocessSpec(resize="limit", max_side=limits.max_side), width, height)
    for index, points in enumerate(sample.polygons, start=1):
        checked = validate(points, (width, height))
        if checked.reason is not None:
            add("repaired-polygon" if checked.repaired else "bad-polygon", f"polygon {index}: {checked.reason}")
        if checked.polygon is not None and not sample.ignore[index - 1]:
            scale = np.array([model_width / width, model_height / height], dtype=np.float32)
            seen.heights.append(min(quad_size(min_area_quad(checked.polygon * scale))))
    if min(width, height) >= MIN_HASHED_SIDE:
        seen.hash, seen.aspect = image_hash(image), width / height
    return seen


def _label_problems(text: str, limits: Limits) -> Iterator[tuple[str, str]]:
    if not text.strip():
        yield "empty-label", "the label is empty"
    normal = nfc(text)
    if len(normal) > limits.max_length:
        yield "long-label", f"{len(normal)} characters, more than {limits.max_length}: {normal[:40]!r}..."
    if not unicodedata.is_normalized("NFC", text):
        yield "not-nfc", f"{text!r} is not in normal form C"
    if missing := limits.charset.missing(normal):
        yield "outside-charset", f"{' '.join(missing)} in {normal[:60]!r}"


def _samples(path: Path, layout: str, report: CheckReport) -> Iterator[Sample]:
    """Stream the samples; what cannot be read becomes a problem."""

    def add(error: AnnotationError) -> None:
        report.problems.append(Problem(error.source, "unreadable-annotation", f"{error.reason}; {error.remedy}"))

    try:
        yield from read_samples(path, layout=layout, report=add)
    except AnnotationError as error:
        add(error)


def _count(summary: SetReport, sample: Sample) -> None:
    summary.images += 1
    summary.polygons += len(sample.polygons)
    summary.ignored += sum(sample.ignore)
    summary.labels += sum(text is not None for text in sample.texts)


def _near_duplicates(own: list[_Seen], other: list[_Seen], where: str) -> Iterator[Problem]:
    first = [(seen, seen.hash) for seen in own if seen.hash is not None]
    second = [(seen, seen.hash) for seen in other if seen.hash is not None]
    for i, j, bits in near_pairs([own_hash for _, own_hash in first], [other_hash for _, other_hash in second]):
        here, there = first[i][0], second[j][0]
        if abs(here.aspect / there.aspect - 1) <= SAME_SHAPE:
            yield Problem(
                here.file, "near-duplicate", f"looks like {there.name} of {where} ({bits} of 255 bits differ)"
            )
