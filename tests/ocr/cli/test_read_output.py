"""`ocr read --format F --out PATH`: one file, a folder, stdout, and what it refuses."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from ocr.bundles.bundle import Bundle
from ocr.cli.main import main
from ocr.formats.page import Document
from ocr.formats.render import FORMATS
from ocr.schema import from_json

Run = Callable[..., tuple[int, bytes, str]]


@pytest.fixture
def run(plain_detector: Bundle, plain_recognizer: Bundle, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run `ocr read` in this process; returns the exit code, stdout and stderr."""
    bundles = ["--detector", str(plain_detector.model_path.parent)]
    bundles += ["--recognizer", str(plain_recognizer.model_path.parent)]

    def command(*arguments: object) -> tuple[int, bytes, str]:
        with pytest.raises(SystemExit) as stopped:
            sys.exit(main(["read", *bundles, *map(str, arguments)]))
        captured = capfdbinary.readouterr()
        return int(stopped.value.code or 0), captured.out, captured.err.decode()

    return command


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Two files of one name in different folders, and a TIFF of two pages."""
    pixels = np.full((160, 320, 3), 255, np.uint8)
    pixels[60:90, 60:260] = 0
    image = Image.fromarray(pixels)
    for folder in ("a", "b"):
        (tmp_path / "scans" / folder).mkdir(parents=True)
        image.save(tmp_path / "scans" / folder / "one.png")
    image.save(tmp_path / "scans" / "two.tif", save_all=True, append_images=[image])
    return tmp_path / "scans"


@pytest.mark.parametrize("format", FORMATS)
def test_a_folder_gets_a_file_for_each_input(run: Run, scans: Path, tmp_path: Path, format: str) -> None:
    code, out, err = run(scans, "--format", format, "--out", tmp_path / "out")
    assert (code, out, err) == (0, b"", "")
    suffix = FORMATS[format].suffix
    names = {f"one{suffix}", f"one-2{suffix}", f"two{suffix}"} | ({f"two-page2{suffix}"} if format == "page" else set())
    assert {path.name for path in (tmp_path / "out").iterdir()} == names


def test_one_file_holds_everything_and_its_name_tells_the_format(run: Run, scans: Path, tmp_path: Path) -> None:
    assert run(scans, "--out", tmp_path / "deep" / "all.pdf") == (0, b"", "")
    assert len(pypdfium2.PdfDocument(tmp_path / "deep" / "all.pdf")) == 4
    assert run(scans, "--out", tmp_path / "all.json")[0] == 0
    assert len(from_json(Document, (tmp_path / "all.json").read_bytes()).pages) == 4


def test_stdout_gets_the_document(run: Run, scans: Path) -> None:
    code, out, _ = run(scans, "--format", "pdf")
    assert code == 0
    assert len(pypdfium2.PdfDocument(out)) == 4
    assert run(scans, "--format", "csv")[1].count(b"\n") == 5


def test_text_on_stdout_is_that_of_a_file(run: Run, scans: Path, tmp_path: Path) -> None:
    sheets = [Image.new("L", size, 255) for size in ((320, 160), (2, 2), (320, 160))]
    sheets[0].save(scans / "three.tif", save_all=True, append_images=sheets[1:])
    code, out, err = run(scans / "three.tif", scans / "two.tif", "--format", "text")
    assert (code, out.count(b"\f")) == (1, 4)
    assert out.startswith(b"\n\f\f\n\f")  # two blank pages, and one that failed between them
    assert err.startswith(f"ocr read: {scans / 'three.tif'} page 2: ")
    run(scans / "three.tif", scans / "two.tif", "--out", tmp_path / "all.txt")
    assert (tmp_path / "all.txt").read_bytes() == out


def test_a_failed_input_is_told_and_the_rest_is_written(run: Run, scans: Path, tmp_path: Path) -> None:
    (scans / "bad.png").write_bytes(b"no image")
    code, _, err = run(scans, "--format", "alto", "--out", tmp_path / "out")
    assert code == 1
    assert "bad.png" in err
    assert not (tmp_path / "out" / "bad.xml").exists()
    code, _, err = run(scans / "bad.png", "--out", tmp_path / "bad.hocr")
    assert code == 2
    assert not (tmp_path / "bad.hocr").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "results"], "give --format, one of json"),
        (["--out", "results.xml"], "give --format"),
        (["--out", "results.txt", "--format", "table"], "a table is for the screen"),
        (["--format", "page"], "give --out FOLDER"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(run: Run, scans: Path, arguments: list[str], message: str) -> None:
    code, _, err = run(scans, *arguments)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_a_pdf_is_not_poured_into_a_terminal(run: Run, scans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    code, _, err = run(scans, "--format", "pdf")
    assert (code, err) == (2, "ocr read: a PDF is nothing for a terminal; give --out FILE.pdf\n")


def test_no_input_is_replaced(run: Run, scans: Path) -> None:
    """Results take another name beside an input of theirs, and not that of what else is there."""
    folder = scans / "a"
    (folder / "one.pdf").write_bytes(run(scans / "b", "--format", "pdf")[1])
    (folder / "one.jpg").write_bytes((folder / "one.png").read_bytes())
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    other = folder / "one-2.pdf"
    other.write_bytes(b"not read by this command")
    assert run(*kept, "--format", "pdf", "--out", folder)[0] == 0
    assert run(folder / "one.jpg", "--save-image", folder)[0] == 0
    assert {path: path.read_bytes() for path in kept} == kept
    assert other.read_bytes() == b"not read by this command"
    names = {"one.png", "one.pdf", "one.jpg", "one-2.pdf", "one-3.pdf", "one-4.pdf", "one-5.pdf", "one-2.jpg"}
    assert {path.name for path in folder.iterdir()} == names


def test_the_one_file_for_everything_is_no_input(
    run: Run, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scan.pdf").write_bytes(run(scans, "--format", "pdf")[1])
    before = (tmp_path / "scan.pdf").read_bytes()
    monkeypatch.chdir(tmp_path)
    code, _, err = run(tmp_path / "scan.pdf", "--out", "scan.pdf")
    assert (code, err.count("\n")) == (2, 1)
    assert "--out scan.pdf: is one of the files to read" in err
    assert (tmp_path / "scan.pdf").read_bytes() == before
