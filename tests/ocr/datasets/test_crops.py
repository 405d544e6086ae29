"""Crops: perspective-corrected, with their meta data; complete and without duplicates after kill -9."""

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ocr.datasets.annotations import Sample, read_samples
from ocr.datasets.crops import cut_crops, write_crops
from ocr.datasets.lmdb_crops import LmdbCrops
from ocr.datasets.synthesize import write_lines, write_pages
from ocr.errors import AnnotationError, ImageError, OcrError
from ocr.geometry.quad import box_quad


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "pages"
    write_pages(folder, 12, seed=5)
    return folder


def content(path: Path) -> list[tuple[str, str, int]]:
    crops = LmdbCrops(path)
    return [(meta["source"], text, meta["line"]) for text, meta in map(crops.label, range(len(crops)))]


def expected(folder: Path) -> list[tuple[str, str, int]]:
    return [(s.name, text, i) for s in read_samples(folder) for i, text in enumerate(s.texts) if text]


@pytest.mark.parametrize("workers", [1, 3])
def test_every_line_is_there_in_order_whatever_the_workers(pages: Path, tmp_path: Path, workers: int) -> None:
    calls: list[int] = []
    report = write_crops([pages], tmp_path / "c.lmdb", workers=workers, done=lambda: calls.append(1))
    found = content(tmp_path / "c.lmdb")
    assert found == expected(pages)
    assert (report.added, report.already, len(calls)) == (len(found), 0, 12)
    again = write_crops([pages], tmp_path / "c.lmdb", workers=workers)
    assert (again.added, again.already) == (0, 12)
    assert content(tmp_path / "c.lmdb") == found


def test_crops_of_real_receipts_carry_their_meta_data(ocr_data: Path) -> None:
    sample = next(read_samples(ocr_data / "sroie" / "val"))
    crops, left_out = cut_crops(sample)
    assert len(crops) + sum(left_out.values()) == len(sample.polygons)
    encoded, text, meta = crops[0]
    assert encoded.startswith(b"\xff\xd8")
    assert text == sample.texts[0]
    assert meta["source"] == sample.name
    assert (meta["line"], meta["case_free"]) == (0, True)
    x0, y0, x1, y1 = *sample.polygons[0].min(axis=0), *sample.polygons[0].max(axis=0)
    assert (meta["width"], meta["height"]) == (round(x1 - x0), round(y1 - y0))


def test_turned_words_come_out_lying(ocr_data: Path) -> None:
    sample = next(s for s in read_samples(ocr_data / "icdar2015" / "train") if not all(s.ignore))
    crops, left_out = cut_crops(sample)
    assert left_out["ignored"] == sum(sample.ignore)
    assert all(meta["width"] > 0.6 * meta["height"] for _, _, meta in crops)


def test_what_is_left_out_is_counted_by_reason(ocr_data: Path) -> None:
    image = ocr_data / "image_modes" / "empty_black.jpg"
    sound, flat, point = box_quad(0, 0, 50, 20), box_quad(0, 0, 50, 2), box_quad(9, 9, 9, 9)
    boxes = [sound, sound, flat, point, sound]
    texts = [None, "ignored", "flat", "a point", "  \u1112\u1161\u11ab "]
    sample = Sample(image, boxes, texts, [False, True, False, False, False], "x.jpg")
    crops, left_out = cut_crops(sample)
    assert left_out == Counter({"no label": 1, "ignored": 1, "under 4 pixels": 1, "fewer than 3 points": 1})
    assert [text for _, text, _ in crops] == ["한"]


def test_an_image_that_cannot_be_read_is_reported_and_the_others_are_cut(pages: Path, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    write_pages(folder, 3, seed=6)
    (folder / "images" / "receipt-00001.jpg").write_bytes(b"broken")
    report = write_crops([folder], tmp_path / "c.lmdb", workers=2)
    assert len(report.unreadable) == 1
    assert "receipt-00001.jpg" in report.unreadable[0]
    assert {source for source, _, _ in content(tmp_path / "c.lmdb")} == {"receipt-00000.jpg", "receipt-00002.jpg"}
    with pytest.raises(ImageError):
        cut_crops(list(read_samples(folder))[1])


@pytest.mark.parametrize(("given", "stored"), [(None, False), (True, True)])
def test_case_free_can_be_said_for_any_data(pages: Path, tmp_path: Path, given: bool | None, stored: bool) -> None:
    write_crops([pages], tmp_path / "c.lmdb", case_free=given)
    assert LmdbCrops(tmp_path / "c.lmdb")[0][2]["case_free"] is stored


def test_an_error_of_the_annotations_ends_it_with_one_line(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError):
        write_crops([tmp_path / "nowhere"], tmp_path / "c.lmdb")


def test_a_folder_of_another_kind_is_refused(pages: Path, tmp_path: Path) -> None:
    write_lines(tmp_path / "lines.lmdb", 3, seed=0)
    with pytest.raises(OcrError, match="choose another folder"):
        write_crops([pages], tmp_path / "lines.lmdb")


def test_killed_at_any_moment_it_goes_on_without_duplicates(pages: Path, tmp_path: Path) -> None:
    """Killed as soon as something new is in the database, three times; the fourth run finishes."""
    out = tmp_path / "c.lmdb"
    command = [sys.executable, "-m", "ocr.cli.main", "data", "crops", str(pages), "--out", str(out), "--workers", "2"]
    kills = 0
    for _ in range(3):
        before = _size(out)
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        while process.poll() is None and _size(out) == before:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        process.communicate()
        if out.is_dir():
            try:
                partial = content(out)
            except AnnotationError:  # killed before the first commit
                partial = []
            assert partial == expected(pages)[: len(partial)]
    assert kills >= 2
    assert subprocess.run(command, capture_output=True, check=True).stderr == b""
    assert content(out) == expected(pages)
    image, _, _ = LmdbCrops(out)[len(expected(pages)) - 1]
    assert image.dtype == np.uint8


def _size(out: Path) -> int:
    file = out / "data.mdb"
    return file.stat().st_size + file.stat().st_mtime_ns if file.exists() else 0
