"""Metrics: values, targets, history, tables, values from commands."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compass import metrics, tables
from compass.errors import CompassError
from compass.state import Metric, Reading


@pytest.fixture
def pulse(repo, compass):
    compass("pulse-init", "--id", "a-b", "--obj", "g", "--milestone", "m")
    return repo


def metric(initial, now, target):
    return Metric(initial=initial, target=target, history=[Reading(at="2026-01-25T10:00:00", value=now)])


@pytest.mark.parametrize(
    ("initial", "now", "target", "reached"),
    [
        (81.0, 7.0, "<=7", True),
        (81.0, 8.0, "<=7", False),
        (81.0, 7.0, "7", True),
        (81.0, 3.0, "7", True),
        (0.1, 0.9, "0.85", True),
        (0.1, 0.8, "0.85", False),
        (5.0, 5.0, "5", True),
        (5.0, 6.0, "5", False),
        (0.0, 0.9, ">0.85", True),
        (9.0, 2.0, "<2", False),
        (1.0, 2.0, "=2", True),
        (False, True, "yes", True),
        (True, False, "yes", False),
        (True, False, "no", True),
        (1.0, 1.0, "yes", False),
        (None, 3.0, "3", True),
    ],
)
def test_a_bare_target_is_a_bound_in_the_direction_of_the_work(initial, now, target, reached):
    assert metrics.reached(metric(initial, now, target)) is reached


def test_without_target_or_value_nothing_is_reached():
    assert metrics.reached(Metric(initial=3.0)) is None
    assert metrics.reached(Metric(target="3")) is None


@pytest.mark.parametrize("text", ["", "many", "nan", "inf", "1e999"])
def test_values_are_numbers_or_yes_or_no(text):
    with pytest.raises(CompassError, match="give a number, or yes or no"):
        metrics.parse_value(text)


@pytest.mark.parametrize(
    ("text", "stored"),
    [("≤7", "<=7"), (">= 0.85", ">=0.85"), ("==3", "=3"), ("✅", "yes"), ("1,000", "1000"), ("< 2", "<2")],
)
def test_targets_are_stored_in_one_form(text, stored):
    assert metrics.parse_target(text) == stored


@pytest.mark.parametrize("text", ["", "a b", "<="])
def test_other_targets_are_refused(text):
    with pytest.raises(CompassError, match="metric"):
        metrics.parse_target(text)


def test_set_show_plot(pulse, compass, at):
    at("2026-01-22T10:00:00+09:00")
    compass("metric", "set", "broken", "81", "--target", "<=7")
    at("2026-01-25T10:00:00+09:00")
    compass("metric", "set", "broken", "--now", "7")
    compass("metric", "set", "pipeline", "yes")
    compass("metric", "set", "read time", "12.5", "--unit", "ms", "--target", "<=20")
    assert compass("metric", "show").out == (
        "| Metric    | Initial | Now     | Target  | Status   |\n"
        "| --------- | ------- | ------- | ------- | -------- |\n"
        "| broken    | 81      | 7       | <=7     | complete |\n"
        "| pipeline  | yes     | yes     | -       | -        |\n"
        "| read time | 12.5    | 12.5 ms | <=20 ms | complete |\n"
    )
    assert compass("metric", "plot", "broken", "--width", "27").out == (
        "broken: target <=7\n2026-01-22 10:00       81 ###########################\n2026-01-25 10:00        7 ##\n"
    )
    data = compass("metric", "show", "broken", "--json").data["metrics"]
    assert [(m["initial"], m["now"], m["reached"], len(m["history"])) for m in data] == [(81.0, 7.0, True, 2)]
    assert "is not in this pulse (there: broken, pipeline, read time)" in compass("metric", "show", "no").err
    compass("metric", "set", "only target", "--target", "3")
    assert "has no history yet" in compass("metric", "plot", "only target").err
    assert "give at least one of" in compass("metric", "set", "broken").err
    assert "printable name" in compass("metric", "set", " ", "1").err
    assert "| broken " in compass("pulse-status").out


def test_no_metrics_yet(pulse, compass):
    assert "no metrics yet" in compass("metric", "show").out


def program(text):
    return f'{sys.executable} -c "{text}"'


@pytest.mark.parametrize(
    ("document", "key", "value"),
    [
        ({"summary": {"count": 4}}, "summary.count", 4.0),
        ({"items": [{"size": 2.5}]}, "items.0.size", 2.5),
        ({"items": [1, 2, 3]}, "items.length", 3.0),
        ({"ok": True}, "ok", True),
    ],
)
@pytest.mark.parametrize("code", [0, 1])
def test_a_value_comes_from_the_json_of_a_command(pulse, compass, tmp_path, document, key, value, code):
    (tmp_path / "out.json").write_text(json.dumps(document))
    command = program(f"print(open('{tmp_path}/out.json').read()); exit({code})")
    ran = compass("metric", "record", "broken", "--from", command, "--key", key, "--target", "<=7", "--json")
    assert ran.data["metric"]["now"] == value
    assert ran.data["metric"]["history"][0]["source"] == command


@pytest.mark.parametrize(
    ("command", "key", "says"),
    [
        (program("print(1)"), "summary.count", "no 'summary' in what"),
        (program("print('[]')"), "0", "(there: list)"),
        (program('print(\'{\\"a\\": \\"x\\"}\')'), "a", "a str in what"),
        (program("print('hello')"), "a", "printed no JSON"),
        (program("import sys; sys.exit('went wrong')"), "a", "printed no JSON"),
        (
            program("import sys; print('deep trouble', file=sys.stderr); exit(2)"),
            "a",
            "ended with code 2: deep trouble",
        ),
        ("no-such-program-here", "a", "cannot be run"),
        ("'unbalanced", "a", "cannot be run"),
        ("", "a", "cannot be run"),
        ("sleep 20", "a", "took longer than 0.2 s"),
    ],
)
def test_a_command_that_gives_no_value_is_one_line_and_records_nothing(pulse, compass, command, key, says):
    ran = compass(
        "metric",
        "record",
        "broken",
        "--from",
        command,
        "--key",
        key,
        "--timeout",
        "2" if "sleep" not in command else "0.2",
    )
    assert ran.code == 2
    assert says in ran.err
    assert ran.err.count("\n") == 1
    assert compass("metric", "show", "--json").data["metrics"] == []


CELL = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp", "Zs")), max_size=12)


@given(rows=st.lists(st.tuples(CELL, CELL), max_size=4))
def test_a_written_table_reads_back_and_its_lines_are_equally_wide(rows):
    rows = [tuple(cell.replace("\\", "") for cell in row) for row in rows]
    lines = tables.render(("a", "b"), rows).splitlines()
    assert tables.is_delimiter(lines[1])
    assert [tuple(tables.split_row(line) or ()) for line in lines[2:]] == rows
    assert len({tables.width(line) for line in lines}) == 1


def test_what_is_no_row_is_no_row():
    assert tables.split_row("plain text") is None
    assert not tables.is_delimiter("| a | b |")
    assert not tables.is_delimiter("text")
