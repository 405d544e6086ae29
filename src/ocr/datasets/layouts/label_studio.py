"""Label Studio's JSON export: tasks with annotations, whose places are per cent of the image.

A line is up to three results that share an id: a polygon or rectangle, its text, and a label: ``Text``, or ``Ignore``
for what is neither to be found nor learnt. Images are named by path, by URL or as Label Studio's own uploads are.
"""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from durable.replace import write_json
from ocr.datasets.annotations import Report, Sample
from ocr.datasets.layouts.json_file import beginning, load_json, problem_with
from ocr.errors import AnnotationError
from ocr.geometry.polygon import Polygon
from ocr.images.load import read_header

FILE = "label_studio.json"
IGNORE = "Ignore"
REMEDY = "export the project as JSON"


def matches(path: Path) -> bool:
    """Whether the path is a JSON list of tasks, or a folder with label_studio.json."""
    start = beginning(path)
    return (path / FILE).is_file() or (start.lstrip().startswith(b"[") and b'"data"' in start)


def read(path: Path, report: Report | None) -> Iterator[Sample]:
    """Stream the tasks by image name; a task without an annotation has no lines."""
    path = path / FILE if path.is_dir() else path
    tasks = load_json(path, REMEDY)
    if not isinstance(tasks, list):
        raise AnnotationError(path, "is no list of tasks", REMEDY)
    samples: list[Sample] = []
    for number, task in enumerate(tasks):
        try:
            samples.append(_sample(path.parent, task))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            problem_with(f"{path}: task {number}", error, REMEDY, report)
    yield from sorted(samples, key=lambda sample: sample.name)


def write(path: Path, samples: Iterable[Sample]) -> None:
    """Write tasks to import into a project; raises ImageError where an image cannot be read, as its size is needed."""
    write_json(path / FILE, [_task(number, sample) for number, sample in enumerate(samples, start=1)])


def _sample(folder: Path, task: Any) -> Sample:
    data = task["data"]
    source = next((data[key] for key in ("ocr", "image", *data) if isinstance(data.get(key), str)), None)
    if source is None:
        raise KeyError("image")
    name = _file_name(source)
    done = [one for one in task.get("annotations", ()) if not one.get("was_cancelled")]
    results = done[-1]["result"] if done else []
    polygons: dict[str, Polygon] = {}
    texts: dict[str, str] = {}
    ignored: set[str] = set()
    for one in results:
        value = one["value"]
        if "points" in value or "width" in value:
            polygons.setdefault(one["id"], _polygon(one))
        if "text" in value:
            texts[one["id"]] = "".join(value["text"]) if isinstance(value["text"], list) else str(value["text"])
        labels = [label for key in ("labels", "polygonlabels", "rectanglelabels") for label in value.get(key, ())]
        if IGNORE in labels:
            ignored.add(one["id"])
    return Sample(
        image=next((place / name for place in (folder, folder / "images") if (place / name).is_file()), folder / name),
        polygons=list(polygons.values()),
        texts=[texts.get(one) for one in polygons],
        ignore=[one in ignored for one in polygons],
        name=name,
    )


def _polygon(result: Any) -> Polygon:
    """Pixels of a polygon, or of a rectangle that is turned about its top left corner."""
    value, size = result["value"], np.array([result["original_width"], result["original_height"]])
    if "points" in value:
        return np.array(np.array(value["points"], dtype=np.float64) * size / 100, dtype=np.float32).reshape(-1, 2)
    corner = np.array([value["x"], value["y"]]) * size / 100
    across, down = np.array([value["width"], value["height"]]) * size / 100
    angle = math.radians(value.get("rotation", 0))
    right = np.array([math.cos(angle), math.sin(angle)]) * across
    lower = np.array([-math.sin(angle), math.cos(angle)]) * down
    return np.array([corner, corner + right, corner + right + lower, corner + lower], dtype=np.float32)


def _file_name(source: str) -> str:
    """Name of the file that a path, a URL or Label Studio's `?d=path` points to."""
    parts = urlsplit(source)
    given = parse_qs(parts.query).get("d", [unquote(parts.path)])[0]
    return given.replace("\\", "/").rsplit("/", 1)[-1]


def _task(number: int, sample: Sample) -> dict[str, Any]:
    header = read_header(sample.image if sample.encoded is None else sample.encoded, name=str(sample.image))
    size = np.array([header.width, header.height])
    results: list[dict[str, Any]] = []
    for index, (polygon, text, ignore) in enumerate(zip(sample.polygons, sample.texts, sample.ignore, strict=True)):
        common = {
            "id": f"line{index + 1}",
            "original_width": header.width,
            "original_height": header.height,
            "image_rotation": 0,
            "to_name": "image",
        }
        points = {"points": (polygon.astype(np.float64) * 100 / size).round(6).tolist(), "closed": True}
        label = [IGNORE if ignore else "Text"]
        results.append(common | {"from_name": "polygon", "type": "polygon", "value": points})
        results.append(common | {"from_name": "label", "type": "labels", "value": points | {"labels": label}})
        if text is not None:
            value = points | {"text": [text]}
            results.append(common | {"from_name": "transcription", "type": "textarea", "value": value})
    return {"id": number, "data": {"ocr": sample.name}, "annotations": [{"id": number, "result": results}]}
