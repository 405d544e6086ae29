"""Every layout that is written is read back as it was, from every kind of annotation; what is hostile stays inside."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocr.cli.main import main
from ocr.datasets.annotations import AnnotationError, Sample, detect_layout, read_samples
from ocr.datasets.convert import TARGETS, convert
from ocr.errors import ConfigError

SIZE = (200, 160)


def nothing() -> None:
    pass


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three images in the competition's form: quads, a polygon, a hidden line, no text, commas, Hangul, no line."""
    folder = tmp_path / "source"
    (folder / "images" / "sub").mkdir(parents=True)
    for name in ("a.png", "blank.png", "sub/a.png"):
        Image.new("RGB", SIZE, "white").save(folder / "images" / name)
    words = {
        "0001": {"points": [[10, 20], [110, 24], [109, 44], [9, 40]], "transcription": 'NO. 5, 합계 "x" '},
        "0002": {"points": [[10, 60], [60, 55], [110, 60], [110, 80], [60, 75], [10, 80]], "transcription": "curved"},
        "0003": {
            "points": [[10, 100], [60, 100], [60, 120], [10, 120]],
            "transcription": "blurred",
            "illegibility": True,
        },
        "0004": {"points": [[10, 130], [60, 130], [60, 150], [10, 150]]},
    }
    content = {"images": {"a.png": {"words": words}, "blank.png": {"words": {}}, "sub/a.png": {"words": words}}}
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def by_name(path: Path) -> dict[str, Sample]:
    return {sample.name: sample for sample in read_samples(path)}


def _lines(sample: Sample) -> int:
    return len(sample.polygons)


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_written_is_recognised_and_read_back(source: Path, tmp_path: Path, target: str) -> None:
    out = tmp_path / "out"
    done = convert(source, target, out, done=nothing)
    assert (done.images, done.lines, done.left_out) == (len(by_name(out)), sum(map(_lines, by_name(out).values())), [])
    assert done.lines_without_place == 8 - done.lines
    assert detect_layout(out) == target
    found = by_name(out)
    assert set(found) == {"a.png", "blank.png", "sub-a.png"} - ({"blank.png"} if target == "submission" else set())
    for name in ("a.png", "sub-a.png"):
        sample, true = found[name], by_name(source)["a.png"]
        assert sample.image.is_file()
        kept = [i for i in range(4) if target not in ("sroie", "submission") or not true.ignore[i]]
        kept = [i for i in kept if target != "sroie" or true.texts[i] is not None]
        assert len(sample.polygons) == len(kept)
        if target == "cord":  # what is to be ignored comes last
            kept = [0, 1, 3, 2]
        for polygon, index in zip(sample.polygons, kept, strict=True):
            if len(polygon) == len(true.polygons[index]):
                assert np.allclose(polygon, true.polygons[index], atol=0.51)
            else:  # the rectangle around it
                assert np.allclose(polygon.min(axis=0), true.polygons[index].min(axis=0), atol=6)
        texts = {"submission": [None] * 3}.get(target, [true.texts[i] for i in kept])
        # These two have one mark for what is hidden and for what has no text.
        merged = target in ("icdar2015", "ppocrlabel")
        assert sample.texts == ([texts[0], texts[1], None, None] if merged else texts)
        ignore = [true.ignore[i] for i in kept]
        assert sample.ignore == ([False, False, True, True] if merged else ignore)


@pytest.mark.parametrize("target", [name for name in TARGETS if name != "submission"])
def test_real_receipts_come_back(ocr_data: Path, tmp_path: Path, target: str) -> None:
    source = tmp_path / "few"
    for name in ("img", "box"):
        (source / name).mkdir(parents=True)
    for box in sorted((ocr_data / "sroie/train/box").glob("*.txt"))[:3]:
        (source / "box" / box.name).write_bytes(box.read_bytes())
        (source / "img" / f"{box.stem}.jpg").write_bytes((ocr_data / f"sroie/train/img/{box.stem}.jpg").read_bytes())
    convert(source, target, tmp_path / "out", done=nothing)
    true, found = by_name(source), by_name(tmp_path / "out")
    assert set(found) == set(true)
    for name, sample in true.items():
        assert found[name].texts == sample.texts
        assert all(np.allclose(a, b, atol=0.02) for a, b in zip(found[name].polygons, sample.polygons, strict=True))
        assert found[name].load().shape == sample.load().shape


