"""A list that `ocr data split` wrote (`NAME.split.json`): which samples of which data sets belong together."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ocr.datasets.annotations import Report, Sample, read_samples
from ocr.errors import AnnotationError
from ocr.schema import Mismatch, from_json

SUFFIX = ".split.json"
REMEDY = "write it again with `ocr data split`"


class Source(BaseModel):
    """Samples of one data set; `path` is relative to the folder of the list."""

    model_config = ConfigDict(extra="forbid")

    path: str
    layout: str
    names: list[str]


class SplitList(BaseModel):
    """The content of a list; `manifest_hash` is that of the samples when the list was made."""

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = 1
    name: str
    seed: int
    by: str
    manifest_hash: str
    sources: list[Source]


def matches(path: Path) -> bool:
    """Whether the path is such a list, by its name."""
    return path.name.endswith(SUFFIX) and path.is_file()


def read(path: Path, report: Report | None) -> Iterator[Sample]:
    """Stream the listed samples; AnnotationError, reported or raised, names the first that is gone from its source."""
    try:
        content = from_json(SplitList, path.read_bytes())
    except Mismatch as error:
        raise AnnotationError(path, f"is not a split list ({error})", REMEDY) from error
    for source in content.sources:
        wanted = set(source.names)
        for sample in read_samples(path.parent / source.path, layout=source.layout, report=report):
            if sample.name in wanted:
                wanted.discard(sample.name)
                yield sample
        if wanted:
            gone = AnnotationError(path, f"{min(wanted)} is no longer in {source.path}", REMEDY)
            if report is None:
                raise gone
            report(gone)
