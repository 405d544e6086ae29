"""The check before training: each defect is found, named with its file, and nothing is said of sound data."""

import json
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocr.datasets.annotations import Sample, read_samples
from ocr.datasets.check import CODES, Limits, check, look_at
from ocr.datasets.layouts import competition
from ocr.datasets.manifest import manifest_hash
from ocr.geometry.quad import box_quad
from ocr.text.charset import Charset

LIMITS = Limits(Charset.default(), max_length=30, max_side=320)


def page(folder: Path, text: str | None = "ok", polygon: object = None, name: str = "a.jpg") -> Sample:
    noise = np.random.default_rng(len(name)).integers(0, 255, (80, 200, 3), dtype=np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise).save(folder / name)
    shape = box_quad(10, 10, 90, 30) if polygon is None else np.array(polygon, np.float32)
    return Sample(folder / name, [shape], [text], [False], name)


BOW_TIE = [(10, 10), (90, 30), (90, 10), (10, 30)]
PENTAGRAM = [(50, 0), (70, 75), (2, 26), (98, 26), (30, 75)]


@pytest.mark.parametrize(
    ("text", "polygon", "code", "message"),
    [
        ("", None, "empty-label", "polygon 1: the label is empty"),
        ("  ", None, "empty-label", "polygon 1: the label is empty"),
        ("x" * 31, None, "long-label", "polygon 1: 31 characters, more than 30"),
        ("합계 5", None, "outside-charset", "polygon 1: 합 계 in '합계 5'"),
        ("ok", BOW_TIE, "repaired-polygon", "polygon 1: self-crossing"),
        ("ok", PENTAGRAM, "bad-polygon", "polygon 1: self-crossing"),
        ("ok", [(10, 10), (50, 10), (90, 10)], "bad-polygon", "polygon 1: zero area"),
        ("ok", [(10, 10), (50, 10)], "bad-polygon", "polygon 1: fewer than 3 points"),
        ("ok", [(300, 10), (350, 10), (350, 30), (300, 30)], "bad-polygon", "polygon 1: outside the image"),
        ("ok", [(-20, 10), (90, 10), (90, 30), (-20, 30)], "repaired-polygon", "polygon 1: outside the image"),
        ("ok", None, None, ""),
        (None, None, None, ""),
    ],
)
def test_each_defect_of_a_polygon(tmp_path: Path, text, polygon, code, message) -> None:
    seen = look_at(page(tmp_path, text, polygon), LIMITS)
    assert [problem.code for problem in seen.problems] == ([code] if code else [])
    assert all(p.message.startswith(message) and p.file.endswith("a.jpg") for p in seen.problems)


def test_decomposed_hangul_is_told_apart_from_foreign_hangul(tmp_path: Path) -> None:
    text = unicodedata.normalize("NFD", "합")
    seen = look_at(page(tmp_path, text), Limits(Charset(("합",)), 30, 320))
    assert [problem.code for problem in seen.problems] == ["not-nfc"]


def test_ignored_polygons_need_no_sound_label(tmp_path: Path) -> None:
    sample = page(tmp_path, "")
    ignored = Sample(sample.image, sample.polygons, [""], [True], sample.name)
    seen = look_at(ignored, LIMITS)
    assert (seen.problems, seen.heights) == ([], [])


def test_images_that_are_broken_turned_or_empty(ocr_data: Path) -> None:
    def look(name: str) -> list[str]:
        sample = Sample(ocr_data / "image_modes" / name, [], [], [], name)
        return [problem.code for problem in look_at(sample, LIMITS).problems]

    assert look("broken.jpg") == ["unreadable-image"]
    assert look("no such.jpg") == ["unreadable-image"]
    assert look("img_exif_orientation.jpg") == ["exif-rotated", "no-polygons"]
    assert look("empty_black.jpg") == ["no-polygons"]


def test_text_height_is_measured_at_the_models_input(tmp_path: Path) -> None:
    sample = page(tmp_path, polygon=[(10, 10), (90, 10), (90, 30), (10, 30)])
    assert look_at(sample, Limits(Charset.default(), 30, 200)).heights == pytest.approx([20])
    assert look_at(sample, Limits(Charset.default(), 30, 100)).heights == pytest.approx([10])


def test_a_receipt_in_two_splits_is_found_though_scaled(ocr_data: Path, tmp_path: Path) -> None:
    names = ["X00016469620", "X00016469622"]
    for split, chosen in (("train", names), ("val", names[:1])):
        for folder, suffix in (("img", ".jpg"), ("box", ".txt")):
            (tmp_path / split / folder).mkdir(parents=True)
            for name in chosen:
                source = ocr_data / "sroie" / "train" / folder / (name + suffix)
                shutil.copy(source, tmp_path / split / folder / source.name)
    with Image.open(tmp_path / "val" / "img" / f"{names[0]}.jpg") as image:
        half = image.resize((image.width // 2, image.height // 2))
    (tmp_path / "val" / "img" / f"{names[0]}.jpg").unlink()
    half.save(tmp_path / "val" / "img" / f"{names[0]}.jpg", quality=60)
    report = check([tmp_path / "train", tmp_path / "val"], LIMITS)
    found = [problem for problem in report.problems if problem.code == "near-duplicate"]
    assert len(found) == 1
    assert found[0].file == str(tmp_path / "train" / "img" / f"{names[0]}.jpg")
    assert f"{names[0]}.jpg of {tmp_path / 'val'}" in found[0].message


def test_real_receipts_are_sound_and_summed_up(ocr_data: Path) -> None:
    calls: list[int] = []
    report = check([ocr_data / "icdar2015" / "test"], LIMITS, done=lambda: calls.append(1), workers=1)
    assert len(calls) == 30
    [summary] = report.sets
    assert (summary.layout, summary.images, summary.polygons, summary.ignored) == ("icdar2015", 30, 462, 318)
    assert summary.manifest_hash == manifest_hash(read_samples(ocr_data / "icdar2015" / "test"))
    assert len(report.heights) == 462 - 318 - sum(p.code == "bad-polygon" for p in report.problems)
    content = report.as_json()
    assert content["count"] == len(content["problems"]) == sum(content["by_code"].values())
    assert content["text_height"]["p5"] <= content["text_height"]["p95"]
    json.dumps(content)


def test_annotations_that_cannot_be_read_are_findings_too(tmp_path: Path) -> None:
    competition.write(tmp_path / "a.json", [page(tmp_path)])
    content = json.loads((tmp_path / "a.json").read_text())
    content["images"]["a.jpg"]["words"]["0002"] = {"points": "here"}
    (tmp_path / "a.json").write_text(json.dumps(content))
    (tmp_path / "b.json").write_text("[]")
    report = check([tmp_path / "a.json", tmp_path / "b.json"], LIMITS)
    assert [problem.code for problem in report.problems] == ["unreadable-annotation"] * 2
    assert report.sets[0].polygons == 1
    assert report.as_json()["by_severity"] == {"error": 2}


def test_missing_characters_are_counted(tmp_path: Path) -> None:
    competition.write(tmp_path / "a.json", [page(tmp_path, "½ ½½ 한")])
    report = check([tmp_path / "a.json"], LIMITS)
    assert report.missing == {"½": 3, "한": 1}


def test_a_check_without_polygons_has_no_heights(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"images": {}}')
    report = check([tmp_path / "a.json"], LIMITS)
    assert report.text_height() == {}
    assert report.as_json()["count"] == 0


def test_every_code_says_how_bad_and_what() -> None:
    assert all(severity in ("error", "warning") and meaning for severity, meaning in CODES.values())
