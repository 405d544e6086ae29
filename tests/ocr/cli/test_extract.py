"""`ocr extract` on real receipts: what it prints, how it scores, how it fails."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from ocr.cli.main import main
from ocr.fields.receipt import Receipt, Receipts

Run = Callable[..., tuple[int, str, str]]
NAME = "X00016469620"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `ocr extract` in this process; returns the exit code, stdout and stderr."""

    def command(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            sys.exit(main(["extract", *map(str, arguments)]))
        captured = capsys.readouterr()
        return int(stopped.value.code or 0), captured.out, captured.err

    return command


@pytest.fixture
def receipt(ocr_data: Path) -> Path:
    return ocr_data / "sroie" / "train" / "img" / f"{NAME}.jpg"


def test_json_has_every_field_with_its_lines(run: Run, receipt: Path) -> None:
    code, out, err = run(receipt, "--json")
    assert (code, err) == (0, "")
    (page,) = Receipts.model_validate_json(out).pages
    assert isinstance(page, Receipt)
    assert page.date is not None
    assert page.date.iso == "2019-01-12"
    assert page.total is not None
    assert page.total.value == 33.9
    assert len(page.items) >= 3


def test_the_table_is_for_people(run: Run, receipt: Path) -> None:
    code, out, _ = run(receipt)
    assert code == 0
    heading, *rows = out.splitlines()
    assert heading == str(receipt)
    assert any(row.split()[1:] == ["total", "33.90"] for row in rows)
    assert sum(" item " in row for row in rows) >= 3


def test_scoring_against_keys(run: Run, receipt: Path, ocr_data: Path, tmp_path: Path) -> None:
    key = ocr_data / "sroie" / "train" / "key" / f"{NAME}.json"
    (tmp_path / key.name).write_bytes(key.read_bytes())
    (tmp_path / "unread.json").write_bytes(key.read_bytes())
    code, out, _ = run(receipt, "--truth", tmp_path, "--json")
    assert code == 0
    report = json.loads(out)
    assert report["receipts"] == 2
    figures = {metric["name"]: metric for metric in report["metrics"]}
    assert figures["fields_f1_total"]["value"] == pytest.approx(2 / 3)  # the receipt that was not given is missed
    assert figures["fields_f1_all"]["n"] == 8
    code, out, _ = run(receipt, "--truth", tmp_path)
    assert "fields_strict_f1_all" in out


def test_pages_that_cannot_be_read_are_told_by_number(run: Run, tmp_path: Path) -> None:
    sheets = [Image.new("L", (2, 2)), Image.new("L", (2, 2))]
    sheets[0].save(tmp_path / "two.tif", save_all=True, append_images=sheets[1:])
    code, _, err = run(tmp_path / "two.tif")
    assert code == 2
    assert [line.partition(": is 2 x 2")[0] for line in err.splitlines()] == [
        f"ocr extract: {tmp_path / 'two.tif'} page {number}" for number in (1, 2)
    ]


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(run: Run, receipt: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no image")
    code, out, err = run(tmp_path / "bad.jpg", receipt, "--json")
    assert code == 1
    assert "bad.jpg" in err
    assert len(json.loads(out)["pages"]) == 2
    assert run(tmp_path / "bad.jpg")[0] == 2
    code, _, err = run(receipt, "--truth", tmp_path)
    assert code == 2
    assert "holds no keys" in err
