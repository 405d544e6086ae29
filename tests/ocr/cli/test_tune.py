import json

import cv2
import numpy as np
import pytest

from ocr.bundles.bundle import load_bundle, load_prior
from ocr.cli.main import main


@pytest.fixture
def words(tmp_path):
    """Two word crops."""
    folder = tmp_path / "data" / "words"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "d.png"), np.full((8, 40, 3), 159, np.uint8))
    cv2.imwrite(str(folder / "a.png"), np.full((8, 16, 3), 0, np.uint8))
    (folder / "labels.tsv").write_text("d.png\td\na.png\ta\n", encoding="utf-8")
    return folder


def run(capsys, *arguments):
    """Exit code, stdout and stderr of `ocr tune`."""
    try:
        code = main(["tune", *map(str, arguments)])
    except SystemExit as stop:
        code = stop.code or 0
    out, err = capsys.readouterr()
    return code, out, err


def test_a_detector_with_the_best_thresholds_is_written(capsys, ocr_data, plain_detector, tmp_path):
    data = ocr_data / "sroie" / "train"
    arguments = ["--bundle", plain_detector.model_path.parent, "--data", data, "--limit", 1, "--to", tmp_path / "best"]
    code, out, err = run(capsys, "detector", *arguments)
    assert (code, err) == (0, "")
    rows = out.splitlines()
    assert rows[0].split() == ["binarize", "box_threshold", "shrink_ratio", "hmean"]
    card = load_bundle(tmp_path / "best", task="detection").card
    assert card.notes == "Thresholds chosen on sroie/train by ocr tune, after the figures here were taken."
    best = card.postprocess
    shown = [float(value) for value in rows[1].split()[:3]]
    assert [best.binarize, best.box_threshold, best.shrink_ratio] == pytest.approx(shown)


def test_a_recognizer_with_a_prior_is_written_and_read(capsys, words, plain_recognizer, tmp_path):
    texts = tmp_path / "texts.txt"
    texts.write_text("d\n" * 50 + "a\n" * 50, encoding="utf-8")
    to = tmp_path / "better"
    arguments = ["--bundle", plain_recognizer.model_path.parent, "--data", words, "--texts", texts, "--to", to]
    code, out, err = run(capsys, "recognizer", *arguments)
    assert (code, err) == (0, "")
    assert "calibration error of 2 lines" in out
    bundle = load_bundle(to, task="recognition")
    assert load_prior(bundle).order == 5
    code, out, _ = run(capsys, "recognizer", "--bundle", to, "--data", words, "--json")
    result = json.loads(out)
    assert code == 0
    assert result["bundle"] is None
    assert result["trials"][0]["word_f1"] == 1.0


@pytest.mark.parametrize("kind", ["detector", "recognizer"])
def test_a_test_set_is_warned_of(capsys, ocr_data, plain_detector, plain_recognizer, kind):
    bundle = (plain_detector if kind == "detector" else plain_recognizer).model_path.parent
    arguments = ["--bundle", bundle, "--data", ocr_data / "icdar2015" / "test", "--limit", 3, "--json"]
    code, out, err = run(capsys, kind, *arguments)
    assert code == 0
    assert json.loads(out)["trials"]
    assert "is a test set; what is chosen on it can no longer be judged on it" in err


def test_wrong_use_is_one_line(capsys, words):
    code, out, err = run(capsys, "detector", "--bundle", "nowhere", "--data", words)
    assert (code, out) == (2, "")
    assert err.startswith("ocr tune: nowhere: no such bundle")
