"""Milestones in the vault, and the daily log."""

import pytest

from compass.handover import parse_recommendation


def test_add_list_show_done(repo, compass, at):
    at("2026-01-22T10:00:00+09:00")
    ran = compass(
        "milestone",
        "add",
        "ocr-refactor",
        "--title",
        'The "big" one',
        "--phase",
        "Imports: find; fix",
        "--phase",
        "Later",
    )
    assert ran.out == "made project_compass/vault/milestones/ocr-refactor.md\n"
    file = repo.milestones / "ocr-refactor.md"
    assert file.read_text().startswith(
        '---\ntype: milestone\nmilestone_id: ocr-refactor\ntitle: "The \\"big\\" one"\nstatus: active\n'
    )
    assert compass("milestone", "list").out.split() == ["active", "0/2", "ocr-refactor", "The", '"big"', "one"]
    assert compass("milestone", "show", "ocr-refactor").out.splitlines()[1:] == [
        "Phase 1: Imports", "  [ ] find", "  [ ] fix", "Phase 2: Later",
    ]  # fmt: skip
    ran = compass("milestone", "done", "ocr-refactor")
    assert (ran.code, "has 2 open boxes (find; fix)" in ran.err) == (2, True)
    file.write_text(file.read_text().replace("[ ]", "[x]"))
    before = file.read_text()
    assert compass("milestone", "done", "ocr-refactor", "--json").data["milestone"]["status"] == "complete"
    assert file.read_text() == before.replace("status: active", "status: complete").replace(
        "created: 2026-01-22\n", "created: 2026-01-22\ncompleted: 2026-01-22\n"
    )
    assert "exists" in compass("milestone", "add", "ocr-refactor").err


@pytest.mark.parametrize("title", ['T: "q"', '"', "back\\slash\\", "it's", "'q'", '"q" it', "plain"])
def test_a_title_is_shown_as_it_was_given(repo, compass, title):
    compass("milestone", "add", "ms-1", "--title", title)
    assert compass("milestone", "show", "ms-1", "--json").data["milestone"]["title"] == title


@pytest.mark.parametrize(
    ("scalar", "title"), [("'it''s'", "it's"), ('The "q"', 'The "q"'), ("'t", "'t"), ('""', "H"), ("a b", "a b")]
)
def test_a_title_written_by_hand_is_read_as_yaml(repo, compass, scalar, title):
    repo.milestones.mkdir(parents=True)
    (repo.milestones / "m.md").write_text(f"---\ntitle: {scalar}\n---\n\n# H\n")
    assert compass("milestone", "show", "m", "--json").data["milestone"]["title"] == title


def test_hand_written_files_are_read_and_kept(repo, compass):
    repo.milestones.mkdir(parents=True)
    (repo.milestones / "old.md").write_bytes(b"\xef\xbb\xbf# Old one\r\n\r\n## Work\r\n- [x] a\r\n- [ ] b\r\n")
    (repo.milestones / ".draft.md").write_text("x")
    assert compass("milestone", "list").out.split() == ["-", "1/2", "old", "Old", "one"]
    assert compass("milestone", "done", "old", "--force").code == 0
    text = (repo.milestones / "old.md").read_bytes()
    assert text.endswith(b"# Old one\r\n\r\n## Work\r\n- [x] a\r\n- [ ] b\r\n")
    assert b"status: complete\r\n" in text


def test_unknown_milestones_are_named_with_the_known(repo, compass):
    assert compass("milestone", "list").out == "no milestones yet\n"
    assert "(there: none yet)" in compass("milestone", "show", "x").err
    compass("milestone", "add", "one")
    assert "(there: one)" in compass("milestone", "done", "x").err
    assert "milestone id" in compass("milestone", "add", "Bad Id").err


def test_the_log_is_dated_and_belongs_to_the_pulse(repo, compass, at):
    at("2026-01-24T23:59:00+09:00")
    compass("log", "add", "before any  pulse")
    compass("pulse-init", "--id", "a-b", "--obj", "g", "--milestone", "m")
    at("2026-01-25T09:00:00+09:00")
    assert (
        compass("log", "add", "30 imports fixed", "--kind", "done").out == "2026-01-25 09:00 [done] 30 imports fixed\n"
    )
    compass("log", "add", "check all", "-k", "recommendation")
    assert compass("log", "show").out == (
        "### 2026-01-25\n\n- 09:00 [done] 30 imports fixed\n- 09:00 [priority 2] check all\n\n"
        "### 2026-01-24\n\n- 23:59 before any pulse\n"
    )
    assert len(compass("log", "show", "--date", "today", "--json").data["entries"]) == 2
    assert len(compass("log", "show", "--pulse", "a-b", "--json").data["entries"]) == 2
    assert compass("log", "show", "--date", "2026-01-01").out == "no log entries\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((" ",), "the log entry is empty"),
        (("a", "--kind", "rumour"), "use one of note, done"),
        (("a", "--priority", "1"), "belongs to --kind recommendation"),
        (("a", "--kind", "recommendation", "--priority", "9"), "1 (immediate) to 4"),
    ],
)
def test_bad_entries_are_refused(repo, compass, words, says):
    ran = compass("log", "add", *words)
    assert (ran.code, says in ran.err) == (2, True)
    assert "write it as YYYY-MM-DD" in compass("log", "show", "--date", "yesterday").err


def test_a_damaged_log_is_named(repo, compass):
    for number in range(3):
        compass("log", "add", f"entry {number}")
    repo.log.write_bytes(repo.log.read_bytes().replace(b"entry 1", b"entry 7"))
    ran = compass("log", "show")
    assert ran.code == 2
    assert "progress_log.jsonl is damaged" in ran.err