def test_label_studio_s_own_exports_are_read(tmp_path: Path) -> None:
    """A rectangle turned by 90 degrees, a URL, a label in `rectanglelabels`, a cancelled annotation."""
    common = {"original_width": 200, "original_height": 100, "to_name": "image"}
    value = {"x": 50, "y": 10, "width": 20, "height": 10, "rotation": 90}
    result = [
        common | {"id": "q", "type": "rectangle", "value": value},
        common | {"id": "q", "type": "rectanglelabels", "value": value | {"rectanglelabels": ["Ignore"]}},
        common | {"id": "q", "type": "textarea", "value": value | {"text": ["TO", "TAL"]}},
    ]
    task = {
        "id": 7,
        "data": {"ocr": "/data/local-files/?d=scans%2Fone.png"},
        "annotations": [{"result": result}, {"result": [], "was_cancelled": True}],
    }
    (tmp_path / "project-1.json").write_text(json.dumps([task, {"id": 8, "data": {"image": "/data/upload/2/two.png"}}]))
    assert detect_layout(tmp_path / "project-1.json") == "label_studio"
    one, two = read_samples(tmp_path / "project-1.json")
    assert (one.name, two.name, two.polygons) == ("one.png", "two.png", [])
    assert np.allclose(one.polygons[0], [(100, 10), (100, 50), (90, 50), (90, 10)], atol=1e-4)
    assert (one.texts, one.ignore) == (["TOTAL"], [True])


def test_cvat_s_own_exports_are_read(tmp_path: Path) -> None:
    """A box turned about its centre, a tag, attributes of other names, folders in names, a label in capitals."""
    (tmp_path / "annotations.xml").write_text(
        """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><size>2</size><mode>annotation</mode><labels><label><name>line</name></label></labels></task></meta>
  <image id="0" name="sub/two.png" width="200" height="100" subset="default"/>
  <image id="1" name="one.png" width="200" height="100">
    <tag label="receipt" source="manual"></tag>
    <box label="line" source="manual" occluded="0" xtl="10" ytl="40" xbr="50" ybr="60" rotation="90.0" z_order="0">
      <attribute name="checked">true</attribute><attribute name="Transcription">TOTAL &amp; 9</attribute>
    </box>
    <polygon label="IGNORE" occluded="0" points="1.00,2.00;9.50,2.00;9.50,8.00" z_order="0">
      <attribute name="text"></attribute>
    </polygon>
  </image>
</annotations>
"""
    )
    one, two = read_samples(tmp_path / "annotations.xml")
    assert (one.name, two.name, two.polygons) == ("one.png", "sub/two.png", [])
    assert np.allclose(one.polygons[0], [(40, 30), (40, 70), (20, 70), (20, 30)], atol=1e-4)
    assert np.allclose(one.polygons[1], [(1, 2), (9.5, 2), (9.5, 8)])
    assert (one.texts, one.ignore) == (["TOTAL & 9", None], [False, True])


def test_coco_text_and_its_relatives_are_read(tmp_path: Path) -> None:
    """Version 2 (mask), version 1 (polygon), TextOCR (points, ids that are no numbers), and a bare box."""
    common = {"image_id": 7, "class": "machine printed", "language": "english", "area": 12.5}
    content = {
        "cats": {},
        "anns": {
            "45346": common | {"id": 45346, "mask": [1, 2, 9, 2, 9, 8, 5, 9, 1, 8], "legibility": "legible"},
            "45347": common | {"id": 45347, "polygon": [1, 2, 9, 2, 9, 8, 1, 8], "utf8_string": "New"},
            "45348": common | {"id": 45348, "mask": [], "bbox": [468.9, 286.7, 24.1, 9.1], "legibility": "illegible"},
            "b_1": {
                "id": "b_1",
                "image_id": "b",
                "points": [1.0, 2.0, 9.0, 2.0, 9.0, 8.0, 1.0, 8.0],
                "utf8_string": "b",
            },
        },
        "imgs": {
            "7": {"id": 7, "set": "val", "width": 640, "height": 480, "file_name": "COCO_train2014_000000000007.jpg"},
            "b": {"id": "b", "set": "train", "width": 64, "height": 48, "file_name": "train/b.jpg"},
        },
        "imgToAnns": {"7": [45346, 45347, 45348]},
    }
    (tmp_path / "train2014").mkdir()
    (tmp_path / "train2014" / "COCO_train2014_000000000007.jpg").write_bytes(b"")
    (tmp_path / "labels.json").write_text(json.dumps(content))
    assert detect_layout(tmp_path / "labels.json") == "coco_text"
    seven, other = read_samples(tmp_path / "labels.json")
    assert seven.image == tmp_path / "train2014" / "COCO_train2014_000000000007.jpg"
    assert [len(polygon) for polygon in seven.polygons] == [5, 4, 4]
    assert np.allclose(seven.polygons[2][2], (493.0, 295.8))
    assert (seven.texts, seven.ignore) == ([None, "New", None], [False, False, True])
    assert (other.name, other.texts) == ("train/b.jpg", ["b"])


