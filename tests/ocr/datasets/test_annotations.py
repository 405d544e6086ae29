"""Readers: every layout, on the real data and on what is known to go wrong in it."""

import json
from pathlib import Path

import lmdb
import numpy as np
import pytest

from ocr.datasets import synthetic
from ocr.datasets.annotations import LAYOUTS, Sample, detect_layout, read_samples
from ocr.datasets.layouts import competition
from ocr.datasets.lmdb_crops import encode_jpeg
from ocr.errors import AnnotationError, ConfigError
from ocr.geometry.quad import box_quad

REAL = [  # folder, layout, images, polygons, ignored, first text
    ("sroie/train", "sroie", 120, 6220, 0, "TAN WOON YANN"),
    ("sroie/train_more", "sroie", 308, None, 0, None),
    ("sroie/val", "sroie", 60, 3105, 0, None),
    ("sroie/large", "sroie", 2, 83, 0, "UNIHAKKA INTERNATIONAL SDN BHD"),
    ("icdar2015/train", "icdar2015", 11, 97, 66, "Genaxis Theatre"),
    ("icdar2015/test", "icdar2015", 30, 462, 318, None),
    ("curved", "total_text", 2, 13, 1, "KELUAR"),
    ("korean/report", "side_by_side", 2, 828, 0, "제1695호"),
    ("receipts_other", "side_by_side", 2, 86, 0, "SAFEWAY"),
    ("words/ic15_train", "words", 500, 500, 0, "citi"),
    ("words/iiit5k_train", "words", 400, 400, 0, "You"),
    ("words/korean", "words", 2, 2, 0, "바탕으로"),
]


@pytest.mark.parametrize(("folder", "layout", "images", "polygons", "ignored", "first"), REAL)
def test_real_data_is_recognised_and_read_whole(ocr_data, folder, layout, images, polygons, ignored, first) -> None:
    assert detect_layout(ocr_data / folder) == layout
    samples = list(read_samples(ocr_data / folder))
    assert len(samples) == images
    assert len({sample.name for sample in samples}) == images
    assert all(sample.image.is_file() for sample in samples)
    assert all(len(s.polygons) == len(s.texts) == len(s.ignore) for s in samples)
    assert polygons in (None, sum(len(s.polygons) for s in samples))
    assert ignored == sum(sum(s.ignore) for s in samples)
    assert first in (None, samples[0].texts[0])
    assert {sample.case_free for sample in samples} == {layout == "sroie"}


def test_reading_is_lazy(ocr_data) -> None:
    stream = read_samples(ocr_data / "sroie" / "train")
    assert next(stream).name == "X00016469620.jpg"


def test_polygons_of_any_number_of_corners(ocr_data) -> None:
    first, second = read_samples(ocr_data / "curved")
    assert [len(polygon) for polygon in first.polygons[:3]] == [4, 6, 6]
    assert len(second.polygons[0]) == 19
    assert second.texts[0] == "HARANA"


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def sroie(folder: Path, boxes: bytes) -> Path:
    write(folder / "box" / "a.txt", boxes)
    write(folder / "img" / "a.jpg", encode_jpeg(np.full((60, 200, 3), 255, np.uint8)))
    return folder


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"1,2,30,2,30,9,1,9,TOTAL, 1,000.00 ,RM", "TOTAL, 1,000.00 ,RM"),
        (b"1,2,30,2,30,9,1,9, spaced ", " spaced "),
        (b"1,2,30,2,30,9,1,9,", ""),
        (b"1,2,30,2,30,9,1,9", ""),
        (b"\xef\xbb\xbf1,2,30,2,30,9,1,9,with a byte order mark", "with a byte order mark"),
        ("1,2,30,2,30,9,1,9,caf\u00e9 \u20ac5".encode("cp1252"), "café €5"),
        ("1,2,30,2,30,9,1,9,합계".encode(), "합계"),
        ("1,2,30,2,30,9,1,9,utf-16 \u20ac".encode("utf-16"), "utf-16 €"),
        ("1,2,30,2,30,9,1,9,a\x0bb\u2028c\x85d".encode(), "a\x0bb\u2028c\x85d"),
        (b"1.0, 2.0,30,2,30,9,1,9,floats", "floats"),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_box_lines_as_they_come(tmp_path: Path, line: bytes, text: str, end: bytes) -> None:
    utf16 = line.startswith((b"\xff\xfe", b"\xfe\xff"))
    if utf16:
        end = end.decode().encode("utf-16-le")
    [sample] = read_samples(sroie(tmp_path, line + end + (b"" if utf16 else end)))
    assert sample.texts == [text]
    assert np.array_equal(sample.polygons[0], box_quad(1, 2, 30, 9))


def test_a_line_that_is_no_polygon_is_named_and_the_rest_is_still_read(tmp_path: Path) -> None:
    folder = sroie(tmp_path, b"1,2,30,2,30,9,1,9,ok\nhello\n5,5,x,9\n1,2,30,2,30,9,1,9,ok too\n")
    with pytest.raises(AnnotationError, match=r"a\.txt:2: 'hello' is not coordinates and a transcript; write x1,y1"):
        list(read_samples(folder))
    errors: list[AnnotationError] = []
    [sample] = read_samples(folder, report=errors.append)
    assert sample.texts == ["ok", "ok too"]
    assert [error.source.rpartition(":")[2] for error in errors] == ["2", "3"]


