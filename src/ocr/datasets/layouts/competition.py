"""The competition's JSON: ``{"images": {name: {"words": {id: {"points": [[x, y], ...], "transcription"?}}}}}``.

Predictions have the same form, with a `confidence` for each word.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from durable.replace import write_json
from ocr.datasets.annotations import Report, Sample, report_or_raise
from ocr.datasets.layouts.json_file import load_json
from ocr.errors import AnnotationError

REMEDY = 'write {"images": {"a.jpg": {"words": {"0001": {"points": [[0, 0], [9, 0], [9, 5], [0, 5]]}}}}}'


def matches(path: Path) -> bool:
    """Whether the path is a JSON file or a folder with annotations.json."""
    return (path.suffix == ".json" and path.is_file()) or (path / "annotations.json").is_file()


def read(path: Path, report: Report | None) -> Iterator[Sample]:
    """Stream the images by name. Raises AnnotationError when the file is no such JSON, reported or not."""
    path = path / "annotations.json" if path.is_dir() else path
    images = _images(path)
    folder = _image_folder(path, next(iter(images), ""))
    for name in sorted(images):
        words = _words(path, name, images[name], report)
        confidences = [float(word["confidence"]) for word in words if word.get("confidence") is not None]
        yield Sample(
            image=folder / name,
            polygons=[np.array(word["points"], dtype=np.float32) for word in words],
            texts=[word.get("transcription") for word in words],
            ignore=[word.get("illegibility") is True for word in words],
            name=name,
            confidences=confidences if words and len(confidences) == len(words) else None,
        )


def write(path: Path, samples: Iterable[Sample]) -> None:
    """Write samples, or predictions when they have confidences, in this form, atomically."""
    write_json(path, content(samples))


def content(samples: Iterable[Sample]) -> dict[str, Any]:
    """What a file of this form holds for samples."""
    return {"images": {sample.name: {"words": _written(sample)} for sample in samples}}


def _written(sample: Sample) -> dict[str, Any]:
    words: dict[str, Any] = {}
    for index, polygon in enumerate(sample.polygons):
        word: dict[str, Any] = {"points": np.round(polygon.astype(float), 2).tolist()}
        if (text := sample.texts[index]) is not None:
            word["transcription"] = text
        if sample.ignore[index]:
            word["illegibility"] = True
        if sample.confidences is not None:
            word["confidence"] = round(sample.confidences[index], 6)
        words[f"{index + 1:04d}"] = word
    return words


def _images(path: Path) -> dict[str, Any]:
    content = load_json(path, REMEDY)
    images = content.get("images") if isinstance(content, dict) else None
    if not isinstance(images, dict):
        raise AnnotationError(path, 'is JSON without an "images" object, so no annotations', REMEDY)
    return images


def _words(path: Path, name: str, image: Any, report: Report | None) -> list[dict[str, Any]]:
    """Return the usable words of one image; missing and null words are none at all."""
    words = image.get("words") if isinstance(image, dict) else image
    usable: list[dict[str, Any]] = []
    for key, word in ({} if words is None else words if isinstance(words, dict) else {"": words}).items():
        problem = _problem(word)
        if problem is None:
            usable.append(word)
            continue
        error = AnnotationError(f"{path}: images/{name}/words/{key}", problem, REMEDY)
        report_or_raise(error, report)
    return usable


def _problem(word: Any) -> str | None:
    """Return what keeps a word from being read."""
    if not isinstance(word, dict):
        return "is not an object"
    points = word.get("points")
    if not isinstance(points, list) or not all(_is_point(point) for point in points):
        return "points is not a list of [x, y]"
    if not isinstance(word.get("transcription"), str | None):
        return "transcription is not a text"
    confidence = word.get("confidence")
    if confidence is not None and not _is_number(confidence):
        return "confidence is not a number"
    return None


def _is_point(point: Any) -> bool:
    return isinstance(point, list) and len(point) == 2 and all(map(_is_number, point))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _image_folder(path: Path, name: str) -> Path:
    """Return where the images of a JSON file are: beside it, or in the folders such data sets use."""
    near, above = path.parent, path.parent.parent
    candidates = [
        near,
        near / "images",
        near / path.stem,
        above / "images" / path.stem,
        above / f"images_{path.stem}_canonical",
        above / "images",
    ]
    return next((folder for folder in candidates if (folder / name).is_file()), near)
