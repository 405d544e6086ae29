import pytest

from ocr.errors import RecordError
from ocr.records.compatibility import can_read, checks
from ocr.records.curves import read_curves


def test_curves_hold_what_was_logged_in_order(tmp_path):
    (tmp_path / "metrics.csv").write_text(
        "epoch,step,train/loss,val/hmean\n,10,2.5,\n0,10,,0.5\n,20,nan,\n,30,1.5,\n,torn,9,\n,40\n"
    )
    assert read_curves(tmp_path) == {"train/loss": [(10, 2.5), (30, 1.5)], "val/hmean": [(10, 0.5)]}


def test_a_run_that_logged_nothing_has_no_curves(tmp_path):
    assert read_curves(tmp_path) == {}
    (tmp_path / "metrics.csv").write_bytes(b"")
    assert read_curves(tmp_path) == {}


@pytest.mark.parametrize("make", [lambda path: path.write_text("a,b\n1,2\n"), lambda path: path.mkdir()])
def test_what_is_no_log_is_told(tmp_path, make):
    make(tmp_path / "metrics.csv")
    with pytest.raises(RecordError, match=r"metrics\.csv"):
        read_curves(tmp_path)


WHOLE = {"state": "whole", "task": "recognition", "charset_size": 95}


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        ({}, None),
        ({"task": "detection", "charset_size": None}, None),
        ({"state": "no card: run doctor"}, "file and card"),
        ({"old": True}, "layout"),
        ({"task": None}, "task"),
        ({"charset_size": None}, "charset"),
    ],
)
def test_what_keeps_a_checkpoint_from_reading_is_named(change, failing):
    row = WHOLE | change
    assert [check.name for check in checks(row) if not check.ok] == ([failing] if failing else [])
    assert can_read(row) == (failing is None)


def test_a_missing_package_is_named_with_its_install_line(monkeypatch):
    monkeypatch.setattr("ocr.records.compatibility.EXPORTERS", ("torch", "no_such_package"))
    export = next(check for check in checks(WHOLE) if check.name == "export")
    assert not export.ok
    assert "no_such_package" in export.detail
    assert "receipt-ocr[train]" in export.detail