def test_cord_s_words_are_read_and_its_rows_of_symbols_are_ignored(tmp_path: Path) -> None:
    def word(x: int, text: str) -> dict:
        quad = {"x1": x, "y1": 2, "x2": x + 20, "y2": 2, "x3": x + 20, "y3": 12, "x4": x, "y4": 12}
        return {"quad": quad, "is_key": 0, "row_id": 5, "text": text}

    content = {
        "meta": {"version": "1.0", "split": "train", "image_id": 0, "image_size": {"width": 864, "height": 1296}},
        "valid_line": [
            {"words": [word(0, "901016"), word(30, "-TICKET")], "category": "menu.nm", "group_id": 3},
            {"words": [word(90, "60.000")], "category": "menu.price", "group_id": 3},
        ],
        "roi": {},
        "repeating_symbol": [[word(0, "="), word(9, "=")]],
        "dontcare": [word(200, "x")["quad"]],
    }
    (tmp_path / "json").mkdir()
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "receipt_00000.png").write_bytes(b"")
    (tmp_path / "json" / "receipt_00000.json").write_text(json.dumps(content))
    (tmp_path / "json" / "receipt_00001.json").write_text("{}")
    problems: list[AnnotationError] = []
    (one,) = read_samples(tmp_path, report=problems.append)
    assert one.image == tmp_path / "image" / "receipt_00000.png"
    assert one.texts == ["901016", "-TICKET", "60.000", "=", "=", None]
    assert one.ignore == [False] * 3 + [True] * 3
    assert np.allclose(one.polygons[1], [(30, 2), (50, 2), (50, 12), (30, 12)])
    assert [str(problem).count("receipt_00001.json") for problem in problems] == [1]


def test_what_is_damaged_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    whole = {"image_id": 1, "bbox": [1, 2, 3, 4]}
    content = {
        "imgs": {"1": {"file_name": "a.jpg"}, "2": {}},
        "anns": {"1": whole, "2": 5, "3": whole | {"bbox": []}, "4": whole | {"mask": "x"}},
    }
    (tmp_path / "cocotext.v2.json").write_text(json.dumps(content))
    problems: list[AnnotationError] = []
    (one,) = read_samples(tmp_path, report=problems.append)
    assert len(one.polygons) == 1
    assert len(problems) == 4


