"""Batches of random views for training, whole pages for validation."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from ocr.datasets.annotations import Sample, read_samples
from ocr.detection.augment import Augmentation, random_view
from ocr.detection.targets import build_targets
from ocr.errors import ConfigError
from ocr.geometry.polygon import Polygon
from ocr.images.load import Rgb
from ocr.specs.preprocess import PreprocessSpec, apply, target_size

CACHE_QUALITY = 95


class DetectionBatch(NamedTuple):
    """Images (N,3,H,W) float32 and target maps (N,1,H,W): see `Targets`. `names` tells where each came from."""

    images: Tensor
    probability: Tensor
    probability_mask: Tensor
    threshold: Tensor
    threshold_mask: Tensor
    names: list[str]


class PageBatch(NamedTuple):
    """One whole page (1,3,H,W) and its truth in the pixels of the page, whose `size` is (width, height)."""

    images: Tensor
    scale_x: float
    scale_y: float
    size: tuple[int, int]
    polygons: list[Polygon]
    ignore: list[bool]
    names: list[str]


class PageStore:
    """Pages of a data set, each decoded from its file once and then kept, encoded, while `limit` bytes allow.

    A page is stored no larger than the largest view of it needs: `headroom` times the network's input size.
    """

    def __init__(self, samples: Sequence[Sample], preprocess: PreprocessSpec, headroom: float, limit: int) -> None:
        self.samples = list(samples)
        self.preprocess = preprocess
        self.headroom = headroom
        self.limit = limit
        self.used = 0
        self.encoded: dict[int, tuple[NDArray[np.uint8], Sample, float]] = {}

    def load(self, index: int) -> tuple[Rgb, Sample, float]:
        """Return the page, its sample in the pixels of that page, and the network's input pixels per page pixel."""
        stored = self.encoded.get(index)
        if stored is None:
            stored = self._encode(index)
            if self.used < self.limit:
                self.used += stored[0].nbytes
                self.encoded[index] = stored
        # Also the first time: a view must not depend on whether its page was seen before.
        return np.asarray(cv2.imdecode(stored[0], cv2.IMREAD_COLOR_RGB), np.uint8), stored[1], stored[2]

    def _encode(self, index: int) -> tuple[NDArray[np.uint8], Sample, float]:
        image = self.samples[index].load()
        height, width = image.shape[:2]
        sample = self.samples[index].valid((width, height))
        scale = max(target_size(self.preprocess, width, height)) / max(width, height)
        if (factor := scale * self.headroom) < 1:
            new = (max(round(width * factor), 1), max(round(height * factor), 1))
            image = np.asarray(cv2.resize(image, new, interpolation=cv2.INTER_AREA), np.uint8)
            ratio = np.array((new[0] / width, new[1] / height), np.float32)
            sample = Sample(
                sample.image, [polygon * ratio for polygon in sample.polygons], sample.texts, sample.ignore, sample.name
            )
            scale /= factor
        _, data = cv2.imencode(".jpg", image[:, :, ::-1], (cv2.IMWRITE_JPEG_QUALITY, CACHE_QUALITY))
        return data, sample, scale


class ViewDataset(Dataset[DetectionBatch]):
    """Random views with their target maps; the same (epoch, index) gives the same view in whatever worker."""

    def __init__(
        self,
        store: PageStore,
        *,
        crop_size: int,
        shrink_ratio: float,
        augmentation: Augmentation,
        seed: int,
    ) -> None:
        self.store = store
        self.crop_size = crop_size
        self.shrink_ratio = shrink_ratio
        self.augmentation = augmentation
        self.seed = seed
        # The view has its final size already: only colours are left to prepare.
        self.colours = replace(
            store.preprocess,
            resize="fixed",
            height=crop_size,
            width=crop_size,
            max_side=None,
            min_side=None,
            min_width=None,
            max_width=None,
            width_scale=1.0,
            unscaled_width=None,
        )

    def __len__(self) -> int:
        return len(self.store.samples)

    def __getitem__(self, key: tuple[int, int] | int) -> DetectionBatch:
        """Return a batch of one for (epoch, index); an index alone, as overfitting asks for, is of the first epoch."""
        epoch, index = (0, key) if isinstance(key, int) else key
        rng = np.random.default_rng((self.seed, epoch, index))
        image, sample, scale = self.store.load(index)
        view = random_view(
            image,
            sample.polygons,
            sample.ignore,
            scale=scale,
            crop_size=self.crop_size,
            augmentation=self.augmentation,
            rng=rng,
        )
        targets = build_targets(view.polygons, view.ignore, (self.crop_size, self.crop_size), self.shrink_ratio)
        probability, probability_mask, threshold, threshold_mask = (torch.from_numpy(m)[None, None] for m in targets)
        prepared = torch.from_numpy(apply(self.colours, view.image).array)[None]
        return DetectionBatch(prepared, probability, probability_mask, threshold, threshold_mask, [sample.name])


