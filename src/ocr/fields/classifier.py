"""Logistic regression over named features: which lines are the merchant's or its address, which amount is the total.

Features are hashed into a table, so that a model is one small array; inference is numpy alone.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Features = Mapping[str, float]
Floats = NDArray[np.float64]

BUCKETS = 4096
_FOLDER = Path(__file__).parent / "models"


class Classifier:
    """Class probabilities of items described by features."""

    def __init__(self, classes: Sequence[str], weights: Floats) -> None:
        """``weights`` is (BUCKETS, number of classes)."""
        self.classes = tuple(classes)
        self.weights = weights

    def probabilities(self, items: Sequence[Features]) -> Floats:
        """Probabilities (N, classes), each row adding up to 1."""
        logits = np.stack([self._logits(features) for features in items]) if items else np.zeros((0, len(self.classes)))
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True)) if items else logits
        return np.asarray(shifted / shifted.sum(axis=1, keepdims=True) if items else logits)

    def _logits(self, features: Features) -> Floats:
        indices, values = hashed(features)
        return np.asarray(values @ self.weights[indices])


def hashed(features: Features) -> tuple[NDArray[np.int64], Floats]:
    """Bucket and value of each feature that is not zero, and of the bias."""
    kept = {name: value for name, value in features.items() if value} | {"bias": 1.0}
    indices = [zlib.crc32(name.encode()) % BUCKETS for name in kept]
    return np.array(indices, dtype=np.int64), np.array(list(kept.values()), dtype=np.float64)


@cache
def shipped(name: str) -> Classifier:
    """The model of that name that comes with the package: ``lines`` or ``totals``."""
    card = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    with np.load(_FOLDER / f"{name}.npz", allow_pickle=False) as arrays:
        weights = np.zeros((BUCKETS, len(card["classes"])))
        weights[arrays["buckets"]] = arrays["weights"].astype(np.float64)
    return Classifier(card["classes"], weights)
