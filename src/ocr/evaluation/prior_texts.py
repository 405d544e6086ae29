"""Texts that a character prior learns from: those of annotated data, or the lines of plain files."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ocr.datasets.annotations import read_samples
from ocr.errors import InputError


def read_texts(paths: Iterable[Path]) -> Iterator[str]:
    """Yield the texts of data sets, and the lines of files that end in .txt; raises InputError."""
    for path in paths:
        if path.suffix == ".txt" and path.is_file():
            try:
                lines = path.read_text(encoding="utf-8-sig").split("\n")  # other separators are text
            except UnicodeDecodeError as error:
                raise InputError(path, f"is not UTF-8 text ({error})", "convert it") from error
            yield from (line for line in lines if line.strip())
        else:
            yield from (text for sample in read_samples(path) for text in sample.texts if text)