def test_an_image_that_is_not_there_is_still_a_sample(tmp_path: Path) -> None:
    write(tmp_path / "box" / "gone.txt", "1,2,30,2,30,9,1,9,x")
    (tmp_path / "img").mkdir()
    [sample] = read_samples(tmp_path)
    assert sample.image == tmp_path / "img" / "gone.jpg"


def test_icdar_numbers_in_transcripts_do_not_make_polygons(tmp_path: Path) -> None:
    write(tmp_path / "gt" / "gt_1.txt", "1,2,30,2,30,9,1,9,1,200\n1,2,30,2,30,9,1,9,###\n")
    (tmp_path / "img").mkdir()
    [sample] = read_samples(tmp_path)
    assert sample.texts == ["1,200", None]
    assert sample.ignore == [False, True]


def test_total_text_names_a_line_without_a_polygon(tmp_path: Path) -> None:
    write(tmp_path / "gt" / "1.txt", "0,0,9,0,9,9,0,9,4,12,2,6,2019\n1,2,3\n")
    (tmp_path / "img").mkdir()
    errors: list[AnnotationError] = []
    [sample] = read_samples(tmp_path, report=errors.append)
    assert len(sample.polygons[0]) == 6
    assert sample.texts == ["2019"]
    assert len(errors) == 1


def test_words_without_tab_or_image(tmp_path: Path) -> None:
    write(tmp_path / "labels.tsv", "img/1.jpg\ta b, c\nno tab here\nimg/2.jpg\tgone\n\n")
    write(tmp_path / "img" / "1.jpg", encode_jpeg(np.zeros((20, 50, 3), np.uint8)))
    with pytest.raises(AnnotationError, match=r"labels\.tsv:2: has no tab"):
        list(read_samples(tmp_path))
    errors: list[AnnotationError] = []
    first, gone = read_samples(tmp_path, report=errors.append)
    assert (first.texts, first.name) == (["a b, c"], "img/1.jpg")
    assert np.array_equal(first.polygons[0], box_quad(0, 0, 50, 20))
    assert (gone.polygons, gone.texts) == ([], [])
    assert len(errors) == 1


# --- the competition's JSON ---


def competition_json(folder: Path, images: object, name: str = "train.json") -> Path:
    return write(folder / "jsons" / name, json.dumps({"images": images}, ensure_ascii=False))


QUAD = [[1, 2], [30, 2], [30, 9], [1, 9]]


def test_competition_json_with_all_its_forms_of_no_words(tmp_path: Path) -> None:
    path = competition_json(
        tmp_path,
        {
            "b.jpg": {"words": {"0001": {"points": QUAD, "transcription": "합계"}, "0002": {"points": QUAD[:3]}}},
            "a.jpg": {"words": None},
            "c.jpg": {},
            "d.jpg": None,
            "e.jpg": {"words": {"1": {"points": QUAD, "transcription": None, "illegibility": True}}},
        },
    )
    samples = list(read_samples(path))
    assert [s.name for s in samples] == ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"]
    assert [len(s.polygons) for s in samples] == [0, 2, 0, 0, 1]
    assert samples[1].texts == ["합계", None]
    assert samples[4].ignore == [True]
    assert samples[1].confidences is None


@pytest.mark.parametrize(
    "folder", ["jsons", "jsons/images", "jsons/train", "images/train", "images_train_canonical", "images"]
)
def test_competition_images_are_found_where_such_data_sets_keep_them(tmp_path: Path, folder: str) -> None:
    path = competition_json(tmp_path, {"a.jpg": {"words": {}}})
    image = write(tmp_path / folder / "a.jpg", b"x")
    [sample] = read_samples(path)
    assert sample.image.resolve() == image.resolve()


