"""LMDB crops: each sample is one crop, its polygon the whole crop."""

from collections.abc import Iterator
from pathlib import Path

from ocr.datasets.annotations import Report, Sample, report_or_raise
from ocr.datasets.lmdb_crops import LmdbCrops
from ocr.errors import AnnotationError, ImageError
from ocr.geometry.quad import box_quad
from ocr.images.load import read_header


def matches(path: Path) -> bool:
    """Whether the path is an LMDB folder."""
    return (path / "data.mdb").is_file()


def read(path: Path, report: Report | None) -> Iterator[Sample]:
    """Stream the crops by number."""
    crops = LmdbCrops(path)
    for index in range(len(crops)):
        try:
            entry = crops.entry(index)
        except AnnotationError as error:
            report_or_raise(error, report)
            continue
        try:
            header = read_header(entry.encoded, name=entry.name)
            polygons = [box_quad(0, 0, header.width, header.height)]
        except ImageError:  # whoever loads the image gets this error again
            polygons = []
        yield Sample(
            image=path / entry.name,
            polygons=polygons,
            texts=[entry.text] * len(polygons),
            ignore=[False] * len(polygons),
            name=entry.name,
            case_free=bool(entry.meta.get("case_free", False)),
            encoded=entry.encoded,
        )
