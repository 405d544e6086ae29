"""Fields judged: both protocols, what is missing, and keys that are none."""

import json
from pathlib import Path

import pytest

from ocr.errors import AnnotationError
from ocr.evaluation.fields import agrees, agrees_strictly, judge, read_keys
from ocr.fields.receipt import AmountField, DateField, Receipt, TextField
from ocr.formats.page import ImageInfo

KEY = {"company": "A & B SDN BHD", "date": "01/02/2018", "address": "NO. 1, JALAN X", "total": "9.00"}


def receipt(*, total: str = "9.00") -> Receipt:
    text = {"confidence": 1.0, "lines": [0]}
    return Receipt(
        image=ImageInfo(source="a.jpg", width=1, height=1),
        merchant=TextField(text="A & B Sdn. Bhd.", **text),
        date=DateField(text="01/02/2018", iso="2018-02-01", ambiguous=True, **text),
        address=None,
        total=AmountField(text=total, value=float(total), currency="", **text),
        subtotal=None,
        tax=None,
        items=[],
        doubts=[],
    )


@pytest.mark.parametrize(
    ("field", "found", "true", "loose", "strict"),
    [
        ("company", "A & B Sdn. Bhd.", "A & B SDN BHD", True, False),
        ("company", "a & b  sdn bhd", "A & B SDN BHD", True, True),
        ("company", "A & C SDN BHD", "A & B SDN BHD", False, False),
        ("company", "", "", False, True),
        ("total", "9.00", "RM 9.00", True, False),
        ("total", "9.00", "9.10", False, False),
        ("total", "", "9.00", False, False),
        ("date", "1/2/2018", "01-02-18", True, False),
        ("date", "2/1/2018", "01-02-18", False, False),
        ("date", "20180201", "20180201", True, True),
    ],
)
def test_protocols(field: str, found: str, true: str, loose: bool, strict: bool) -> None:
    assert (agrees(field, found, true), agrees_strictly(field, found, true)) == (loose, strict)


def test_f1_counts_what_is_missing_and_what_is_wrong() -> None:
    keys = {"a": KEY, "b": KEY, "c": KEY}
    report = judge({"a": receipt(), "b": receipt(total="8.00"), "c": None}, keys, data="three")
    value = {metric.name: metric for metric in report.metrics}
    # Given: 3 of each of two receipts; right: 3 + 2; true: 12.
    assert value["fields_f1_all"].value == pytest.approx(2 * 5 / (6 + 12))
    assert value["fields_f1_total"].value == pytest.approx(2 * 1 / (2 + 3))
    assert value["fields_f1_address"].value == 0
    assert value["fields_strict_f1_company"].value == 0
    assert value["fields_f1_all"].n == 12
    assert report.receipts == 3
    assert {"receipt": "b", "field": "total", "found": "8.00", "true": "9.00"} in report.wrong


def test_keys_are_read_or_refused(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="holds no keys"):
        read_keys(tmp_path)
    (tmp_path / "a.json").write_text(json.dumps({"company": "X"}))
    assert read_keys(tmp_path) == {"a": {"company": "X", "date": "", "address": "", "total": ""}}
    for content, reason in (("{", "is not JSON"), ("[]", "not an object"), ('{"total": 9}', "not an object")):
        (tmp_path / "b.json").write_text(content)
        with pytest.raises(AnnotationError, match=reason):
            read_keys(tmp_path)
