"""A small data set on disk and a network small enough to learn it in a test."""

import functools
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ocr.detection.augment import Augmentation
from ocr.detection.data import DetectionData
from ocr.detection.loss import DBLoss
from ocr.detection.module import DetectionModule
from ocr.detection.network import DBNet
from ocr.nn.heads.db_head import DBHead
from ocr.nn.interfaces import BaseEncoder
from ocr.nn.necks.fpn import FPN
from ocr.specs.postprocess import PostprocessSpec
from ocr.specs.preprocess import PreprocessSpec

PREPROCESS = PreprocessSpec(resize="limit", max_side=256, multiple=32)
POSTPROCESS = PostprocessSpec(shrink_ratio=0.5)
AUGMENTATION = Augmentation(
    scale=(0.9, 1.1),
    rotation=2.0,
    large_rotation=0.0,
    large_rotation_share=0.0,
    quarter_turn=0.0,
    perspective=0.0,
    colour=0.3,
    blur=0.1,
    noise=0.3,
    fade=0.0,
    shadow=0.0,
    jpeg=0.0,
)


class SmallEncoder(BaseEncoder):
    """Four levels of one convolution each."""

    def __init__(self) -> None:
        super().__init__()
        self.channels = [16, 24, 32, 48]
        sizes = [3, *self.channels]
        self.levels = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(a, b, 5, stride=4 if n == 0 else 2, padding=2, bias=False), nn.BatchNorm2d(b), nn.ReLU()
            )
            for n, (a, b) in enumerate(pairwise(sizes))
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        features = [images]
        for level in self.levels:
            features.append(level(features[-1]))
        return features[1:]


def build_module(learning_rate: float) -> DetectionModule:
    """A detector of 60 thousand parameters."""
    return DetectionModule(
        network=DBNet(backbone=SmallEncoder(), neck=functools.partial(FPN, channels=32), head=DBHead),
        loss=DBLoss(
            probability_weight=5.0,
            threshold_weight=10.0,
            dice_weight=1.0,
            negative_ratio=3.0,
            min_negatives=100,
            step_factor=50.0,
        ),
        preprocess=PREPROCESS,
        postprocess=POSTPROCESS,
        optimizer=functools.partial(torch.optim.AdamW, lr=learning_rate),
        scheduler=None,
    )


@pytest.fixture
def small_module() -> Callable[[float], DetectionModule]:
    """Build a small detector that trains at the given learning rate."""
    return build_module


@pytest.fixture
def data_of(pages: Path) -> Callable[..., DetectionData]:
    """Build the data of the six pages, with other arguments where given."""

    def build(**changes: object) -> DetectionData:
        arguments = {
            "train": [pages],
            "val": [pages],
            "preprocess": PREPROCESS,
            "shrink_ratio": POSTPROCESS.shrink_ratio,
            "augmentation": AUGMENTATION,
            "crop_size": 128,
            "batch_size": 2,
            "num_workers": 0,
            "pin_memory": False,
            "cache_mb": 8,
            "seed": 7,
        }
        data = DetectionData(**arguments | changes)
        data.setup("fit")
        return data

    return build


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """Six pages with dark bars; one bar of the first page is to be ignored, one polygon of the second is broken."""
    rng = np.random.default_rng(0)
    images = {}
    for number in range(6):
        image = np.full((384, 256, 3), 235, np.uint8)
        words = {}
        for row in range(5):
            x0, y0 = int(rng.integers(10, 60)), 20 + row * 70
            x1, y1 = x0 + int(rng.integers(90, 170)), y0 + 36
            image[y0:y1, x0:x1] = rng.integers(0, 90)
            words[f"{row:04d}"] = {"points": [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]}
        if number == 0:
            words["0000"]["illegibility"] = True
        if number == 1:
            words["0009"] = {"points": [[5, 5], [5, 5], [5, 5]]}
        cv2.imwrite(str(tmp_path / f"{number}.png"), image)
        images[f"{number}.png"] = {"words": words}
    (tmp_path / "annotations.json").write_text(json.dumps({"images": images}))
    return tmp_path
