"""`ocr read`: what it prints, how it fails, and that torch is not needed. Runs on the plain bundles of conftest."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocr.bundles.bundle import Bundle
from ocr.cli.main import main
from ocr.formats.page import Document, Page
from ocr.schema import from_json

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    plain_detector: Bundle, plain_recognizer: Bundle, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run `ocr read` in this process; returns the exit code, stdout and stderr."""
    bundles = ["--detector", str(plain_detector.model_path.parent)]
    bundles += ["--recognizer", str(plain_recognizer.model_path.parent)]

    def command(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            sys.exit(main(["read", *bundles, *map(str, arguments)]))
        captured = capsys.readouterr()
        return int(stopped.value.code or 0), captured.out, captured.err

    return command


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    """A page with three black bars: three lines for the plain bundles."""
    pixels = np.full((320, 480, 3), 255, np.uint8)
    for x0, y0, x1, y1 in ((60, 60, 260, 90), (300, 62, 420, 92), (60, 140, 420, 170)):
        pixels[y0:y1, x0:x1] = 0
    path = tmp_path / "drawn.png"
    Image.fromarray(pixels).save(path)
    return path


def test_a_page_is_read_without_what_only_makes_the_start_slow(drawn: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from ocr.images.load import load_image; from ocr.inference.engine import open_reader\n"
        "open_reader().read(load_image(Path(sys.argv[1])), source='page')\n"
        "print({'pydantic', 'pydantic_core', 'numpy.ma', 'statistics', 'importlib.metadata', 'torch'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code, str(drawn)], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_json_is_one_document_with_polygons_in_the_pixels_of_the_input(run: Run, drawn: Path) -> None:
    code, out, err = run(drawn, "--json")
    assert (code, err) == (0, "")
    document = from_json(Document, out)
    (page,) = document.pages
    assert isinstance(page, Page)
    assert (page.image.source, page.image.width, page.image.height) == (str(drawn), 480, 320)
    corners = [np.array(line.polygon).min(axis=0) for line in page.lines]
    # Each bar, grown to the rectangle it would be the shrunk form of.
    assert np.allclose(corners, [(35, 35), (280, 42), (28, 108)], atol=1)
    assert set(json.loads(out)) == {"schema_version", "pages"}


def test_text_and_table(run: Run, drawn: Path) -> None:
    texts = [line.text for line in from_json(Document, run(drawn, "--format", "json")[1]).pages[0].lines]
    assert run(drawn, "--format", "text") == (0, "\n".join(texts) + "\n", "")
    code, out, err = run(drawn)
    assert (code, err) == (0, "")
    heading, *rows = out.splitlines()
    assert heading == f"{drawn}  480 x 320, 3 lines"
    assert [row.split()[-1] for row in rows] == texts


def test_an_exif_turned_photograph_is_read_as_displayed(run: Run, drawn: Path, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(drawn) as image:
        image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    displayed, turned = (
        from_json(Document, run(path, "--json")[1]).pages[0] for path in (drawn, tmp_path / "turned.png")
    )
    assert isinstance(displayed, Page)
    assert isinstance(turned, Page)
    assert turned.lines == displayed.lines


def test_folders_patterns_and_documents_together(run: Run, drawn: Path, ocr_data: Path) -> None:
    folder = drawn.parent / "scans"
    folder.mkdir()
    shutil.copy(drawn, folder / "a.png")
    shutil.copy(ocr_data / "docs" / "ocrmypdf" / "cardinal.pdf", folder)
    code, out, _ = run(folder, drawn.parent / "dr*.png", "--json", "--dpi", "40")
    assert code == 0
    pages = [(Path(page.image.source).name, page.image.page) for page in from_json(Document, out).pages]
    assert pages == [("a.png", 1), *[("cardinal.pdf", number) for number in range(1, 5)], ("drawn.png", 1)]


def test_boxes_are_drawn_and_no_name_overwrites_another(run: Run, drawn: Path, tmp_path: Path) -> None:
    twin = tmp_path / "other" / drawn.name
    twin.parent.mkdir()
    shutil.copy(drawn, twin)
    for _ in range(2):  # a second run replaces what the first drew
        assert run(drawn, twin, "--save-image", tmp_path / "boxes")[0] == 0
    assert sorted(path.name for path in (tmp_path / "boxes").iterdir()) == ["drawn-2.jpg", "drawn.jpg"]
    with Image.open(tmp_path / "boxes" / "drawn.jpg") as image:
        pixels = np.asarray(image).astype(int)
    assert pixels.shape[0] >= 320
    assert (np.ptp(pixels, axis=2) > 60).any()  # something coloured on a grey page


def test_a_page_too_long_for_a_jpeg_is_drawn(run: Run, tmp_path: Path) -> None:
    Image.new("L", (40, 66_000), 255).save(tmp_path / "strip.png")
    code, _, err = run(tmp_path / "strip.png", "--save-image", tmp_path / "boxes")
    assert (code, err) == (0, "")
    with Image.open(tmp_path / "boxes" / "strip.jpg") as image:
        assert image.height == 65_500


@pytest.mark.parametrize("format", ["json", "csv", "markdown", "hocr", "table"])
def test_a_name_that_is_no_utf_8_is_shown_with_its_bytes(run: Run, drawn: Path, format: str) -> None:
    old = drawn.with_name(os.fsdecode("한.png".encode("cp949")))
    drawn.rename(old)
    code, out, err = run(old, old.with_suffix(".gone"), "--format", format)
    assert code == 1
    shown = r"\xc7\xd1"
    assert f"{shown}.gone: no such file" in err
    if format == "json":
        assert [page.image.source for page in from_json(Document, out).pages] == [
            f"{drawn.parent}/{shown}{suffix}" for suffix in (".png", ".gone")
        ]
    else:
        assert "xc7" in out


BAD = {
    "missing": (None, "no such file; check the path"),
    "empty": (b"", "is empty; copy or download it again"),
    "truncated": (b"\xff\xd8\xff\xe0\x00\x10JFIF", "is damaged or truncated"),
    "no image": (b"just text", "is not a JPEG, PNG, WebP, TIFF, BMP or GIF image"),
    "no pdf": (b"%PDF-1.7 nothing", "is not a whole PDF"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("json_wanted", [False, True])
def test_bad_input_alone_is_wrong_use(kind: str, json_wanted: bool, run: Run, tmp_path: Path) -> None:
    data, message = BAD[kind]
    path = tmp_path / "page.jpg"
    if data is not None:
        path.write_bytes(data)
    code, out, err = run(path, *(["--json"] if json_wanted else []))
    assert code == 2
    assert err.startswith(f"ocr read: {path}: ")
    assert message in err
    assert err.count("\n") == 1
    if json_wanted:
        (entry,) = json.loads(out)["pages"]
        assert entry["image"]["source"] == str(path)
        assert err == "ocr read: {}: {reason}; {remedy}\n".format(path, **entry["error"])
    else:
        assert out == ""


def test_the_other_files_go_on(run: Run, drawn: Path, ocr_data: Path, tmp_path: Path) -> None:
    broken = ocr_data / "image_modes" / "broken.jpg"
    code, out, err = run(broken, drawn, tmp_path / "none.png", "--json")
    assert code == 1
    pages = json.loads(out)["pages"]
    assert ["error" in page for page in pages] == [True, False, True]
    assert len(pages[1]["lines"]) == 3
    assert len(err.splitlines()) == 2


def test_real_files_of_every_mode_are_read(run: Run, ocr_data: Path) -> None:
    folder = ocr_data / "docs" / "ocrmypdf"
    names = ["baiona_alpha.png", "baiona_cmyk.jpg", "baiona_colormapped.png", "baiona_gray.png"]
    code, out, err = run(*[folder / name for name in names], "--json")
    assert (code, err) == (0, "")
    assert [page["image"]["width"] for page in json.loads(out)["pages"]] == [640] * 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument"),
        (["--format", "xml", "a.png"], "Invalid value for '--format'"),
        (["--dpi", "5", "a.png"], "Invalid value for '--dpi'"),
        (["--detector", "/nowhere", "a.png"], "/nowhere: no such bundle; give a bundle folder"),
    ],
)
def test_wrong_use(arguments: list[str], message: str, run: Run) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_reading_needs_no_torch(plain_detector: Bundle, plain_recognizer: Bundle, drawn: Path) -> None:
    code = (
        "import sys; sys.modules.update(torch=None, lightning=None, hydra=None, onnx=None, timm=None)\n"
        "from ocr.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    bundles = ["--detector", plain_detector.model_path.parent, "--recognizer", plain_recognizer.model_path.parent]
    command = [sys.executable, "-c", code, "read", str(drawn), "--json", *map(str, bundles)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads(done.stdout)["pages"][0]["lines"]) == 3


def test_a_progress_bar_shows_on_a_terminal_only(
    run: Run, drawn: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    code, out, _ = run(drawn, drawn.parent / "drawn.*", drawn.parent, drawn, "--format", "text")
    assert code == 0
    assert out.count("\n") == 3
    assert "reading" not in out


def test_reading_leaves_nothing_in_the_users_folders(drawn: Path, tmp_path: Path) -> None:
    """ONNX Runtime would keep an identifier of the machine and events to report in the cache folder."""
    home = tmp_path / "home"
    home.mkdir()
    command = [sys.executable, "-B", "-m", "ocr.cli.main", "read", str(drawn)]
    subprocess.run(command, env={"HOME": str(home)}, cwd=home, check=True, capture_output=True)
    assert not list(home.rglob("*"))