def test_predictions_make_the_round_trip_with_their_confidences(tmp_path: Path) -> None:
    polygon = np.array([(1.25, 2), (30, 2.5), (30, 9), (15, 11), (1, 9)], np.float32)
    sample = Sample(
        tmp_path / "a.jpg", [polygon, box_quad(0, 0, 5, 5)], ["x", None], [False, True], "a.jpg", [0.5, 0.25]
    )
    competition.write(tmp_path / "predictions.json", [sample])
    [back] = read_samples(tmp_path / "predictions.json")
    assert back.confidences == [0.5, 0.25]
    assert (back.texts, back.ignore) == (["x", None], [False, True])
    assert np.array_equal(back.polygons[0], polygon)
    content = json.loads((tmp_path / "predictions.json").read_text())
    assert list(content["images"]["a.jpg"]["words"]) == ["0001", "0002"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[1, 2]", 'without an "images" object'),
        (b'{"annotations": []}', 'without an "images" object'),
        (b'{"images": [{"id": 1}]}', 'without an "images" object'),
    ],
)
def test_json_that_is_no_annotation_is_refused_in_one_line(tmp_path: Path, content: bytes, reason: str) -> None:
    path = write(tmp_path / "x.json", content)
    with pytest.raises(AnnotationError, match=reason) as caught:
        list(read_samples(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        (None, "is not an object"),
        ({"points": None}, "points is not a list"),
        ({"points": [[1, 2], [3]]}, "points is not a list"),
        ({"points": [[1, "2"]]}, "points is not a list"),
        ({"points": [[True, 2]]}, "points is not a list"),
        ({"points": QUAD, "transcription": 5}, "transcription is not a text"),
        ({"points": QUAD, "confidence": "high"}, "confidence is not a number"),
    ],
)
def test_a_word_that_cannot_be_read_is_named_and_the_others_are_read(tmp_path: Path, word: object, reason: str) -> None:
    path = competition_json(tmp_path, {"a.jpg": {"words": {"0001": word, "0002": {"points": QUAD}}}})
    with pytest.raises(AnnotationError, match=f"images/a.jpg/words/0001: {reason}"):
        list(read_samples(path))
    errors: list[AnnotationError] = []
    [sample] = read_samples(path, report=errors.append)
    assert len(sample.polygons) == len(errors) == 1


def test_words_that_are_a_list_are_named(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="is not an object"):
        list(read_samples(competition_json(tmp_path, {"a.jpg": {"words": [1]}})))


# --- LMDB, and layouts as such ---


def test_the_original_lmdb_form_is_read_without_our_additions(tmp_path: Path) -> None:
    image, _ = synthetic.line(1, "RM 5.00")
    with lmdb.open(str(tmp_path), map_size=1 << 24) as env, env.begin(write=True) as transaction:
        for number, label in ((1, "RM 5.00"), (2, "합계")):
            transaction.put(f"image-{number:09d}".encode(), encode_jpeg(image))
            transaction.put(f"label-{number:09d}".encode(), label.encode())
        transaction.put(b"num-samples", b"3")
        transaction.put(b"label-000000003", b"its image is missing")
    assert detect_layout(tmp_path) == "lmdb"
    with pytest.raises(AnnotationError, match="image-000000003: image or label is missing"):
        list(read_samples(tmp_path))
    errors: list[AnnotationError] = []
    first, second = read_samples(tmp_path, report=errors.append)
    assert (first.texts, second.texts) == (["RM 5.00"], ["합계"])
    assert first.load().shape == image.shape
    assert np.array_equal(first.polygons[0], box_quad(0, 0, image.shape[1], image.shape[0]))
    assert len(errors) == 1


def test_an_lmdb_image_that_is_none_gives_a_sample_that_says_so_when_loaded(tmp_path: Path) -> None:
    with lmdb.open(str(tmp_path), map_size=1 << 24) as env, env.begin(write=True) as transaction:
        transaction.put(b"image-000000001", b"no image")
        transaction.put(b"label-000000001", b"x")
        transaction.put(b"num-samples", b"1")
    [sample] = read_samples(tmp_path)
    assert sample.polygons == []


@pytest.mark.parametrize(
    "content", [{}, {"notes.txt": b"hello"}, {"a.jpg": b"x", "a.txt": b"a caption"}, {"labels.tsv": b"a b"}]
)
def test_what_is_no_layout_names_the_known_ones(tmp_path: Path, content: dict[str, bytes]) -> None:
    for name, data in content.items():
        write(tmp_path / name, data)
    with pytest.raises(AnnotationError, match="no annotations of a known layout; expected lmdb, split, words, sroie"):
        detect_layout(tmp_path)


def test_missing_paths_and_unknown_layouts_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="no such file or folder; check the path"):
        read_samples(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="layout 'coco' is unknown; choose auto, lmdb"):
        read_samples(tmp_path, layout="coco")
    with pytest.raises(AnnotationError, match="cannot be read"):
        list(read_samples(tmp_path / "x.json", layout="competition"))
    with pytest.raises(AnnotationError, match="cannot be read"):
        list(read_samples(tmp_path, layout="words"))


ONE_FILE = {"words", "competition", "split", "lmdb", "label_studio", "ppocrlabel", "submission", "cvat", "coco_text"}


@pytest.mark.parametrize("layout", sorted(set(LAYOUTS) - ONE_FILE))
def test_an_empty_folder_of_a_named_layout_is_no_samples(tmp_path: Path, layout: str) -> None:
    assert list(read_samples(tmp_path, layout=layout)) == []


def test_valid_keeps_texts_and_confidences_with_their_polygons(tmp_path: Path) -> None:
    crossing = np.array([(50, 0), (80, 95), (2, 36), (98, 36), (20, 95)], np.float32)
    boxes = [crossing, box_quad(-9, 5, 20, 15), box_quad(200, 5, 220, 15)]
    sample = Sample(tmp_path / "a.jpg", boxes, ["a", "b", "c"], [False, True, False], "a.jpg", [0.1, 0.2, 0.3])
    valid = sample.valid((100, 100))
    assert (valid.texts, valid.ignore, valid.confidences) == (["b"], [True], [0.2])
    assert np.array_equal(valid.polygons[0], box_quad(0, 5, 20, 15))
