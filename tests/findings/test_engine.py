"""The engine on a small made-up tool: selection, ignores, baseline, exit code, and the four reports."""

import json
from collections.abc import Iterator

import pytest

from findings import baseline, engine, ignore, report, rule
from findings.finding import Edit, Finding, Fix
from findings.selection import Selection, UnknownCodeError

PAGE = """Line holds the word bad.

## What it does
Looks for bad.

## Why it is bad
It says so.

## Example
`bad`

## Fix safety
Safe.
"""
TEXTS = {
    "b.md": "good\nbad <!-- words: ignore[WRD001] quoted -->\nbad\n",
    "a.md": "<!-- words: ignore[WRD] next line -->\nbad bad\nbad\nbad\n",
    "c.md": "# words: ignore-file[WRD001, WRD002]\nbad\n",
}


def check(texts: dict[str, str]) -> Iterator[Finding]:
    for path, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            if line.startswith("bad"):
                fix = Fix("say good", (Edit(path, number, 1, number, 4, "good"),))
                yield Finding("WRD001", "error", path, number, 1, "the word is bad", f"word:{number}", "words", fix)


def hint(texts: dict[str, str]) -> Iterator[Finding]:
    yield Finding("WRD002", "info", "a.md", 1, 1, "short, 100%\nreally")


def never(texts: dict[str, str]) -> Iterator[Finding]:
    yield Finding("POL001", "warning", "b.md", 1, 1, "a house rule")


RULES = (
    rule.Rule("WRD001", "bad-word", "error", check, PAGE),
    rule.Rule("WRD002", "short", "warning", hint, PAGE),
    rule.Rule("POL001", "house", "warning", never, PAGE, default=False),
)


def run(**options: object) -> engine.Outcome:
    return engine.run(RULES, TEXTS, tool="words", read=TEXTS.get, **options)  # type: ignore[arg-type]


def test_findings_are_sorted_ignored_inline_and_hidden_by_severity() -> None:
    outcome = run()
    assert [(f.path, f.line) for f in outcome.findings] == [("a.md", 3), ("a.md", 4), ("b.md", 3)]
    assert [(f.path, f.line) for f in outcome.exempt] == [("a.md", 2), ("b.md", 2), ("c.md", 2)]
    assert [f.code for f in outcome.hidden] == ["WRD002"]
    assert outcome.exit_code == 1
    assert outcome.summary == {"count": 3, "by_code": {"WRD001": 3}, "by_severity": {"error": 3}, "files": 2}


@pytest.mark.parametrize(
    ("selection", "codes"),
    [
        (Selection(select=("WRD002",)), {"WRD002"}),
        (Selection(select=("WRD",), ignore=("WRD001",)), {"WRD002"}),
        (Selection(extend=("POL",)), {"WRD001", "POL001"}),
        (Selection(select=("POL",)), set()),
        (Selection(select=("POL001",)), {"POL001"}),
        (Selection(select=("POL",), extend=("POL001",)), {"POL001"}),
        (Selection(select=("POL001",), min_severity="error"), set()),
        (Selection(min_severity="info"), {"WRD001", "WRD002"}),
    ],
)
def test_selection(selection: Selection, codes: set[str]) -> None:
    assert {finding.code for finding in run(selection=selection).findings} == codes


@pytest.mark.parametrize("wrong", [Selection(select=("NOPE",)), Selection(ignore=("",))])
def test_a_code_that_no_rule_has_is_refused(wrong: Selection) -> None:
    with pytest.raises(UnknownCodeError, match="no rule is called"):
        run(selection=wrong)


def test_only_some_paths_are_reported() -> None:
    assert {finding.path for finding in run(only=lambda path: path == "b.md").findings} == {"b.md"}


