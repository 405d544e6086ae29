"""`ocr data`: what it prints, how it exits, and that wrong use is one line."""

import json
from pathlib import Path

import pytest

from ocr.cli import data
from ocr.cli.main import main
from ocr.datasets.lmdb_crops import LmdbCrops


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    try:
        code = main(["data", *map(str, words)])
    except SystemExit as stop:  # typer leaves so
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "pages"
    with pytest.raises(SystemExit) as stop:
        main(["data", "synth", "--kind", "pages", "--n", "4", "--seed", "3", "--out", str(folder)])
    assert not stop.value.code
    return folder


def test_from_synthetic_pages_to_crops_and_splits(pages: Path, tmp_path: Path, capsys) -> None:
    code, out, err = run(capsys, "check", pages)
    assert (code, err) == (0, "")
    assert f"{pages} (competition): 4 images" in out
    assert "text height at model input" in out
    assert out.endswith("no problems found\n")

    code, out, err = run(capsys, "split", pages, "--parts", "train=0.75,val=0.25", "--out", tmp_path)
    assert (code, err) == (0, "")
    assert out == f"{tmp_path / 'train.split.json'}: 3 images\n{tmp_path / 'val.split.json'}: 1 image\n"

    code, out, err = run(capsys, "crops", tmp_path / "train.split.json", "--out", tmp_path / "c.lmdb")
    assert (code, err) == (0, "")
    assert out == f"{tmp_path / 'c.lmdb'}: {len(LmdbCrops(tmp_path / 'c.lmdb'))} crops added\n"
    code, out, _ = run(capsys, "crops", tmp_path / "train.split.json", "--out", tmp_path / "c.lmdb", "--json")
    assert json.loads(out) == {"added": 0, "images_done_before": 3, "left_out": {}, "unreadable": []}


def test_synthetic_lines_in_a_charset_of_ones_own(tmp_path: Path, capsys) -> None:
    (tmp_path / "charset.txt").write_text("0123456789한글", encoding="utf-8")
    words = ("--kind", "lines", "--n", "12", "--out", tmp_path / "l.lmdb", "--charset", tmp_path / "charset.txt")
    assert run(capsys, "synth", *words)[0] == 0
    crops = LmdbCrops(tmp_path / "l.lmdb")
    assert len(crops) == 12
    assert set("".join(text for _, text, _ in crops)) <= set("0123456789한글")


def test_findings_exit_1_in_text_and_json(pages: Path, ocr_data: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "charset.txt").write_text("abc")
    code, out, _ = run(capsys, "check", pages, "--charset", tmp_path / "charset.txt", "--max-length", "5")
    assert code == 1
    assert "error outside-charset" in out
    assert "error long-label" in out
    assert "more (--json lists all)" in out
    assert "characters outside the charset: " in out
    code, out, _ = run(capsys, "check", pages, "--charset", tmp_path / "charset.txt", "--json")
    report = json.loads(out)
    assert code == 1
    assert report["count"] == len(report["problems"]) > 20
    assert set(report["by_code"]) == {"outside-charset"}
    assert report["data"][0]["images"] == 4


def test_images_that_cannot_be_cut_exit_1_and_are_named(pages: Path, tmp_path: Path, capsys) -> None:
    content = json.loads((pages / "annotations.json").read_text())
    words = next(iter(content["images"].values()))["words"]
    (tmp_path / "a.json").write_text(json.dumps({"images": {"gone.jpg": {"words": words}}}))
    code, out, err = run(capsys, "crops", tmp_path / "a.json", "--out", tmp_path / "c.lmdb")
    assert code == 1
    assert out.endswith(": 0 crops added\n")
    assert err.startswith("ocr data crops: ")
    assert "gone.jpg: no such file" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("check", "{tmp}/nowhere"), "no such file or folder"),
        (("check", "{tmp}"), "holds no annotations of a known layout"),
        (("check", "{tmp}/not.json"), "is not JSON"),
        (("crops", "{tmp}", "--out", "{tmp}/x.lmdb"), "holds no annotations of a known layout"),
        (("crops", "{tmp}", "--out", "{tmp}/x.lmdb", "--layout", "coco"), "layout 'coco' is unknown"),
        (("crops", "{tmp}", "--out", "{tmp}/not.json"), "cannot be written as LMDB"),
        (("split", "{tmp}", "--out", "{tmp}", "--parts", "a=2"), "add up to 2"),
        (("synth", "--kind", "pages", "--n", "1", "--out", "{tmp}/not.json"), "cannot be made"),
        (("synth", "--kind", "lines", "--n", "1", "--out", "{tmp}/l", "--charset", "{tmp}/nowhere"), "as a charset"),
        (("synth", "--kind", "poems", "--n", "1", "--out", "x"), "poems"),
        (("check",), "Missing argument"),
        (("mix",), "No such command"),
    ],
)
def test_wrong_use_exits_2_with_one_clear_line(tmp_path: Path, capsys, words: tuple[str, ...], message: str) -> None:
    (tmp_path / "not.json").write_text("this is not JSON")
    code, out, err = run(capsys, *(word.format(tmp=tmp_path) for word in words))
    if words[:2] == ("check", "{tmp}/not.json"):  # what is wrong with data is what `check` reports
        assert code == 1
        assert message in out
        return
    assert code == 2
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["check", "crops", "split", "synth"])
def test_help_has_examples(capsys, command: str) -> None:
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    assert f"ocr data {command}" in out


def test_somebody_who_watches_sees_a_bar(pages: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(data.sys.stderr, "isatty", lambda: True, raising=False)
    code, out, err = run(capsys, "crops", pages, "--out", tmp_path / "c.lmdb")
    assert code == 0
    assert "crops added" in out
    assert "4/4" in err
