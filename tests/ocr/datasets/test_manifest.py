"""The manifest hash: the same for the same data, another for any change."""

import shutil
from dataclasses import replace
from pathlib import Path

from ocr.datasets.annotations import read_samples
from ocr.datasets.manifest import file_hash, manifest_hash


def test_place_and_order_do_not_matter_but_every_byte_does(ocr_data: Path, tmp_path: Path) -> None:
    original = ocr_data / "receipts_other"
    copy = tmp_path / "elsewhere"
    shutil.copytree(original, copy)
    samples = list(read_samples(original))
    whole = manifest_hash(samples)
    assert whole == manifest_hash(reversed(list(read_samples(copy))))
    assert len(whole) == 64

    changed = [replace(samples[0], texts=["another", *samples[0].texts[1:]]), samples[1]]
    assert manifest_hash(changed) != whole
    assert manifest_hash(samples[:1]) != whole
    image = copy / samples[1].name
    image.chmod(0o644)
    image.write_bytes(image.read_bytes() + b" ")
    assert manifest_hash(read_samples(copy)) != whole
    image.unlink()
    assert manifest_hash(replace(s, image=copy / s.name) for s in samples) != whole


def test_images_in_memory_count_as_files(ocr_data: Path) -> None:
    sample = next(read_samples(ocr_data / "receipts_other"))
    in_memory = replace(sample, encoded=sample.image.read_bytes(), image=Path("nowhere.jpg"))
    assert manifest_hash([in_memory]) == manifest_hash([sample])


def test_file_hash_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert file_hash(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
