"""CORD (Park et al., 2019): `json/NAME.json` beside `image/NAME.png`; words with a quad, in groups of one meaning.

Each word is a line of its own. Rows of one symbol (``repeating_symbol``) and what the data set calls ``dontcare`` are
to be ignored. The meanings (``category``) are no annotations of place and text, and are passed over.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from durable.replace import write_json
from ocr.datasets.annotations import Report, Sample, report_or_raise
from ocr.datasets.layouts.box_text import image_folder, image_of
from ocr.datasets.layouts.json_file import load_json, problem_with
from ocr.errors import AnnotationError
from ocr.geometry.polygon import Polygon
from ocr.geometry.quad import polygon_quad
from ocr.images.load import read_header

FOLDER = "json"
HIDDEN = ("repeating_symbol", "dontcare")
REMEDY = 'write {"valid_line": [{"words": [{"quad": {"x1": 0, "y1": 0, ..., "y4": 9}, "text": "TOTAL"}]}]}'


def matches(path: Path) -> bool:
    """Whether the folder has `json` with files, and an image folder."""
    return image_folder(path) is not None and next((path / FOLDER).glob("*.json"), None) is not None


def read(path: Path, report: Report | None) -> Iterator[Sample]:
    """Stream the images by name."""
    images = image_folder(path) or path
    for file in sorted((path / FOLDER).glob("*.json")):
        try:
            content = load_json(file, REMEDY)
        except AnnotationError as error:
            report_or_raise(error, report)
            continue
        try:
            words = [(word, False) for line in content["valid_line"] for word in line["words"]]
            words += [(word, True) for key in HIDDEN for word in _flat(content.get(key) or [])]
            image = image_of(images, file.stem)
            yield Sample(
                image=image,
                polygons=[_polygon(word) for word, _ in words],
                texts=[_text(word) for word, _ in words],
                ignore=[hidden for _, hidden in words],
                name=image.name,
            )
        except (KeyError, TypeError, ValueError) as error:
            problem_with(str(file), error, REMEDY, report)


def write(path: Path, samples: Iterable[Sample]) -> None:
    """Write `json/NAME.json` for each image, without meanings; raises ImageError where an image cannot be read."""
    (path / FOLDER).mkdir(parents=True, exist_ok=True)
    for number, sample in enumerate(samples):
        header = read_header(sample.image if sample.encoded is None else sample.encoded, name=str(sample.image))
        words = [
            {"quad": _quad(polygon), "is_key": 0, "row_id": index, "text": text or ""}
            for index, (polygon, text) in enumerate(zip(sample.polygons, sample.texts, strict=True))
        ]
        content = {
            "meta": {
                "version": "2.0.0",
                "split": "train",
                "image_id": number,
                "image_size": {"width": header.width, "height": header.height},
            },
            "valid_line": [
                {"words": [word], "category": "", "group_id": index, "sub_group_id": 0}
                for index, word in enumerate(words)
                if not sample.ignore[index]
            ],
            "roi": {},
            "repeating_symbol": [],
            "dontcare": [[word] for index, word in enumerate(words) if sample.ignore[index]],
        }
        write_json(path / FOLDER / f"{Path(sample.name).stem}.json", content)


def _flat(entries: list[Any]) -> Iterator[Any]:
    """Entries of lists and of lists of lists."""
    for entry in entries:
        if isinstance(entry, list):
            yield from entry
        else:
            yield entry


def _polygon(word: Any) -> Polygon:
    quad = word.get("quad", word) if isinstance(word, dict) else word
    return np.array([[quad[f"x{corner}"], quad[f"y{corner}"]] for corner in range(1, 5)], dtype=np.float32)


def _text(word: Any) -> str | None:
    text = word.get("text")
    if not isinstance(text, str | None):
        raise TypeError("a text that is none")
    return text or None


def _quad(polygon: Polygon) -> dict[str, int]:
    """Whole pixels of a quad; of any other polygon those of the rectangle around it."""
    corners = enumerate(polygon_quad(polygon).tolist(), start=1)
    return {
        f"{axis}{number}": round(value) for number, point in corners for axis, value in zip("xy", point, strict=True)
    }
