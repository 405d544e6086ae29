"""Models of fields learnt from a few real receipts, by merchants held out; the rules they are measured against."""

import csv
import importlib.util
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from ocr.errors import AnnotationError
from ocr.evaluation import learn_fields
from ocr.evaluation.learn_fields import cross_validate, main, read_receipts
from ocr.fields import classifier, learn
from ocr.inference.engine import Reader

SCRIPT = Path(__file__).resolve().parents[3] / "benchmarks" / "fields.py"
RECEIPTS = 6


@pytest.fixture(scope="module")
def few(ocr_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six receipts of five merchants, two of one, with their keys and merchant groups."""
    with (ocr_data / "sroie" / "splits.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    train = sorted(path.stem for path in (ocr_data / "sroie/train/key").glob("*.json"))
    group = {row["key"]: row["merchant_group"] for row in rows}
    twins = next((one, other) for one in train for other in train if one < other and group[one] == group[other])
    chosen = [*twins]
    for name in train:
        if len(chosen) < RECEIPTS and group[name] not in {group[one] for one in chosen}:
            chosen.append(name)
    folder = tmp_path_factory.mktemp("few")
    for kind, suffix in (("img", "jpg"), ("key", "json")):
        (folder / kind).mkdir()
        for name in chosen:
            shutil.copy(ocr_data / "sroie/train" / kind / f"{name}.{suffix}", folder / kind)
    lines = [f"{name}\t{group[name]}" for name in chosen]
    (folder / "splits.tsv").write_text("key\tmerchant_group\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def readings(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the shipped reader reads of them."""
    folder = tmp_path_factory.mktemp("readings")
    assert len(read_receipts(few, folder)) == RECEIPTS
    return folder


@pytest.fixture
def no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reader, "read", lambda *_, **__: pytest.fail("a receipt was read again"))


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_fields", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_models_are_learnt_written_and_work(
    few: Path,
    readings: Path,
    no_reading: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "fields"
    assert main([str(few), "--readings", str(readings), "--out", str(out)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed][:2] == ["fields_f1_all", "fields_f1_company"]
    assert printed[0].endswith(f"n = {4 * RECEIPTS}")
    card = json.loads((out / "lines.json").read_text())
    assert (card["receipts"], card["merchants"], card["classes"]) == (RECEIPTS, 5, ["other", "merchant", "address"])
    assert card["metrics"][0]["value"] == pytest.approx(float(printed[0].split()[1]), abs=1e-4)
    assert isinstance(json.loads((out / "words.json").read_text()), list)
    monkeypatch.setattr(classifier, "_FOLDER", out)
    # What was written is what was learnt, to half precision.
    examples = [learn.example(*one) for one in read_receipts(few, readings)]
    for name, fit, rows in (
        ("lines", learn.fit_lines, [one for example in examples for one in example.lines]),
        ("totals", learn.fit_totals, [one for example in examples for one in example.amounts]),
    ):
        written = classifier.shipped.__wrapped__(name)
        assert np.allclose(written.probabilities(rows), fit(examples).probabilities(rows), atol=0.01)


def test_no_receipt_is_judged_by_a_model_that_saw_its_merchant(
    few: Path, readings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = [learn.example(*one) for one in read_receipts(few, readings)]
    known: list[set[str]] = []
    judged: list[set[str]] = []
    fit, extract = learn.fit_lines, learn_fields.extract
    group = {example.page.image.source: example.group for example in examples}

    def seen(rows):
        known.append({example.group for example in rows})
        judged.append(set())
        return fit(rows)

    def watched(page, **models):
        judged[-1].add(group[page.image.source])
        return extract(page, **models)

    monkeypatch.setattr(learn, "fit_lines", seen)
    monkeypatch.setattr(learn_fields, "extract", watched)
    report = cross_validate(examples)
    assert report.receipts == RECEIPTS
    assert set().union(*judged) == {example.group for example in examples}
    assert all(not (one & other) for one, other in zip(known, judged, strict=True))


def test_readings_of_another_reader_or_damaged_ones_are_made_anew(few: Path, readings: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    shutil.copytree(readings, mixed)
    first, second, *_ = sorted(mixed.iterdir())
    first.write_text(first.read_text().replace('"sha256":"', '"sha256":"0'))
    second.write_text("{")
    read_receipts(few, mixed)
    for path in (first, second):
        again, before = (json.loads((folder / path.name).read_text()) for folder in (mixed, readings))
        assert (again["models"], again["lines"]) == (before["models"], before["lines"])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: (data / "splits.tsv").unlink(), "put a splits.tsv with merchant_group beside it"),
        (lambda data: (data / "splits.tsv").write_text("key\tmerchant_group\nX\t1\n"), "list it in splits.tsv"),
        (lambda data: next((data / "img").iterdir()).unlink(), "no such file"),
        (lambda data: shutil.rmtree(data / "key"), "holds no keys"),
    ],
)
def test_what_is_missing_is_one_line(few: Path, tmp_path: Path, capsys, spoil, message: str) -> None:
    data = tmp_path / "data"
    shutil.copytree(few, data)
    spoil(data)
    assert main([str(data), "--readings", str(tmp_path / "r"), "--out", str(tmp_path / "o")]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


def test_a_set_without_merchants_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="merchants are not known"):
        read_receipts(tmp_path, tmp_path / "readings")


def test_rules_alone_are_judged_on_the_same_readings(
    benchmark: ModuleType, few: Path, readings: Path, no_reading: None, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["fields.py", str(few), "--readings", str(readings)])
    benchmark.main()
    figures = {line.split()[0]: float(line.split()[1]) for line in capsys.readouterr().out.splitlines()}
    assert len(figures) == 10
    assert 0.3 < figures["fields_f1_all"] <= 1
    assert figures["fields_f1_date"] >= figures["fields_f1_address"]


def test_rules_find_the_lines_they_name(benchmark: ModuleType, few: Path, readings: Path) -> None:
    for page, _, _ in read_receipts(few, readings):
        receipt = benchmark.by_rules(page)
        assert receipt.merchant is not None
        assert receipt.merchant.text in page.lines[receipt.merchant.lines[0]].text
        if receipt.total is not None:
            assert receipt.total.text in page.lines[receipt.total.lines[0]].text
        if receipt.address is not None:
            assert min(receipt.address.lines) > receipt.merchant.lines[0]


def test_rules_find_nothing_on_an_empty_page(benchmark: ModuleType, readings: Path) -> None:
    page = learn_fields._kept(next(readings.iterdir()))
    assert page is not None
    receipt = benchmark.by_rules(replace(page, lines=[]))
    assert (receipt.merchant, receipt.address, receipt.total) == (None, None, None)
