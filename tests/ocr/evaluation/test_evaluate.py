import cv2
import numpy as np
import pytest

from ocr.datasets.annotations import read_samples
from ocr.errors import ConfigError
from ocr.evaluation.evaluate import evaluate
from ocr.evaluation.report import Report
from ocr.inference.detector import Detector
from ocr.inference.recognizer import Recognizer


@pytest.fixture
def detector(plain_detector):
    return Detector(plain_detector, threads=1)


@pytest.fixture
def recognizer(plain_recognizer):
    return Recognizer(plain_recognizer, threads=1)


def values(report):
    return {record.name: record.value for record in report.metrics}


def test_a_reader_is_judged_by_whole_pages(pages, detector, recognizer):
    seen = []
    report = evaluate(
        read_samples(pages), detector=detector, recognizer=recognizer, data="set", progress=lambda: seen.append(1)
    )
    assert (report.task, report.images, len(seen)) == ("endtoend", 2, 2)
    assert [model.name for model in report.models] == ["plain-detector", "plain-recognizer"]
    found = values(report)
    assert (found["precision"], found["recall"], found["hmean"]) == (0.75, 0.75, 0.75)
    assert (found["word_precision"], found["word_recall"], found["word_f1"]) == (0.5, 0.5, 0.5)
    assert found["word_cased_f1"] == 0.25
    assert found["page_cer"] == pytest.approx(4 / 6)
    assert 0 < found["cleval_hmean"] < found["cleval_detection_hmean"] < 1
    assert report.notes == ["2 true texts have characters outside the recognizer's charset: D é"]


def test_slices_and_confusions_say_where_it_goes_wrong(pages, detector, recognizer):
    report = evaluate(read_samples(pages), detector=detector, recognizer=recognizer, data="set")
    by_length = {one.range: (one.n, one.found, one.read) for one in report.slices if one.by == "length"}
    assert by_length == {"under 2 characters": (2, 1.0, 1.0), "2 to 5 characters": (2, 0.5, 0.0)}
    assert {(pair.truth, pair.read): pair.count for pair in report.confusions} == {("A", "C"): 1, ("B", "D"): 1}


def test_a_detector_is_judged_by_its_boxes_alone(pages, detector):
    report = evaluate(read_samples(pages), detector=detector, data="set")
    assert report.task == "detection"
    assert values(report)["hmean"] == 0.75
    assert all(record.data == "set" and record.low <= record.value <= record.high for record in report.metrics)
    assert {(one.found is None, one.read is None) for one in report.slices} == {(False, True)}


def test_a_recognizer_is_judged_by_the_true_regions(pages, recognizer):
    report = evaluate(read_samples(pages), recognizer=recognizer, data="set")
    found = values(report)
    assert report.task == "recognition"
    assert (found["accuracy"], found["accuracy_any_case"]) == (0.25, 0.5)
    assert {record.n for record in report.metrics if record.name.startswith("accuracy")} == {4}


def test_single_words_are_recognized_in_blocks_and_resampled_one_by_one(tmp_path, recognizer):
    cv2.imwrite(str(tmp_path / "d.png"), np.full((8, 40, 3), 192, np.uint8))
    cv2.imwrite(str(tmp_path / "a.png"), np.full((8, 16, 3), 0, np.uint8))
    rows = ["d.png\td", "a.png\ta"] * 50 + ["d.png\tb"]
    (tmp_path / "labels.tsv").write_text("\n".join(rows), encoding="utf-8")
    report = evaluate(read_samples(tmp_path), recognizer=recognizer, data="words")
    (accuracy,) = (record for record in report.metrics if record.name == "accuracy")
    assert report.images == accuracy.n == 101
    assert accuracy.value == pytest.approx(100 / 101)
    assert accuracy.low < accuracy.value <= accuracy.high


def test_what_is_ignored_is_neither_read_nor_expected(ocr_data, recognizer):
    samples = list(read_samples(ocr_data / "icdar2015" / "test"))[:3]
    legible = sum(not skip for sample in samples for skip in sample.ignore)
    report = evaluate(samples, recognizer=recognizer, data="icdar2015/test")
    assert {record.n for record in report.metrics if record.name == "accuracy"} == {legible}


def test_an_invalid_prediction_is_noted(pages, detector, monkeypatch):
    detect = detector.detect

    def with_a_line(images):
        (found,) = detect(images)
        return [[*found, type(found[0])(np.zeros((4, 2), np.float32), 0.9)]]

    monkeypatch.setattr(detector, "detect", with_a_line)
    report = evaluate(read_samples(pages), detector=detector, data="set")
    assert values(report)["precision"] == 0.5
    assert report.notes == ["2 predicted polygons were invalid and count as false"]


def test_nothing_to_judge_is_wrong_use(pages):
    with pytest.raises(ConfigError, match="give a detector, a recognizer or both"):
        evaluate(read_samples(pages), data="set")


def test_data_without_texts_cannot_judge_reading(pages, recognizer):
    for path in (pages / "box").iterdir():
        path.write_text("20,20,220,20,220,60,20,60,\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="set: has no texts to judge recognition by"):
        evaluate(read_samples(pages), recognizer=recognizer, data="set")


def test_a_report_survives_its_json(pages, detector):
    report = evaluate(read_samples(pages), detector=detector, data="set")
    assert Report.model_validate_json(report.model_dump_json()) == report


def test_a_report_says_how_far_confidence_can_be_trusted(pages, detector, recognizer):
    whole = evaluate(read_samples(pages), detector=detector, recognizer=recognizer, data="set").calibration
    assert whole.n == 3  # the lines that were found
    assert 0 <= whole.error <= 1
    assert [one.error for one in whole.accept] == [0.01, 0.02, 0.05]
    crops = evaluate(read_samples(pages), recognizer=recognizer, data="set").calibration
    assert 0 < crops.n <= 4
    assert evaluate(read_samples(pages), detector=detector, data="set").calibration is None