def test_entries_go_into_the_daily_log_of_a_tracker(repo, compass, at):
    tracker = repo.root / "tracker.md"
    tracker.write_bytes(
        b"# T\r\n\r\n## Daily Progress Log\r\n\r\n"
        b"### 2026-01-24 (Session 1)\r\nDone a lot.\r\n\r\n---\r\n\r\n## Links\r\n"
    )
    at("2026-01-24T10:00:00+09:00")
    compass("log", "add", "late entry", "--to", "tracker.md")
    at("2026-01-25T10:00:00+09:00")
    compass("log", "add", "first", "--to", "tracker.md")
    compass("log", "add", "second", "--to", "tracker.md")
    assert tracker.read_bytes().decode() == (
        "# T\r\n\r\n## Daily Progress Log\r\n\r\n### 2026-01-25\r\n\r\n- 10:00 first\r\n- 10:00 second\r\n\r\n"
        "### 2026-01-24 (Session 1)\r\nDone a lot.\r\n\r\n- 10:00 late entry\r\n\r\n---\r\n\r\n## Links\r\n"
    )
    (repo.root / "none.md").write_text("# T")
    compass("log", "add", "x", "--to", "none.md")
    assert (repo.root / "none.md").read_text() == "# T\n\n## Daily Progress Log\n\n### 2026-01-25\n\n- 10:00 x\n"
    before = compass("log", "show").out
    assert "no such file" in compass("log", "add", "y", "--to", "gone.md").err
    assert compass("log", "show").out == before


def test_metrics_go_into_the_table_of_a_tracker(repo, compass):
    compass("pulse-init", "--id", "a-b", "--obj", "g", "--milestone", "m")
    compass("metric", "set", "Broken imports", "--initial", "81", "--now", "7", "--target", "7")
    compass("metric", "set", "pipeline", "no")
    tracker = repo.root / "tracker.md"
    head = "# T\n\n| Metric         | Initial | 2026-01-25 | Target | Status |\n| --- | --- | --- | --- | --- |\n"
    tracker.write_text(head + "| Broken imports | 81      | 51         | <=7    | open   |\n\nAfter.\n")
    compass("metric", "show", "--to", "tracker.md")
    assert tracker.read_text() == (
        head
        + "| Broken imports | 81      | 7          | <=7    | complete |\n| pipeline | no | no | - | - |\n\nAfter.\n"
    )
    before = tracker.read_bytes()
    compass("metric", "show", "--to", "tracker.md")
    assert tracker.read_bytes() == before
    (repo.root / "new.md").write_text("")
    compass("metric", "show", "pipeline", "--to", "new.md")
    assert (repo.root / "new.md").read_text().startswith("## Metrics\n\n| Metric   |")


@pytest.mark.parametrize(
    ("table", "result"),
    [
        ("| Metric | Now | Status | Target |\n|--|--|--|--|\n| acc | 1 | open | >=9 |\n",
         "| Metric | Now | Status | Target |\n|--|--|--|--|\n| acc | 9 | complete | >=9 |\n"),
        ("| Metric | Target | Now |\n|--|--|--|\n| acc | >=9 | 1 |\n",
         "| Metric | Target | Now |\n|--|--|--|\n| acc | >=9 | 9 |\n"),
        ("| Metric | A | B | Target | Status |\n|--|--|--|--|--|\n| acc |\n| b | 2 |\n",
         "| Metric | A | B | Target | Status |\n|--|--|--|--|--|\n| acc |   | 9 |   | complete |\n| b | 2 |\n"),
        ("Metric | A | B\n--|--|--\nacc | 1\n",
         "Metric | A | B\n--|--|--\nacc | 1 | 9 |\n"),
    ],
)  # fmt: skip
def test_metrics_find_their_column_in_other_tables(repo, compass, table, result):
    compass("pulse-init", "--id", "a-b", "--obj", "g", "--milestone", "m")
    compass("metric", "set", "acc", "9", "--target", ">=9")
    tracker = repo.root / "tracker.md"
    tracker.write_text(table)
    compass("metric", "show", "--to", "tracker.md")
    assert tracker.read_text() == result
    compass("metric", "show", "--to", "tracker.md")
    assert tracker.read_text() == result


@pytest.mark.parametrize("header", ["| Metric | Target |\n|---|---|\n| acc | >=9 |\n", "| Metric |\n|---|\n| acc |\n"])
def test_a_table_without_a_column_for_values_is_left(repo, compass, header):
    compass("pulse-init", "--id", "a-b", "--obj", "g", "--milestone", "m")
    compass("metric", "set", "acc", "9")
    tracker = repo.root / "tracker.md"
    tracker.write_text(header)
    ran = compass("metric", "show", "--to", "tracker.md")
    assert (ran.code, "line 1: the table of metrics has no column for values" in ran.err) == (2, True)
    assert tracker.read_text() == header


def test_a_metric_with_a_bar_in_its_name_gets_one_row(repo, compass):
    compass("pulse-init", "--id", "a-b", "--obj", "g", "--milestone", "m")
    compass("metric", "set", " a|b", "1")
    tracker = repo.root / "tracker.md"
    tracker.write_text("| Metric | Now |\n|---|---|\n")
    for _ in range(2):
        compass("metric", "show", "--to", "tracker.md")
        assert tracker.read_text().endswith("|---|---|\n|  a\\|b | 1 |\n")


@pytest.mark.parametrize(
    ("text", "parsed"), [("1: a", (1, "a")), ("medium: b", (3, "b")), ("note: c", (2, "note: c")), ("d", (2, "d"))]
)
def test_recommendations_carry_their_priority(text, parsed):
    assert parse_recommendation(text) == parsed
