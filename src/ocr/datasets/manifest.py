"""Which data a model saw: one hash over the files."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from ocr.datasets.annotations import Sample


def manifest_hash(samples: Iterable[Sample]) -> str:
    """Return SHA-256, in hex, over the sorted (name, image hash, annotation hash) of the samples.

    It does not depend on the order of the samples nor on the folder they lie in. A missing image counts as empty.
    """
    return combine(map(manifest_line, samples))


def manifest_line(sample: Sample) -> str:
    """Return what the manifest says about one sample."""
    return f"{sample.name}\t{_image_hash(sample)}\t{_annotation_hash(sample)}\n"


def combine(lines: Iterable[str]) -> str:
    """Return the hash of a manifest from its lines, in any order."""
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _image_hash(sample: Sample) -> str:
    if sample.encoded is not None:
        return hashlib.sha256(sample.encoded).hexdigest()
    return file_hash(sample.image) if sample.image.is_file() else ""


def _annotation_hash(sample: Sample) -> str:
    digest = hashlib.sha256()
    for polygon, text, ignore in zip(sample.polygons, sample.texts, sample.ignore, strict=True):
        digest.update(repr((polygon.tolist(), text, ignore)).encode())
    return digest.hexdigest()
