import json

import cv2
import numpy as np
import pytest

from ocr.cli.main import main


@pytest.fixture
def words(tmp_path):
    """Two word crops: one that the plain recognizer reads right, one that it does not."""
    folder = tmp_path / "data" / "words"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "d.png"), np.full((8, 40, 3), 192, np.uint8))
    cv2.imwrite(str(folder / "a.png"), np.full((8, 16, 3), 0, np.uint8))
    (folder / "labels.tsv").write_text("d.png\td\na.png\tb\n", encoding="utf-8")
    return folder


def run(capsys, *arguments):
    """Exit code, stdout and stderr of `ocr eval`."""
    try:
        code = main(["eval", *map(str, arguments)])
    except SystemExit as stop:
        code = stop.code or 0
    out, err = capsys.readouterr()
    return code, out, err


def test_a_table_with_value_interval_n_and_protocol(capsys, words, plain_recognizer):
    code, out, err = run(capsys, "--recognizer", plain_recognizer.model_path.parent, "--data", words, "--details")
    assert (code, err) == (0, "")
    assert "recognition of plain-recognizer" in out
    assert "data/words: 2 images" in out.replace("\n", " ")
    rows = {parts[0]: parts[1:] for line in out.splitlines() if (parts := line.split())}
    assert rows["accuracy"] == ["0.5000", "0.0000", "to", "1.0000", "2"]
    assert "crops of the true regions, case-sensitive, NFC" in out.replace("\n", " ")
    assert rows["B"] == ["A", "1"]


def test_json_and_the_saved_report_are_one(capsys, words, plain_recognizer, tmp_path):
    saved = tmp_path / "report.json"
    arguments = ["--recognizer", plain_recognizer.model_path.parent, "--data", words, "--json", "--save", saved]
    code, out, _ = run(capsys, *arguments)
    report = json.loads(out)
    assert code == 0
    assert report == json.loads(saved.read_text(encoding="utf-8"))
    assert {"name": "accuracy", "value": 0.5, "n": 2}.items() <= report["metrics"][0].items()
    assert report["models"][0]["sha256"] == plain_recognizer.sha256


def test_the_folder_of_a_report_is_made_and_a_bad_one_refused_before_anything_is_judged(
    capsys, words, plain_recognizer, tmp_path
):
    arguments = ["--recognizer", plain_recognizer.model_path.parent, "--data", words, "--save"]
    assert run(capsys, *arguments, tmp_path / "new/sub/report.json")[0] == 0
    assert (tmp_path / "new/sub/report.json").exists()
    code, out, err = run(capsys, *arguments, words / "labels.tsv" / "report.json")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["--detector"], "detection"),
        (["--recognizer"], "recognition"),
        (["--detector", "--recognizer"], "endtoend"),
        (["--detector", "--recognizer", "--task", "detection"], "detection"),
    ],
)
def test_the_models_given_say_what_is_judged(capsys, words, plain_detector, plain_recognizer, given, expected):
    folders = {"--detector": plain_detector, "--recognizer": plain_recognizer}
    arguments = []
    for option in given:
        arguments += [option] + ([folders[option].model_path.parent] if option in folders else [])
    code, out, _ = run(capsys, *arguments, "--data", words, "--json", "--limit", "1")
    report = json.loads(out)
    assert code == 0
    assert (report["task"], report["images"]) == (expected, 1)


def test_somebody_who_watches_sees_progress(capsys, words, plain_recognizer, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    _, out, err = run(capsys, "--recognizer", plain_recognizer.model_path.parent, "--data", words, "--json")
    assert "judging" in err
    json.loads(out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--detector", "nowhere", "--data", "{words}"], "nowhere: no such bundle"),
        (["--detector", "nowhere.ckpt", "--data", "{words}"], "nowhere.ckpt: cannot be read"),
        (["--detector", "{detector}", "--data", "nowhere"], "nowhere: no such file or folder"),
        (["--recognizer", "{detector}", "--data", "{words}"], "is a detection bundle; a recognition bundle is needed"),
        (["--recognizer", "{recognizer}", "--data", "{words}", "--layout", "tea"], "layout 'tea' is unknown"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(capsys, words, plain_detector, plain_recognizer, arguments, message):
    places = {
        "words": words,
        "detector": plain_detector.model_path.parent,
        "recognizer": plain_recognizer.model_path.parent,
    }
    code, out, err = run(capsys, *(argument.format(**places) for argument in arguments))
    assert (code, out) == (2, "")
    assert err.startswith("ocr eval: ")
    assert message in err
    assert err.count("\n") == 1


def test_an_image_that_cannot_be_read_is_named(capsys, words, plain_recognizer):
    (words / "a.png").write_bytes(b"not an image")
    code, _, err = run(capsys, "--recognizer", plain_recognizer.model_path.parent, "--data", words)
    assert code == 2
    assert err.startswith("ocr eval: ")
    assert "a.png" in err
    assert err.count("\n") == 1
