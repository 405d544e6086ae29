"""COCO-Text 2 (Veit et al., 2016): one JSON of ``imgs`` and ``anns`` by id, a polygon as ``mask: [x1, y1, ...]``.

Version 1 (``polygon``) and TextOCR (``points``), which have the same form, are read too; without one of them the
``bbox`` is. What is ``illegible`` is to be ignored.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from durable.replace import write_json
from ocr.datasets.annotations import Report, Sample
from ocr.datasets.layouts.json_file import beginning, load_json, problem_with
from ocr.errors import AnnotationError
from ocr.geometry.polygon import Polygon
from ocr.geometry.quad import box_quad
from ocr.images.load import read_header

FILE = "cocotext.v2.json"
OUTLINES = ("mask", "polygon", "points")
ILLEGIBLE = "illegible"
# Folders that the images of COCO come in.
FOLDERS = ("", "images", "train2014", "val2014")
REMEDY = 'write {"imgs": {"1": {"id": 1, "file_name": "a.jpg"}}, "anns": {"1": {"image_id": 1, "mask": [...]}}}'


def matches(path: Path) -> bool:
    """Whether the path is such a JSON, or a folder with cocotext.v2.json."""
    start = beginning(path)
    return (path / FILE).is_file() or any(key in start for key in (b'"imgs"', b'"utf8_string"', b'"legibility"'))


def read(path: Path, report: Report | None) -> Iterator[Sample]:
    """Stream the images by name, those without annotations too."""
    path = path / FILE if path.is_dir() else path
    content = load_json(path, REMEDY)
    images, annotations = (content.get(key) if isinstance(content, dict) else None for key in ("imgs", "anns"))
    if not isinstance(images, dict) or not isinstance(annotations, dict):
        raise AnnotationError(path, 'is JSON without the objects "imgs" and "anns"', REMEDY)
    by_image: dict[str, list[Any]] = {}
    for key, annotation in annotations.items():
        try:
            by_image.setdefault(str(annotation["image_id"]), []).append((key, annotation))
        except (KeyError, TypeError) as error:
            problem_with(f"{path}: anns/{key}", error, REMEDY, report)
    samples: list[Sample] = []
    for key, image in images.items():
        try:
            name = image["file_name"].replace("\\", "/")
        except (KeyError, TypeError, AttributeError) as error:
            problem_with(f"{path}: imgs/{key}", error, REMEDY, report)
            continue
        samples.append(_sample(path, name, by_image.get(str(image.get("id", key)), []), report))
    yield from sorted(samples, key=lambda sample: sample.name)


def write(path: Path, samples: Iterable[Sample]) -> None:
    """Write `cocotext.v2.json`; raises ImageError where an image cannot be read, as its size is needed."""
    content: dict[str, Any] = {"info": {"version": "2.0"}, "cats": {}, "imgs": {}, "anns": {}, "imgToAnns": {}}
    for number, sample in enumerate(samples, start=1):
        header = read_header(sample.image if sample.encoded is None else sample.encoded, name=str(sample.image))
        size = {"width": header.width, "height": header.height}
        content["imgs"][str(number)] = {"id": number, "set": "train", "file_name": sample.name} | size
        first = len(content["anns"]) + 1
        written = [_written(sample, index, number, first + index) for index in range(len(sample.polygons))]
        content["anns"] |= {str(one["id"]): one for one in written}
        content["imgToAnns"][str(number)] = [one["id"] for one in written]
    write_json(path / FILE, content)


def _sample(path: Path, name: str, annotations: list[tuple[str, Any]], report: Report | None) -> Sample:
    polygons: list[Polygon] = []
    texts: list[str | None] = []
    ignore: list[bool] = []
    for key, annotation in annotations:
        try:
            polygon, text = _polygon(annotation), annotation.get("utf8_string")
            if not isinstance(text, str | None):
                raise TypeError("a utf8_string that is no text")
        except (KeyError, TypeError, ValueError) as error:
            problem_with(f"{path}: anns/{key}", error, REMEDY, report)
            continue
        polygons.append(polygon)
        texts.append(text)
        ignore.append(annotation.get("legibility") == ILLEGIBLE)
    places = [path.parent / folder / name for folder in FOLDERS]
    image = next((place for place in places if place.is_file()), places[0])
    return Sample(image=image, polygons=polygons, texts=texts, ignore=ignore, name=name)


def _polygon(annotation: Any) -> Polygon:
    """Its outline, or else its box, given as corner and size."""
    outline = next((annotation[key] for key in OUTLINES if annotation.get(key)), None)
    if outline is None:
        x, y, width, height = (float(number) for number in annotation["bbox"])
        return box_quad(x, y, x + width, y + height)
    numbers = np.array(outline, dtype=np.float32)
    if numbers.ndim != 1 or len(numbers) < 6 or len(numbers) % 2:
        raise ValueError(f"{str(outline)[:40]} is no polygon")
    return numbers.reshape(-1, 2)


def _written(sample: Sample, index: int, image: int, number: int) -> dict[str, Any]:
    """One annotation; class and language are those of text of which nothing is known."""
    polygon, text = np.round(sample.polygons[index].astype(float), 2), sample.texts[index]
    corner, far = polygon.min(axis=0), polygon.max(axis=0)
    annotation = {
        "id": number,
        "image_id": image,
        "mask": polygon.ravel().tolist(),
        "bbox": np.round([*corner, *(far - corner)], 2).tolist(),
        "area": round(float(cv2.contourArea(polygon.astype(np.float32))), 2),
        "class": "others",
        "language": "na",
        "legibility": ILLEGIBLE if sample.ignore[index] else "legible",
    }
    return annotation if text is None else annotation | {"utf8_string": text}
