"""Fixes: edits in place, overlaps, roll-back byte for byte."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from findings.finding import Edit, Finding, Fix
from findings.fix import Change, apply, edited, plan, worse


def finding(*edits: Edit, safe: bool = True, symbol: str = "s") -> Finding:
    return Finding("X001", "error", edits[0].path, edits[0].line, 1, "wrong", symbol, fix=Fix("right", edits, safe))


def test_edits_count_lines_as_parsers_do() -> None:
    text = "a\x0cb\r\nsecond\rthird"
    assert edited(text, [Edit("f", 3, 1, 3, 6, "3rd"), Edit("f", 2, 1, 2, 1, ">")]) == "a\x0cb\r\n>second\r3rd"


@given(st.text(alphabet="ab\n\r\x0cé", max_size=30), st.integers(1, 9), st.integers(1, 9))
def test_an_empty_edit_changes_nothing(text: str, line: int, column: int) -> None:
    assert edited(text, [Edit("f", line, column, line, column, "")]) == text


def test_plan_leaves_out_unsafe_and_overlapping_fixes() -> None:
    texts = {"f": "one two\n"}
    first = finding(Edit("f", 1, 1, 1, 4, "ONE"))
    overlap = finding(Edit("f", 1, 2, 1, 6, "x"), symbol="t")
    unsafe = finding(Edit("f", 1, 5, 1, 8, "TWO"), safe=False, symbol="u")
    same = finding(Edit("f", 1, 1, 1, 4, "ONE"), symbol="v")
    no_fix = Finding("X001", "error", "f", 1, 1, "no fix")
    made = plan([first, overlap, unsafe, same, no_fix], texts.get)
    assert made.changes == (Change("f", "one two\n", "ONE two\n"),)
    assert made.cured == (first, same)
    assert [reason.split(";")[0] for _, reason in made.skipped] == ["overlaps another fix", "unsafe"]
    assert plan([unsafe], texts.get, unsafe=True).changes[0].new == "one TWO\n"
    assert plan([finding(Edit("gone", 1, 1, 1, 1, "x"))], texts.get).changes == ()


def test_diff_shows_a_missing_last_newline() -> None:
    assert Change("f", "a", "b").diff().endswith("+b\n\\ No newline at end of file\n")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "f").write_bytes(b"bad\r\n")
    return tmp_path


FIX = finding(Edit("f", 1, 1, 1, 4, "good"))


def test_apply_writes_what_passes(tree: Path) -> None:
    result = apply(plan([FIX], lambda _: "bad\r\n"), tree, verify=lambda _p, _t: None, before=[FIX], audit=list)
    assert result.written == ("f",)
    assert (tree / "f").read_bytes() == b"good\r\n"


def test_apply_refuses_a_text_that_does_not_verify(tree: Path) -> None:
    made = plan([FIX], lambda _: "bad\r\n")
    result = apply(made, tree, verify=lambda _p, _t: "does not parse", before=[FIX], audit=list)
    assert result.rolled_back == "f: does not parse"
    assert (tree / "f").read_bytes() == b"bad\r\n"


def test_apply_rolls_back_when_the_audit_got_worse_or_raised(tree: Path) -> None:
    made = plan([FIX], lambda _: "bad\r\n")
    more = Finding("X002", "error", "g", 1, 1, "new")
    result = apply(made, tree, verify=lambda _p, _t: None, before=[FIX], audit=lambda: [more])
    assert "would get worse: g X002" in result.rolled_back
    assert (tree / "f").read_bytes() == b"bad\r\n"

    def failing() -> list[Finding]:
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        apply(made, tree, verify=lambda _p, _t: None, before=[FIX], audit=failing)
    assert (tree / "f").read_bytes() == b"bad\r\n"


def test_worse_names_the_first_new_finding_and_counts_files() -> None:
    def one(path: str, symbol: str) -> Finding:
        return Finding("A", "error", path, 1, 1, "m", symbol)

    before = [one("p", "a")]
    assert worse(before, [one("p", "a"), one("p", "b"), one("q", "c")]) == (
        "the audit would get worse: p A b and 1 more file"
    )
    assert worse(before, [one("p", "b")]) is None
    assert worse(before, [one("p", "a"), one("p", "a")]) == "the audit would get worse: p A a"
