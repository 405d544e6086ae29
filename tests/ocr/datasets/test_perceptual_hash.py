"""Perceptual hash: the same receipt again, and not another of the same shop."""

import cv2
import numpy as np
import pytest

from ocr.datasets.annotations import read_samples
from ocr.datasets.perceptual_hash import NEAR, image_hash, near_pairs


def distance(first: np.ndarray, second: np.ndarray) -> int:
    return int(np.bitwise_count(image_hash(first) ^ image_hash(second)).sum())


@pytest.fixture(scope="module")
def receipts(ocr_data) -> list[np.ndarray]:
    return [sample.load() for sample, _ in zip(read_samples(ocr_data / "sroie" / "val"), range(12), strict=False)]


@pytest.mark.parametrize(
    "change",
    [
        lambda image: cv2.resize(image, None, fx=0.45, fy=0.45, interpolation=cv2.INTER_AREA),
        lambda image: cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 20])[1], cv2.IMREAD_COLOR),
        lambda image: np.clip(image * 0.8 + 20, 0, 255).astype(np.uint8),
    ],
    ids=["scaled", "recompressed", "darker"],
)
def test_the_same_receipt_is_near(receipts: list[np.ndarray], change) -> None:
    assert all(distance(image, change(image)) <= NEAR for image in receipts)


def test_different_receipts_are_far(receipts: list[np.ndarray]) -> None:
    hashes = [image_hash(image) for image in receipts]
    assert near_pairs(hashes, hashes) == [(i, i, 0) for i in range(len(hashes))]


def test_nothing_is_near_nothing() -> None:
    assert near_pairs([], [image_hash(np.zeros((70, 70, 3), np.uint8))]) == []
