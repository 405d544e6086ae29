"""Text files of one polygon a line: the coordinates, then all the rest is the transcript."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ocr.datasets.annotations import Report, Sample, report_or_raise
from ocr.errors import AnnotationError
from ocr.geometry.polygon import Polygon
from ocr.geometry.quad import polygon_quad

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif")
UNREADABLE = "###"
NUMBER = re.compile(r"\s*[-+]?\d+(\.\d+)?\s*")
LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class LabelledPolygon:
    """One line of a box file."""

    polygon: Polygon
    text: str


def decode_text(data: bytes) -> str:
    """Decode UTF-8 or UTF-16 with a byte order mark, UTF-8, or else Windows-1252, which has no invalid text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) and len(data) % 2 == 0:
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file; only line feeds and carriage returns end one. Raises AnnotationError."""
    try:
        return LINE_END.split(decode_text(path.read_bytes()))
    except OSError as error:
        raise AnnotationError(
            path, f"cannot be read ({error.strerror})", "check the path and its permissions"
        ) from error


def leading_numbers(line: str) -> int:
    """Return how many comma-separated fields at the start of the line are numbers."""
    count = 0
    for part in line.split(","):
        if not NUMBER.fullmatch(part):
            break
        count += 1
    return count


def eight_coordinates(line: str) -> LabelledPolygon | None:
    """Read ``x1,y1,...,x4,y4,transcript``; the transcript may have commas and spaces of its own. None if it is not."""
    if leading_numbers(line) < 8:
        return None
    *numbers, text = line.split(",", 8) if line.count(",") >= 8 else [*line.split(","), ""]
    return LabelledPolygon(np.array(numbers, dtype=np.float32).reshape(-1, 2), text)


def read_box_file(
    path: Path, report: Report | None, parse: Callable[[str], LabelledPolygon | None] = eight_coordinates
) -> list[LabelledPolygon]:
    """Return the polygons of one file; a line that is none raises AnnotationError, or is reported and skipped."""
    found: list[LabelledPolygon] = []
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        one = parse(line)
        if one is not None:
            found.append(one)
            continue
        error = AnnotationError(
            f"{path}:{number}", f"{line[:60]!r} is not coordinates and a transcript", "write x1,y1,...,x4,y4,transcript"
        )
        report_or_raise(error, report)
    return found


def image_folder(path: Path) -> Path | None:
    """Return the folder that holds the images of a data set folder."""
    return next((path / name for name in ("img", "image", "images") if (path / name).is_dir()), None)


def image_of(folder: Path, stem: str) -> Path:
    """Return the image of that stem; a .jpg that is not there when there is none, so that the lack is reported."""
    candidates = [folder / f"{stem}{suffix}" for suffix in IMAGE_SUFFIXES]
    candidates += [folder / f"{stem}{suffix.upper()}" for suffix in IMAGE_SUFFIXES]
    return next((candidate for candidate in candidates if candidate.is_file()), candidates[0])


def read_folder(
    annotations: list[tuple[Path, Path]],
    report: Report | None,
    *,
    parse: Callable[[str], LabelledPolygon | None] = eight_coordinates,
    unreadable: str | None = None,
    case_free: bool = False,
) -> Iterator[Sample]:
    """Stream one sample per (box file, image); a transcript equal to `unreadable` marks what to ignore."""
    for boxes, image in annotations:
        found = read_box_file(boxes, report, parse)
        ignore = [one.text == unreadable for one in found]
        yield Sample(
            image=image,
            polygons=[one.polygon for one in found],
            texts=[None if hidden else one.text for one, hidden in zip(found, ignore, strict=True)],
            ignore=ignore,
            name=image.name,
            case_free=case_free,
        )


def box_lines(sample: Sample, *, keep_ignored: bool) -> str:
    """A box file: whole pixels of quads (any other polygon as the rectangle around it), then the text on one line.

    A line that is to be ignored, or has no text, is ``###``; without `keep_ignored` it is left out.
    """
    rows = []
    for polygon, text, ignore in zip(sample.polygons, sample.texts, sample.ignore, strict=True):
        hidden = ignore or text is None
        if hidden and not keep_ignored:
            continue
        numbers = ",".join(str(round(float(value))) for value in polygon_quad(polygon).ravel())
        rows.append(f"{numbers},{UNREADABLE if hidden else ' '.join(LINE_END.split(text or ''))}\n")
    return "".join(rows)