def test_ppocrlabel_finds_images_of_a_renamed_folder(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"")
    entry = [{"transcription": "###", "points": [[0, 0], [9, 0], [9, 5], [0, 5]], "difficult": False}]
    (tmp_path / "Label.txt").write_text(f"old_name/x.png\t{json.dumps(entry)}\n\n")
    (sample,) = read_samples(tmp_path)
    assert (sample.image, sample.texts, sample.ignore) == (tmp_path / "x.png", [None], [True])


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("label_studio.json", '[{"data": {"ocr": "a.png"}, "annotations": [{"result": [{"id": 1}]}]}]'),
        ("label_studio.json", '[{"data": {}}]'),
        ("label_studio.json", '{"data": 1}'),
        ("label_studio.json", "[nonsense"),
        ("Label.txt", "a.png\tnonsense"),
        ("Label.txt", 'a.png\t{"points": 1}'),
        ("Label.txt", 'a.png\t[{"points": [[1, 2, 3]], "transcription": "x"}]'),
        ("Label.txt", 'a.png\t[{"points": [[0, 0], [9, 0], [9, 5]], "transcription": 5}]'),
        ("submission.csv", "filename,polygons\na.png,1 2 3\n"),
        ("annotations.xml", "<annotations><image name='a.png'><polygon points='1,2;3,4'/></image></annotations>"),
        ("annotations.xml", "<annotations><image name='a.png'><polygon points='1,2;3,4;5'/></image></annotations>"),
        ("annotations.xml", "<annotations><image name='a.png'><polygon points='a,b;c,d;e,f'/></image></annotations>"),
        ("annotations.xml", "<annotations><image name='a.png'><polygon label='x'/></image></annotations>"),
        (
            "annotations.xml",
            "<annotations><image name='a.png'><box xtl='1' ytl='2' xbr='x' ybr='4'/></image></annotations>",
        ),
        ("annotations.xml", "<annotations><image name='a.png'><mask rle='1, 2'/></image></annotations>"),
        ("annotations.xml", "<annotations><image><tag label='x'/></image></annotations>"),
        ("annotations.xml", "<annotations><track id='0'/></annotations>"),
        ("annotations.xml", "<annotations><image"),
        ("annotations.xml", "<?xml version='1.0' encoding='none'?><annotations/>"),
        ("annotations.xml", "<other><annotations/></other>"),
        ("annotations.xml", '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><annotations>&b;</annotations>'),
        ("cocotext.v2.json", '{"imgs": [], "anns": {}}'),
        ("cocotext.v2.json", '{"imgs": {"1": {"id": 1}}, "anns": {}}'),
        ("cocotext.v2.json", '{"imgs": {"1": 5}, "anns": {}}'),
        ("cocotext.v2.json", '{"imgs": {}, "anns": {"1": {"mask": []}}}'),
        (
            "cocotext.v2.json",
            '{"imgs": {"1": {"file_name": "a.jpg"}}, "anns": {"1": {"image_id": 1, "mask": [1, 2, 3]}}}',
        ),
        (
            "cocotext.v2.json",
            '{"imgs": {"1": {"file_name": "a.jpg"}}, "anns": {"1": {"image_id": 1, "bbox": [1, "x"]}}}',
        ),
        ("cocotext.v2.json", '{"imgs": {"1": {"file_name": "a.jpg"}}, "anns": {"1": {"image_id": 1}}}'),
        (
            "cocotext.v2.json",
            '{"imgs": {"1": {"file_name": "a.jpg"}},'
            ' "anns": {"1": {"image_id": 1, "bbox": [1, 2, 3, 4], "utf8_string": 5}}}',
        ),
        ("cocotext.v2.json", "[" * 100_000),
        ("json/a.json", "{}"),
        ("json/a.json", "nonsense"),
        ("json/a.json", '{"valid_line": [{"words": [{"text": "x"}]}]}'),
        ("json/a.json", '{"valid_line": [{"words": [{"quad": {"x1": 1}, "text": "x"}]}]}'),
        ("json/a.json", '{"valid_line": [], "dontcare": [[5]]}'),
        ("json/a.json", '{"valid_line": 5}'),
        ("submission.csv", "filename,polygons\na.png,1 2 3 4 5 x\n"),
    ],
)
def test_damaged_annotations_are_told_in_one_line(tmp_path: Path, file: str, content: str) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(content)
    with pytest.raises(AnnotationError) as raised:
        list(read_samples(tmp_path))
    assert file in str(raised.value)
    assert "\n" not in str(raised.value)


def test_names_that_lead_outside_are_kept_inside(source: Path, tmp_path: Path) -> None:
    content = json.loads((source / "annotations.json").read_text())
    content["images"] = {"../images/a.png": content["images"]["a.png"]}
    (source / "annotations.json").write_text(json.dumps(content))
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    convert(source / "annotations.json", "sroie", tmp_path / "out", done=nothing)
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert written
    assert all((tmp_path / "out") in path.parents for path in written)


def test_the_command_tells_what_it_did(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source / "images" / "blank.png").unlink()
    with pytest.raises(SystemExit) as stopped:
        main(
            [
                "data",
                "convert",
                str(source),
                "--to",
                "submission",
                "--no-images",
                "--out",
                str(tmp_path / "out"),
                "--json",
            ]
        )
    captured = capsys.readouterr()
    assert stopped.value.code == 1
    assert json.loads(captured.out)["images"] == 2
    assert "blank.png: cannot be read" in captured.err
    with (tmp_path / "out" / "submission.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["filename", "polygons"]
    assert rows[1][1].startswith("10 20 110 24 109 44 9 40|10 60 60 55")
    assert not list((tmp_path / "out" / "images").iterdir())


@pytest.mark.parametrize(("target", "message"), [("word", "cannot be written; choose"), ("sroie", "is not empty")])
def test_what_cannot_be_is_refused(source: Path, tmp_path: Path, target: str, message: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").write_text("")
    with pytest.raises(ConfigError, match=message):
        convert(source, target, tmp_path / "out", done=nothing)
