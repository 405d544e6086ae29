"""Batches of text crops for training and validation."""

import itertools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from numpy.random import Generator
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from ocr.errors import ConfigError
from ocr.recognition.augment import Augment
from ocr.recognition.batch import CropBatch
from ocr.recognition.sources import Crop, CropSource, source_of
from ocr.specs.preprocess import PreprocessSpec, apply, stack, target_size
from ocr.text.charset import Charset

log = logging.getLogger(__name__)

# Batches held back and sorted by width before any is handed out. More pads less, and mixes less.
POOL = 16


def collate(preprocess: PreprocessSpec, crops: Sequence[Crop]) -> CropBatch:
    """Preprocess crops and stack them, padded on the right to the widest."""
    prepared = [apply(preprocess, crop.image) for crop in crops]
    return CropBatch(
        torch.from_numpy(stack(prepared, preprocess.pad_value)),
        tuple(item.valid_width for item in prepared),
        tuple(crop.text for crop in crops),
        tuple(crop.case_free for crop in crops),
    )


def _one_thread(worker: int) -> None:
    """Keep OpenCV to the worker's own thread: its pool does not survive a fork, and the cores are spoken for."""
    del worker
    cv2.setNumThreads(0)


def _as_it_is(batch: Any) -> Any:
    """The stream makes batches; the loader's own conversion would turn their tuples into lists."""
    return batch


