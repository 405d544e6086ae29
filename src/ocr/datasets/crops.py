"""Cut the lines of annotated images into LMDB, for a recognizer to learn from."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ocr.datasets.annotations import Sample, read_samples
from ocr.datasets.lmdb_crops import LmdbWriter, encode_jpeg
from ocr.errors import ImageError
from ocr.geometry.crop import crop_quad
from ocr.geometry.quad import polygon_quad, quad_size
from ocr.geometry.validate import validate
from ocr.text.normalize import nfc

Crop = tuple[bytes, str, dict[str, Any]]
SPEC = {"format": 1, "crops": "quad, JPEG 95, NFC"}
QUEUED = 4  # images in work per worker: enough to keep them busy, few enough to hold in memory


@dataclass
class CropReport:
    """How many crops were added, how many images were done before, and what was left out for which reason."""

    added: int = 0
    already: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)


def cut_crops(sample: Sample, *, min_height: int = 4) -> tuple[list[Crop], Counter[str]]:
    """Return the labelled polygons of one image as perspective-corrected crops, and what was left out and why.

    Raises ImageError when the image cannot be decoded.
    """
    image = sample.load()
    left_out: Counter[str] = Counter()
    crops: list[Crop] = []
    for index, (points, text, ignored) in enumerate(zip(sample.polygons, sample.texts, sample.ignore, strict=True)):
        label = nfc(text or "").strip()
        if ignored or not label:
            left_out["ignored" if ignored else "no label"] += 1
            continue
        checked = validate(points, (image.shape[1], image.shape[0]))
        if checked.polygon is None:
            left_out[checked.reason or ""] += 1
            continue
        quad = polygon_quad(checked.polygon)
        width, height = quad_size(quad)
        if min(width, height) < min_height:
            left_out[f"under {min_height} pixels"] += 1
            continue
        crop = crop_quad(image, quad)
        meta = {
            "source": sample.name,
            "line": index,
            "width": crop.shape[1],
            "height": crop.shape[0],
            "case_free": sample.case_free,
        }
        crops.append((encode_jpeg(crop), label, meta))
    return crops, left_out


def write_crops(
    paths: Iterable[Path],
    out: Path,
    *,
    layout: str = "auto",
    workers: int = 1,
    case_free: bool | None = None,
    done: Callable[[], object] = lambda: None,
) -> CropReport:
    """Cut the lines of data sets into an LMDB folder; `done` is called after each image.

    The crops of one image are written in one transaction together with the mark that it is done: killed at any moment
    and started again it goes on where it was, and what comes out is the same for any number of workers. `case_free`
    overrides what the layout says about the labels. Raises AnnotationError, and OcrError when `out` holds other data.
    """
    report = CropReport()
    with LmdbWriter(out, spec=SPEC) as writer:
        todo = _todo(paths, layout, case_free, writer, report, done)
        for source, crops, left_out, problem in _in_order(todo, workers):
            if problem is not None:
                report.unreadable.append(problem)
            else:
                report.added += writer.add(source, crops)
                report.left_out += left_out
            done()
    return report


@dataclass(frozen=True)
class _Task:
    source: str
    sample: Sample


_Result = tuple[str, list[Crop], Counter[str], str | None]


def _todo(
    paths: Iterable[Path],
    layout: str,
    case_free: bool | None,
    writer: LmdbWriter,
    report: CropReport,
    done: Callable[[], object],
) -> Iterator[_Task]:
    for path in paths:
        for sample in read_samples(path, layout=layout):
            source = str(sample.image.resolve())
            if writer.has(source):
                report.already += 1
                done()
            else:
                free = sample.case_free if case_free is None else case_free
                yield _Task(source, replace(sample, case_free=free))


def _cut(task: _Task) -> _Result:
    try:
        crops, left_out = cut_crops(task.sample)
    except ImageError as error:
        return task.source, [], Counter(), str(error)
    return task.source, crops, left_out, None


def _in_order(tasks: Iterator[_Task], workers: int) -> Iterator[_Result]:
    """Cut in threads, some images ahead, and yield in the order of the tasks.

    Threads, since decoding, warping and encoding happen outside the interpreter's lock, and a killed parent leaves no
    worker processes behind.
    """
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[_Result]] = deque()
        for task in tasks:
            waiting.append(pool.submit(_cut, task))
            if len(waiting) >= QUEUED * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
