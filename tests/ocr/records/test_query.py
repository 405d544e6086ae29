"""Conditions and orders over rows."""

import pytest

from ocr.errors import RecordError
from ocr.records.query import best_first, ordered, parse, select, value_of

ROWS = [
    {"id": "a", "epoch": 0, "tags": ["x y", "paper"], "old": True, "metrics": {"val/hmean": 0.9, "train/hmean": 1.0}},
    {"id": "b", "epoch": 3, "tags": [], "old": False, "metrics": {"val/hmean": 0.95}, "encoder": "Timm(resnet18)"},
    {"id": "ç d", "epoch": None, "tags": ["paper"], "metrics": {}},
]


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        (None, ["a", "b", "ç d"]),
        ("hmean>0.9", ["b"]),
        ("hmean>=0.9 epoch<1", ["a"]),
        ("val/hmean=0.90", ["a"]),
        ("epoch=0", ["a"]),
        ("epoch!=0", ["b", "ç d"]),
        ("tags=paper", ["a", "ç d"]),
        ("'tags=x y'", ["a"]),
        ("tags~PAP", ["a", "ç d"]),
        ("encoder~RESNET", ["b"]),
        ("id='ç d'", ["ç d"]),
        ("old=true", ["a"]),
        ("id>a id<c", ["b"]),
        ("epoch>nothing", []),
    ],
)
def test_conditions(where, ids):
    assert [row["id"] for row in select(ROWS, parse(where))] == ids


@pytest.mark.parametrize(
    ("key", "ids"),
    [
        ("epoch", ["a", "b", "ç d"]),
        ("-epoch", ["b", "a", "ç d"]),
        ("-hmean", ["b", "a", "ç d"]),
        ("-id", ["ç d", "b", "a"]),
    ],
)
def test_order_puts_rows_without_the_field_last(key, ids):
    assert [row["id"] for row in ordered(ROWS, key)] == ids


@pytest.mark.parametrize("ask", [lambda: select(ROWS, parse("hmeen>1")), lambda: ordered(ROWS, "-hmeen")])
def test_a_field_that_no_row_has_is_named_with_the_nearest(ask):
    with pytest.raises(RecordError, match="no row has hmeen; did you mean val/hmean"):
        ask()


@pytest.mark.parametrize("where", ["hmean", "'open", "= 3", "a b=c"])
def test_what_is_no_condition_is_refused(where):
    with pytest.raises(RecordError, match=r"is no condition; write KEY=VALUE|close the quotation mark"):
        parse(where)


def test_a_metric_is_found_by_its_last_name_validation_first():
    assert value_of(ROWS[0], "hmean") == 0.9
    assert value_of(ROWS[0], "train/hmean") == 1.0


def scored(name, score, monitor="val/loss", mode="min"):
    return {"id": name, "score": score, "monitor": monitor, "mode": mode}


def test_the_best_is_by_the_monitored_metric_in_its_mode():
    rows = [scored("a", 0.5), scored("b", 0.2), scored("c", None)]
    assert [row["id"] for row in best_first(rows)] == ["b", "a"]
    up = [row | {"mode": "max"} for row in rows]
    assert [row["id"] for row in best_first(up)] == ["a", "b"]
    tied = [scored("old", 0.1) | {"created": "2025"}, scored("new", 0.1) | {"created": "2026"}]
    assert next(row["id"] for row in best_first([*rows, *tied])) == "new"
    with pytest.raises(RecordError, match=r"monitored by val/acc \(max\), val/loss \(min\); add monitor="):
        best_first([*rows, scored("d", 1.0, "val/acc", "max")])