class CropStream(IterableDataset[CropBatch]):
    """Batches of crops of like width.

    In training, an epoch is ``samples`` crops, shared among the sources by weight; a source gives each of its crops
    once before any a second time. In validation (``augment`` None) every crop comes once, unchanged. Workers
    and processes take disjoint parts. What an epoch is made of depends on ``seed`` and ``position`` alone: the epoch,
    and how many of its batches were taken before the run was resumed.
    """

    def __init__(
        self,
        *,
        sources: Sequence[CropSource],
        preprocess: PreprocessSpec,
        batch_size: int,
        samples: int | None,
        augment: Augment | None,
        seed: int,
        workers: int,
    ) -> None:
        super().__init__()
        self.sources = list(sources)
        self.preprocess = preprocess
        self.batch_size = batch_size
        self.augment = augment
        self.seed = seed
        self.parts = max(workers, 1)
        self.samples = sum(map(len, self.sources)) if samples is None else samples
        self.rank, self.world = 0, 1
        # In shared memory: a worker lives for the whole run, and is told of each epoch there.
        self.position = torch.zeros(2, dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]

    def __len__(self) -> int:
        """Batches in an epoch of this process."""
        return sum(-(-self._share(part) // self.batch_size) for part in range(self.parts))

    def _share(self, part: int) -> int:
        """Crops of one worker of this process."""
        total = self.samples // self.world if self.augment else len(range(self.rank, self.samples, self.world))
        share = len(range(part, total, self.parts))
        # Whole batches only, in training: a last batch of one crop would give batch normalisation nothing to go by.
        return max(share // self.batch_size * self.batch_size, min(share, self.batch_size)) if self.augment else share

    def _order(self, rng: Generator) -> list[tuple[int, int]]:
        """Source and position of each crop of an epoch, in training shuffled."""
        if not self.augment:
            return [(s, i) for s, source in enumerate(self.sources) for i in range(len(source))]
        weights = np.array([source.weight for source in self.sources])
        bounds = np.round(np.cumsum(weights / weights.sum()) * self.samples).astype(int)
        order = []
        for s, (source, count) in enumerate(zip(self.sources, np.diff(bounds, prepend=0).tolist(), strict=True)):
            rounds = -(-count // max(len(source), 1))
            positions = np.concatenate([rng.permutation(len(source)) for _ in range(rounds)] or [np.empty(0, int)])
            order += [(s, int(i)) for i in positions[:count]]
        rng.shuffle(order)
        return order

    def __iter__(self) -> Iterator[CropBatch]:
        """Yield the batches of this worker's part of an epoch."""
        info = get_worker_info()
        part = info.id if info else 0
        epoch, taken = self.position.tolist()
        order = self._order(np.random.default_rng((self.seed, epoch)))
        order = order[self.rank :: self.world][part :: self.parts][: self._share(part)]
        order = order[len(range(part, taken, self.parts)) * self.batch_size :]  # the parts gave batches in turn
        rng = np.random.default_rng((self.seed, epoch, taken, self.rank, part))
        pool = POOL * self.batch_size
        for start in range(0, len(order), pool):
            crops = [self._load(*at, rng) for at in order[start : start + pool]]
            yield from self._batches(crops, rng)

    def _load(self, source: int, position: int, rng: Generator) -> Crop:
        crop = self.sources[source].load(position, int(rng.integers(2**31)) if self.augment else 0)
        if self.augment is None:
            return crop
        return crop._replace(image=self.augment(crop.image, rng))

    def _batches(self, crops: list[Crop], rng: Generator) -> Iterator[CropBatch]:
        widths = [target_size(self.preprocess, crop.image.shape[1], crop.image.shape[0])[0] for crop in crops]
        by_width = np.argsort(widths, kind="stable")
        starts = np.arange(0, len(crops), self.batch_size)
        if self.augment:
            rng.shuffle(starts)
        for start in starts.tolist():
            yield collate(self.preprocess, [crops[i] for i in by_width[start : start + self.batch_size]])


class StreamLoader(DataLoader[CropBatch]):
    """Tells its stream with each iterator which ``position`` it begins at."""

    # Names are those of the attributes: the trainer makes such loaders anew, for `overfit_batches` for one.
    def __init__(self, dataset: CropStream, *, position: Callable[[], tuple[int, int]], **options: Any) -> None:
        super().__init__(dataset, **options)
        self.position = position

    def __iter__(self) -> Any:
        """Begin an epoch."""
        stream: Any = self.dataset
        stream.position.copy_(torch.tensor(self.position()))
        return super().__iter__()


class RecognitionData(LightningDataModule):  # type: ignore[misc]
    """Training and validation crops from paths and sources.

    ``train`` and ``val`` list sources (`ocr.recognition.sources`) or paths. ``charset``: "default", "data" (the
    characters of the training labels) or a file. ``samples``: crops in an epoch, all of them once when None.
    ``replace`` names characters to exchange when the charset lacks them; labels with others are dropped and counted.
    """

    def __init__(
        self,
        *,
        train: Sequence[CropSource | str],
        val: Sequence[CropSource | str],
        preprocess: PreprocessSpec,
        charset: str,
        max_length: int | None,
        batch_size: int,
        num_workers: int,
        pin_memory: bool,
        augment: float,
        samples: int | None,
        replace: Mapping[str, str],
        seed: int,
    ) -> None:
        super().__init__()
        self.train_sources = [source_of(s) if isinstance(s, str) else s for s in train]
        self.val_sources = [source_of(s) if isinstance(s, str) else s for s in val]
        if not self.train_sources:
            raise ConfigError("data.train is empty; list at least one source of crops")
        self.preprocess = preprocess
        self.max_length = max_length
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        self.augment = Augment(strength=augment)
        self.samples = samples
        self.replace = dict(replace)
        self.seed = seed
        self.charset = self._charset(charset)
        self._selected = False
        self._untrained = itertools.count()

    def _charset(self, name: str) -> Charset:
        if name == "default":
            return Charset.default()
        if name == "data":
            return Charset.from_texts(text for source in self.train_sources for text in source.texts())
        return Charset.from_file(Path(name))

    def setup(self, stage: str | None = None) -> None:
        """Choose the usable crops of every source and log what is left out; raises ConfigError when none is left."""
        del stage
        if self._selected:
            return
        for source in {id(s): s for s in (*self.train_sources, *self.val_sources)}.values():
            source.select(self.charset, self.max_length, self.replace)
        if not any(map(len, self.train_sources)):
            names = ", ".join(source.name for source in self.train_sources)
            raise ConfigError(f"no usable training crop in {names}; see the counts above for the reasons")
        self._selected = True

    def _loader(self, sources: Sequence[CropSource], kind: Literal["train", "val"]) -> DataLoader[CropBatch]:
        stream = CropStream(
            sources=[source for source in sources if len(source)],
            preprocess=self.preprocess,
            batch_size=self.batch_size,
            samples=self.samples if kind == "train" else None,
            augment=self.augment if kind == "train" else None,
            seed=self.seed,
            workers=self.num_workers,
        )
        trainer: Any = self.trainer
        if trainer is not None:
            stream.rank, stream.world = trainer.global_rank, trainer.world_size
        options: dict[str, Any] = {
            "batch_size": None,
            "num_workers": self.num_workers,
            "pin_memory": self.pin_memory,
            "persistent_workers": self.num_workers > 0,
            "worker_init_fn": _one_thread,
            "collate_fn": _as_it_is,
        }
        if kind == "val":  # the same in each epoch, and whole
            return DataLoader(stream, **options)
        return StreamLoader(stream, position=self._position, **options)

    def _position(self) -> tuple[int, int]:
        """The epoch that begins, and how many of its batches the run has had: some, when it was stopped inside it."""
        trainer: Any = self.trainer
        if trainer is None:  # each iterator is an epoch
            return next(self._untrained), 0
        epoch = 0 if trainer.overfit_batches else trainer.current_epoch  # overfitting is on the same batches
        return epoch, trainer.fit_loop.epoch_loop.batch_progress.current.ready

    def train_dataloader(self) -> DataLoader[CropBatch]:
        """Return shuffled, augmented batches."""
        return self._loader(self.train_sources, "train")

    def val_dataloader(self) -> DataLoader[CropBatch]:
        """Return each validation crop once, unchanged."""
        return self._loader(self.val_sources, "val")
