"""PPOCRLabel: `Label.txt`, a line an image: its path, a tab, and a JSON list of lines with their points.

``###`` is unreadable. The path begins with the name of the folder, as PPOCRLabel writes it.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from durable.replace import write_text
from ocr.datasets.annotations import Report, Sample
from ocr.datasets.layouts.box_text import UNREADABLE, read_lines
from ocr.datasets.layouts.json_file import problem_with

FILE = "Label.txt"
REMEDY = 'write NAME, a tab and [{"transcription": "TOTAL", "points": [[0, 0], [9, 0], [9, 5], [0, 5]]}]'


def matches(path: Path) -> bool:
    """Whether the path is, or holds, a Label.txt."""
    return (path / FILE).is_file() or (path.name == FILE and path.is_file())


def read(path: Path, report: Report | None) -> Iterator[Sample]:
    """Stream the images by name."""
    path = path / FILE if path.is_dir() else path
    samples: list[Sample] = []
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        name, _, content = line.partition("\t")
        try:
            samples.append(_sample(path.parent, name.replace("\\", "/"), json.loads(content)))
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            problem_with(f"{path}:{number}", error, REMEDY, report)
    yield from sorted(samples, key=lambda sample: sample.name)


def write(path: Path, samples: Iterable[Sample]) -> None:
    """Write `Label.txt`, and `fileState.txt` that marks every image as looked at."""
    folder = path.resolve().name
    rows: list[str] = []
    states: list[str] = []
    for sample in samples:
        rows.append(f"{folder}/{sample.name}\t{json.dumps(_entries(sample), ensure_ascii=False)}\n")
        states.append(f"{folder}/{sample.name}\t1\n")
    write_text(path / FILE, "".join(rows))
    write_text(path / "fileState.txt", "".join(states))


def _sample(folder: Path, given: str, entries: Any) -> Sample:
    name = given.removeprefix(f"{folder.resolve().name}/")
    if not (folder / name).is_file() and (folder / Path(name).name).is_file():
        name = Path(name).name  # the folder was renamed
    if not isinstance(entries, list):
        raise TypeError("no list")
    polygons = [np.array(entry["points"], dtype=np.float32).reshape(-1, 2) for entry in entries]
    texts = [entry["transcription"] for entry in entries]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a transcription that is no text")
    ignore = [text == UNREADABLE for text in texts]
    known = [None if hidden else text for text, hidden in zip(texts, ignore, strict=True)]
    return Sample(image=folder / name, polygons=polygons, texts=known, ignore=ignore, name=name)


def _entries(sample: Sample) -> list[dict[str, Any]]:
    return [
        {
            "transcription": UNREADABLE if ignore or text is None else text,
            "points": np.round(polygon.astype(float), 2).tolist(),
            "difficult": ignore,
        }
        for polygon, text, ignore in zip(sample.polygons, sample.texts, sample.ignore, strict=True)
    ]
