import json

import pytest

from ocr.cli.main import main


def run(capsys, *arguments):
    """Exit code, stdout and stderr of `ocr bench`."""
    try:
        code = main(["bench", *map(str, arguments)])
    except SystemExit as stop:
        code = stop.code or 0
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def given(ocr_data, plain_detector, plain_recognizer):
    models = ["--detector", plain_detector.model_path.parent, "--recognizer", plain_recognizer.model_path.parent]
    return [*models, "--data", ocr_data / "sroie" / "train", "--limit", 1, "--threads", 1]


def test_a_table_and_a_plot(capsys, given, tmp_path):
    code, out, err = run(capsys, *given, "--side", 320, "--side", 640, "--plot", tmp_path / "bench.svg")
    assert (code, err) == (0, "")
    rows = out.splitlines()
    assert rows[0].split() == ["ms", "CPU", "ms", "wall", "hmean", "word", "F1", "page", "CER", "way"]
    assert sorted(line.split("plain-detector")[1] for line in rows[1:]) == [
        "@320, plain-recognizer",
        "@640, plain-recognizer",
    ]
    assert (tmp_path / "bench.svg").read_text(encoding="utf-8").startswith("<svg ")


def test_json(capsys, given):
    code, out, _ = run(capsys, *given, "--own", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["pages"] == 1
    assert set(report["ways"][0]) == {"name", "hmean", "word_f1", "page_cer", "wall_ms", "cpu_ms", "pareto"}


def test_wrong_use_is_one_line(capsys, given):
    code, out, err = run(capsys, *given, "--detector", "nowhere")
    assert (code, out) == (2, "")
    assert err.startswith("ocr bench: nowhere: no such bundle")