class PageDataset(Dataset[PageBatch]):
    """Whole pages as the detector will see them."""

    def __init__(self, samples: Sequence[Sample], preprocess: PreprocessSpec) -> None:
        self.samples = list(samples)
        self.preprocess = preprocess

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> PageBatch:
        """Return page `index` with the polygons that validation lets pass."""
        image = self.samples[index].load()
        size = (image.shape[1], image.shape[0])
        sample = self.samples[index].valid(size)
        page = apply(self.preprocess, image)
        return PageBatch(
            torch.from_numpy(page.array)[None],
            page.scale_x,
            page.scale_y,
            size,
            sample.polygons,
            sample.ignore,
            [sample.name],
        )


class EpochSampler(Sampler[tuple[int, int]]):
    """Every index once in an epoch, shuffled by seed and epoch, each with its epoch.

    The first epoch lacks what was ``taken`` of it before the run was resumed.
    """

    def __init__(self, length: int, *, seed: int, epoch: int, taken: int = 0) -> None:
        self.length = length
        self.seed = seed
        self.epoch = epoch
        self.taken = taken

    def __len__(self) -> int:
        return self.length

    def set_epoch(self, epoch: int) -> None:
        """Continue at `epoch`: the trainer calls this, also when it resumes."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[int, int]]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        taken, self.taken = self.taken, 0
        for index in np.random.default_rng((self.seed, epoch)).permutation(self.length)[taken:].tolist():
            yield epoch, index


class DetectionData(LightningDataModule):  # type: ignore[misc]
    """Views of the pages under the `train` paths, whole pages of those under `val`.

    Every path is a data set as `ocr.datasets.annotations.read_samples` reads it. Views are square, `crop_size` pixels,
    a multiple of 32. `shrink_ratio` must be that of the post-processing. `cache_mb` bounds, in each worker, the
    encoded pages it keeps.
    """

    def __init__(
        self,
        *,
        train: Sequence[str | Path],
        val: Sequence[str | Path],
        preprocess: PreprocessSpec,
        shrink_ratio: float,
        augmentation: Augmentation,
        crop_size: int,
        batch_size: int,
        num_workers: int,
        pin_memory: bool,
        cache_mb: int,
        seed: int,
    ) -> None:
        super().__init__()
        if crop_size % 32:
            raise ConfigError(f"crop_size {crop_size} is not a multiple of 32")
        self.train_paths = [Path(path) for path in train]
        self.val_paths = [Path(path) for path in val]
        self.preprocess = preprocess
        self.shrink_ratio = shrink_ratio
        self.augmentation = augmentation
        self.crop_size = crop_size
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        self.cache_mb = cache_mb
        self.seed = seed
        self.train_samples: list[Sample] = []
        self.val_samples: list[Sample] = []

    def setup(self, stage: str | None = None) -> None:
        """Read the annotations; raises ConfigError when there is nothing to train on."""
        if not self.train_samples and stage in (None, "fit"):
            self.train_samples = [sample for path in self.train_paths for sample in read_samples(path)]
            if not self.train_samples:
                raise ConfigError(f"no pages to train on in {', '.join(map(str, self.train_paths)) or 'data.train'}")
        if not self.val_samples:
            self.val_samples = [sample for path in self.val_paths for sample in read_samples(path)]

    def train_dataloader(self) -> DataLoader[DetectionBatch]:
        """Return shuffled batches of augmented views."""
        store = PageStore(self.train_samples, self.preprocess, self.augmentation.scale[1], self.cache_mb * 2**20)
        views = ViewDataset(
            store,
            crop_size=self.crop_size,
            shrink_ratio=self.shrink_ratio,
            augmentation=self.augmentation,
            seed=self.seed,
        )
        trainer: Any = self.trainer
        epoch, batches = 0, 0
        if trainer is not None:  # one that resumes may have had batches of this epoch
            epoch, batches = trainer.current_epoch, trainer.fit_loop.epoch_loop.batch_progress.current.ready
        return DataLoader(
            views,
            batch_size=self.batch_size,
            sampler=EpochSampler(len(views), seed=self.seed, epoch=epoch, taken=batches * self.batch_size),
            collate_fn=join,
            # A last batch of one view would give batch normalisation little to go by.
            drop_last=len(views) >= self.batch_size,
            num_workers=self.num_workers,
            pin_memory=self.pin_memory,
            persistent_workers=self.num_workers > 0,
            worker_init_fn=_one_thread,
        )

    def val_dataloader(self) -> DataLoader[PageBatch]:
        """Return every validation page once, alone."""
        return DataLoader(
            PageDataset(self.val_samples, self.preprocess),
            batch_size=1,
            collate_fn=_only,
            num_workers=self.num_workers,
            pin_memory=self.pin_memory,
            persistent_workers=self.num_workers > 0,
            worker_init_fn=_one_thread,
        )


def join(batches: Sequence[DetectionBatch]) -> DetectionBatch:
    """One batch of several."""
    images, *maps, names = zip(*batches, strict=True)
    probability, probability_mask, threshold, threshold_mask = map(torch.cat, maps)
    return DetectionBatch(
        torch.cat(images),
        probability,
        probability_mask,
        threshold,
        threshold_mask,
        [n for group in names for n in group],
    )


def _only(pages: list[PageBatch]) -> PageBatch:
    """The one page of a batch; PyTorch's own collation would turn its polygons into tensors."""
    return pages[0]


def _one_thread(worker: int) -> None:
    """Keep OpenCV to the worker's own thread: its pool does not survive a fork, and the cores are spoken for."""
    del worker
    cv2.setNumThreads(0)
