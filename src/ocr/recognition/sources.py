"""Where text crops come from: LMDB, folders of word images, lines drawn on the fly."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocr.datasets.layouts.box_text import read_lines
from ocr.datasets.lmdb_crops import LmdbCrops
from ocr.datasets.synthetic import line
from ocr.errors import AnnotationError, ConfigError
from ocr.images.load import load_image
from ocr.recognition.labels import LabelReport, normalise, usable
from ocr.text.charset import Charset


class Crop(NamedTuple):
    """An RGB crop (H,W,3), its text, and whether the text's case is unknown."""

    image: NDArray[np.uint8]
    text: str
    case_free: bool


class CropSource(ABC):
    """Crops by position. ``weight`` is this source's share of an epoch, relative to the others' weights."""

    def __init__(self, *, name: str, weight: float) -> None:
        if weight <= 0:
            raise ConfigError(f"{name}: weight {weight} must be positive; leave the source out instead")
        self.name = name
        self.weight = weight

    @abstractmethod
    def __len__(self) -> int:
        """Number of usable crops; all of them before `select`."""

    @abstractmethod
    def texts(self) -> list[str]:
        """Labels as they are stored, or an empty list when every text fits any charset it is asked for."""

    @abstractmethod
    def select(self, charset: Charset, max_length: int | None, replace: Mapping[str, str]) -> LabelReport | None:
        """Keep the crops whose label can be used; see `ocr.recognition.labels.usable`."""

    @abstractmethod
    def load(self, position: int, seed: int) -> Crop:
        """Return a crop by its position among the usable ones; ``seed`` varies those that are drawn."""


class StoredSource(CropSource):
    """Crops whose labels are stored: what LMDB and folders share."""

    def __init__(self, *, name: str, weight: float) -> None:
        super().__init__(name=name, weight=weight)
        self._labels: list[tuple[int, str]] | None = None

    @property
    def usable(self) -> list[tuple[int, str]]:
        """Position and normalised text of each usable crop."""
        if self._labels is None:
            self._labels = [(i, normalise(text)) for i, text in enumerate(self.texts())]
        return self._labels

    def __len__(self) -> int:
        return len(self.usable)

    def select(self, charset: Charset, max_length: int | None, replace: Mapping[str, str]) -> LabelReport:
        """Keep the crops whose label can be used, and log what was dropped."""
        labels, report = usable(self.name, self.texts(), charset, max_length=max_length, replace=replace)
        self._labels = list(labels.items())
        return report


class LmdbSource(StoredSource):
    """Crops that ``ocr data crops`` cut. ``case_free`` None leaves it to what the database says of each crop."""

    def __init__(self, *, path: str, weight: float = 1.0, case_free: bool | None = None) -> None:
        super().__init__(name=path, weight=weight)
        self.path = Path(path)
        self.case_free = case_free

    @cached_property
    def crops(self) -> LmdbCrops:
        """The database, opened when it is first asked for."""
        return LmdbCrops(self.path)

    def texts(self) -> list[str]:
        """Labels as they are stored."""
        return [self.crops.label(index)[0] for index in range(len(self.crops))]

    def load(self, position: int, seed: int) -> Crop:
        """Return a crop by its position among the usable ones."""
        del seed
        index, text = self.usable[position]
        image, _, meta = self.crops[index]
        return Crop(image, text, bool(meta.get("case_free")) if self.case_free is None else self.case_free)


class FolderSource(StoredSource):
    """Word images beside a ``labels.tsv`` (path relative to it, tab, label)."""

    def __init__(self, *, path: str, weight: float = 1.0, case_free: bool = False) -> None:
        super().__init__(name=path, weight=weight)
        table = Path(path)
        self.table = table / "labels.tsv" if table.is_dir() else table
        self.case_free = case_free
        self._rows: list[tuple[str, str]] | None = None

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Image path and label of each row that is not blank; raises AnnotationError naming the line without a tab."""
        if self._rows is None:
            rows = []
            for number, row in enumerate(read_lines(self.table), 1):
                image, tab, label = row.partition("\t")
                if row and not tab:
                    raise AnnotationError(f"{self.table}:{number}", "there is no tab", "write: image path, tab, label")
                if row:
                    rows.append((image, label))
            self._rows = rows
        return self._rows

    def texts(self) -> list[str]:
        """Labels as they are stored."""
        return [label for _, label in self.rows]

    def load(self, position: int, seed: int) -> Crop:
        """Return a crop by its position among the usable ones."""
        del seed
        index, text = self.usable[position]
        return Crop(load_image(self.table.parent / self.rows[index][0]), text, self.case_free)


class SyntheticSource(CropSource):
    """Lines drawn on the fly, another one at each visit; their case is known."""

    def __init__(self, *, count: int, seed: int, weight: float = 1.0) -> None:
        super().__init__(name=f"{count} synthetic lines", weight=weight)
        self.count = count
        self.seed = seed
        self.charset = Charset.default()
        self.max_length: int | None = None

    def __len__(self) -> int:
        return self.count

    def texts(self) -> list[str]:
        """Nothing: the text is made from the charset."""
        return []

    def select(self, charset: Charset, max_length: int | None, replace: Mapping[str, str]) -> None:
        """Draw from ``charset``, at most ``max_length`` characters."""
        del replace
        self.charset, self.max_length = charset, max_length

    def load(self, position: int, seed: int) -> Crop:
        """Return the line of this position and seed."""
        number = hash((self.seed, seed, position)) & 0x7FFFFFFF
        image, text = line(number, charset=self.charset)
        if self.max_length is not None and len(text) > self.max_length:
            image, text = line(number, text[: self.max_length].rstrip(), charset=self.charset)
        return Crop(image, normalise(text), False)


def source_of(path: str) -> CropSource:
    """Return the source that a path names: a folder with ``labels.tsv`` or such a file, otherwise an LMDB."""
    found = Path(path)
    if found.suffix == ".tsv" or (found / "labels.tsv").is_file():
        return FolderSource(path=path)
    return LmdbSource(path=path)
