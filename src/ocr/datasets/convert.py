"""Data sets from one layout to another, images included, so that label tools and trainers can take them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path, PurePosixPath

from durable.replace import write_bytes
from ocr.datasets.annotations import Report, Sample, read_samples
from ocr.errors import AnnotationError, ConfigError

TARGETS = {
    "label_studio": ("ocr.datasets.layouts.label_studio", "images", ""),
    "ppocrlabel": ("ocr.datasets.layouts.ppocrlabel", "", ""),
    "icdar2015": ("ocr.datasets.layouts.icdar2015", "img", ""),
    "sroie": ("ocr.datasets.layouts.sroie", "img", ""),
    "competition": ("ocr.datasets.layouts.competition", "images", "annotations.json"),
    "submission": ("ocr.datasets.layouts.submission", "images", ""),
    "cvat": ("ocr.datasets.layouts.cvat", "images", ""),
    "coco_text": ("ocr.datasets.layouts.coco_text", "images", ""),
    "cord": ("ocr.datasets.layouts.cord", "image", ""),
}
"""For each layout that can be written its module, the folder of its images, and the file it writes where it asks."""

# Layouts that do not hold every line: whether one has a place, by what is to be ignored and its text.
_PLACES: dict[str, Callable[[bool, str | None], bool]] = {
    "sroie": lambda ignore, text: not ignore and text is not None,
    "submission": lambda ignore, _: not ignore,
}


@dataclass
class Conversion:
    """What was written, for how many lines the layout has no place, and what was left out and why."""

    images: int = 0
    lines: int = 0
    lines_without_place: int = 0
    left_out: list[str] = field(default_factory=list)


def convert(
    source: Path, target: str, out: Path, *, layout: str = "auto", images: bool = True, done: Callable[[], object]
) -> Conversion:
    """Write a data set into the folder ``out`` in another layout.

    Names are flattened and made unique, so that nothing is written outside ``out``. What cannot be read is left out
    and told. ``images`` copies the images too. Raises ConfigError when there is no such layout, or ``out`` is not
    empty.
    """
    if target not in TARGETS:
        raise ConfigError(f"layout {target!r} cannot be written; choose {', '.join(TARGETS)}")
    if out.is_dir() and any(out.iterdir()):
        raise ConfigError(f"{out}: is not empty; give a new folder")
    module, folder, file = TARGETS[target]
    conversion = Conversion()

    def told(error: AnnotationError) -> None:
        conversion.left_out.append(str(error))

    (out / folder).mkdir(parents=True, exist_ok=True)
    samples = read_samples(source, layout=layout, report=told)
    placed = _placed(samples, out / folder, copy=images, report=told, done=done)
    import_module(module).write(out / file if file else out, _counted(placed, target, conversion))
    return conversion


def _counted(samples: Iterable[Sample], target: str, conversion: Conversion) -> Iterator[Sample]:
    """Count what the layout has a place for. An image without a line has one in all but the submission."""
    has_place = _PLACES.get(target, lambda *_: True)
    for sample in samples:
        lines = sum(map(has_place, sample.ignore, sample.texts))
        conversion.images += bool(lines or target != "submission")
        conversion.lines += lines
        conversion.lines_without_place += len(sample.polygons) - lines
        yield sample


def _placed(
    samples: Iterable[Sample],
    folder: Path,
    *,
    copy: bool,
    report: Report,
    done: Callable[[], object],
) -> Iterator[Sample]:
    """Yield the samples under the names they get, each with its image in place."""
    taken: set[str] = set()
    for sample in samples:
        done()
        name = _free_name(sample, taken)
        image = folder / name
        try:
            data = sample.image.read_bytes() if sample.encoded is None else sample.encoded
        except OSError as error:
            report(
                AnnotationError(sample.image, f"cannot be read ({error.strerror})", "put the image where it is said")
            )
            continue
        if copy:
            write_bytes(image, data)
        yield replace(
            sample, name=name, image=image if copy else sample.image, encoded=None if copy else sample.encoded
        )


def _free_name(sample: Sample, taken: set[str]) -> str:
    """A file name without folders whose stem no other image has: annotation files are called by the stem."""
    parts = [part for part in PurePosixPath(sample.name.replace("\\", "/")).parts if part not in ("/", "..", ".")]
    flat = PurePosixPath("-".join(parts) or "image")
    suffix = flat.suffix or sample.image.suffix or ".png"
    stem, number = flat.stem, 1
    while stem in taken:
        number += 1
        stem = f"{flat.stem}-{number}"
    taken.add(stem)
    return f"{stem}{suffix}"