def test_baseline_accepts_by_symbol_shrinks_and_never_grows(tmp_path) -> None:
    found = run().findings
    accepted = baseline.accept(found, reason="deferred")
    path = tmp_path / "baseline.json"
    baseline.save(path, accepted, tool="words")
    loaded = baseline.load(path)
    outcome = run(baseline=loaded)
    assert outcome.exit_code == 0
    assert "ACCEPTED (3): deferred 3" in report.text(outcome)
    fewer = loaded.shrunk(found[:1])
    assert len(fewer.entries) == 1
    assert len(run(baseline=fewer).findings) == 2
    again = baseline.accept(found, reason="optional", known=fewer)
    assert sorted(entry.reason for entry in again.entries.values()) == ["deferred", "optional", "optional"]
    twice = [found[0], found[0]]
    assert len(fewer.split(twice)[0]) == 1


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        '{"schema_version": 9}',
        '{"schema_version": 1, "entries": [{}]}',
        '{"schema_version": 1, "entries": [{"code": "A", "path": "p", "symbol": "s", "count": 1, "reason": " "}]}',
    ],
)
def test_a_damaged_baseline_is_refused_by_name(tmp_path, text: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(text)
    with pytest.raises(baseline.BaselineError, match=r"baseline\.json"):
        baseline.load(path)


def test_text_json_and_github_reports() -> None:
    outcome = run(selection=Selection(select=("WRD002",)), roots=["."])
    assert report.render(outcome, "text") == "a.md:1:1 WRD002 short, 100%\nreally\n1 finding in 1 file (1 info)\n"
    assert report.render(outcome, "github") == "::notice file=a.md,line=1,col=1,title=WRD002::short, 100%25%0Areally\n"
    data = json.loads(report.render(run(), "json"))
    assert data["tool"] == "words"
    assert data["findings"][0]["fix"]["edits"][0]["text"] == "good"
    assert data["summary"]["count"] == 3
    assert report.text(run(only=lambda _path: False)) == "no findings\n"
    assert "1 below the shown severity" in report.text(run())
    assert "3 ignored inline" in report.text(run())


def test_sarif_fingerprints_do_not_change_when_lines_move() -> None:
    def prints(outcome: engine.Outcome) -> list[str]:
        results = json.loads(report.render(outcome, "sarif"))["runs"][0]["results"]
        return [result["partialFingerprints"]["identity/v1"] for result in results]

    one = engine.run(RULES[2:], {}, tool="words", read=TEXTS.get, selection=Selection(select=("POL001",)))
    moved = engine.Outcome("words", RULES, (Finding("POL001", "warning", "b.md", 9, 1, "a house rule"),))
    assert prints(one) == prints(moved)
    assert len(set(prints(run()))) == 3


def test_a_rule_is_a_page() -> None:
    assert tuple(rule.sections(PAGE)) == rule.SECTIONS
    assert rule.page(RULES[2]).startswith("# POL001 house\n\nSeverity: warning; off by default.\n\nLine holds")
    found = rule.find(RULES, "BAD-WORD")
    assert found is not None
    assert found.code == "WRD001"
    assert rule.find(RULES, "nothing") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('P = "# words: ignore-file[WRD]"\n', ignore.Ignores()),
        ('"""Doc.\n\n# words: ignore-file[A]\n"""\nx = 1  # noqa # words: ignore[B]\n', ignore.Ignores({5: ("B",)})),
        ("# words: ignore-file[WRD]\n", ignore.Ignores({}, ("WRD",))),
        ('x = "#" # words: ignore[A]\r\n    # words: ignore[B]\r\x0c\r', ignore.Ignores({1: ("A",), 3: ("B",)})),
        ('x = (\n"# words: ignore[A]"\n# words: ignore-file[B]\n', ignore.Ignores({}, ("B",))),
        ("if x:\n        y\n    z\n# words: ignore-file[B]\n", ignore.Ignores({}, ("B",))),
        ('x = """\n# words: ignore-file[B]\n', ignore.Ignores({}, ("B",))),
    ],
)
def test_in_python_only_comments_exempt(text: str, expected: ignore.Ignores) -> None:
    assert ignore.parse(text, "words", python=True) == expected


def test_no_ignores_without_the_tool_name() -> None:
    assert ignore.parse("# other: ignore[WRD001]\nwords: but no comment\n", "words") == ignore.Ignores()
