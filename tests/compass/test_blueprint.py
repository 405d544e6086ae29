"""Living blueprints: read as they are, edited in place, contradictions found."""

import hashlib
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compass.blueprint import check, model
from compass.errors import CompassError
from compass.markdown import Document
from findings import mojibake

TRACKER = """\
Some words before the title.

# Living Blueprint: Moving house

## Progress Tracker
- **STATUS:** In Progress (week 2)
- **CURRENT STEP:** Phase 2, Task 2.1 - Carry the boxes
- **LAST COMPLETED TASK:** Packed the boxes
- **NEXT TASK:** Carry boxes to the van

### Outline

#### **Phase 1: Packing (Week 1)**
1. [x] **Task 1.1: Pack the boxes**
   - [x] Buy `tape` and __labels__
   - [x] Fill them

#### **Phase 2: Carrying**
2. [ ] **Task 2.1: Carry the boxes**
   - [ ] Down the stairs
   - [ ] Into the van
3. [ ] **Task 2.2: Drive**

```markdown
- [ ] **Task 9.9: In code, no task**
```

---

## Success Criteria
### Must
- [x] Nothing broken
- [ ] Nothing lost

## Risk Mitigation
### **Current Risk Level**: MEDIUM
1. **Rain**: cover the boxes

---

## Immediate Next Action

**TASK:** Pack the boxes

**OBJECTIVE:** Have all in boxes

**APPROACH:**
1. Buy tape
2. Fill boxes

**SUCCESS CRITERIA:**
- [ ] All packed

Some words after the list.
"""


@pytest.fixture
def tracker(repo) -> Path:
    path = repo.root / "계획 blueprint.md"
    path.write_text(TRACKER)
    return path


def changed_lines(before: str, after: str) -> list[tuple[str, str]]:
    old, new = before.splitlines(), after.splitlines()
    assert len(old) == len(new)
    return [(a, b) for a, b in zip(old, new, strict=True) if a != b]


def codes(compass, path) -> list[str]:
    return [finding["code"] for finding in compass("blueprint", "status", str(path), "--json").data["findings"]]


def test_status_shows_progress_and_the_contradiction(tracker, compass):
    ran = compass("blueprint", "status", tracker.name)
    assert ran.code == 1
    assert ran.out == (
        "Living Blueprint: Moving house\n"
        "1 of 3 tasks done\n"
        "STATUS: In Progress (week 2)\n"
        "CURRENT STEP: Phase 2, Task 2.1 - Carry the boxes\n"
        "LAST COMPLETED TASK: Packed the boxes\n"
        "NEXT TASK: Carry boxes to the van\n"
        "    1/1  Phase 1: Packing (Week 1)\n"
        "    0/2  Phase 2: Carrying\n"
        "    1/2  Success Criteria\n"
        "    0/1  Immediate Next Action\n"
        "risk level: MEDIUM\n"
        "next: Task 2.1: Carry the boxes\n"
        "계획 blueprint.md:43:1 BP007 the next action names task 1.1 (Pack the boxes), which is ticked already; "
        "the next open task is 2.1 (Carry the boxes)\n"
    )
    data = compass("blueprint", "status", tracker.name, "--json").data
    assert data["summary"] == {"count": 1, "by_code": {"BP007": 1}, "by_severity": {"error": 1}, "files": 1}
    assert data["next"] == {"id": "2.1", "title": "Carry the boxes", "ticked": False, "blocked": None}
    assert data["phases"][0]["tasks"][0]["subtasks"][0]["title"] == "Buy `tape` and __labels__"
    assert [c["criteria"] for c in data["checklists"]] == [True, False]


def test_next_rewrites_the_next_action_and_nothing_else(tracker, compass):
    assert compass("blueprint", "next", tracker.name).out == "Task 2.1: Carry the boxes\n"
    assert changed_lines(TRACKER, tracker.read_text().replace("- [ ] Into the van\n\nSome", "\nSome")) == [
        ("**TASK:** Pack the boxes", "**TASK:** Task 2.1: Carry the boxes"),
        ("**OBJECTIVE:** Have all in boxes", "**OBJECTIVE:** Complete task 2.1: Carry the boxes"),
        ("1. Buy tape", "1. Down the stairs"),
        ("2. Fill boxes", "2. Into the van"),
        ("- [ ] All packed", "- [ ] Down the stairs"),
    ]
    assert codes(compass, tracker) == []
    before = tracker.read_bytes()
    compass("blueprint", "next", tracker.name)
    assert tracker.read_bytes() == before
    compass(
        "blueprint", "next", tracker.name, "--objective", "Be quick", "--approach", "run", "--criterion", "done by noon"
    )
    text = tracker.read_text()
    assert (
        "**OBJECTIVE:** Be quick\n\n**APPROACH:**\n1. run\n\n**SUCCESS CRITERIA:**\n- [ ] done by noon\n\nSome words"
        in text
    )


def test_done_ticks_boxes_and_keeps_the_progress_lines_true(tracker, compass):
    assert (
        compass("blueprint", "done", tracker.name, "2.1.1").out == "done: Task 2.1.1: Down the stairs (1 box ticked)\n"
    )
    text = tracker.read_text()
    assert "- **LAST COMPLETED TASK:** Task 2.1.1: Down the stairs\n" in text
    assert "- **NEXT TASK:** Carry boxes to the van\n" in text
    data = compass("blueprint", "done", tracker.name, "Task 2.1.2", "--json").data
    assert data["next"]["id"] == "2.2"
    text = tracker.read_text()
    assert "2. [x] **Task 2.1: Carry the boxes**\n   - [x] Down the stairs\n   - [x] Into the van\n" in text
    assert "- **STATUS:** In Progress (week 2)\n" in text
    assert "- **CURRENT STEP:** Phase 2, Task 2.2 - Drive\n" in text
    assert "- **NEXT TASK:** Task 2.2: Drive\n" in text
    assert codes(compass, tracker) == []
    assert compass("blueprint", "done", tracker.name).out == "done: Task 2.2: Drive (1 box ticked)\n"
    text = tracker.read_text()
    assert (
        "- **STATUS:** Complete\n- **CURRENT STEP:** None\n"
        "- **LAST COMPLETED TASK:** Task 2.2: Drive\n- **NEXT TASK:** None\n" in text
    )
    assert "**TASK:** None: every task is done or blocked\n" in text
    assert codes(compass, tracker) == []
    assert "- [ ] **Task 9.9" in text
    assert "every task is done or blocked; name the task" in compass("blueprint", "done", tracker.name).err
    assert compass("blueprint", "next", tracker.name).out == "every task is done or blocked\n"


def test_block_and_reopen(tracker, compass):
    compass("blueprint", "block", tracker.name, "2.1", "--reason", "no  van")
    text = tracker.read_text()
    assert "2. [ ] **Task 2.1: Carry the boxes** **BLOCKED:** no van\n" in text
    assert "- **NEXT TASK:** Task 2.2: Drive\n" in text
    assert "blocked: Task 2.1: Carry the boxes (no van)\n" in compass("blueprint", "status", tracker.name).out
    compass("blueprint", "block", tracker.name, "2.2", "--reason", "no fuel")
    assert "- **STATUS:** Blocked\n" in tracker.read_text()
    assert codes(compass, tracker) == []
    compass("blueprint", "reopen", tracker.name, "2.1")
    compass("blueprint", "reopen", tracker.name, "2.2")
    assert "BLOCKED" not in tracker.read_text()
    compass("blueprint", "reopen", tracker.name, "1.1.2")
    text = tracker.read_text()
    assert "1. [ ] **Task 1.1: Pack the boxes**\n   - [x] Buy `tape` and __labels__\n   - [ ] Fill them\n" in text
    assert "- **LAST COMPLETED TASK:** None\n" in text
    compass("blueprint", "done", tracker.name, "1.1")
    compass("blueprint", "reopen", tracker.name, "1.1")
    assert "   - [ ] Buy `tape` and __labels__\n   - [ ] Fill them\n" in tracker.read_text()
    assert codes(compass, tracker) == []
    compass("blueprint", "done", tracker.name, "1.1")
    assert "is ticked; reopen it first" in compass("blueprint", "block", tracker.name, "1.1", "--reason", "x").err
    assert "the reason is empty" in compass("blueprint", "block", tracker.name, "2.1", "--reason", " ").err
    assert "(tasks: 1.1, 2.1, 2.2;" in compass("blueprint", "done", tracker.name, "7.7").err


def test_what_is_done_is_blocked_no_longer(tracker, compass):
    compass("blueprint", "block", tracker.name, "2.1", "--reason", "no van")
    blocked = tracker.read_text()
    compass("blueprint", "done", tracker.name, "2.1")
    assert "2. [x] **Task 2.1: Carry the boxes**\n" in tracker.read_text()
    tracker.write_text(blocked.replace("[ ] **Task 2.1", "[x] **Task 2.1"))
    assert compass("blueprint", "status", tracker.name, "--json").data["blocked"] == []


def test_notes_go_into_their_sections(tracker, compass, at):
    at("2026-01-25T10:00:00+09:00")
    ran = compass(
        "blueprint", "note", tracker.name, "--discovery", "the lift works", "--risk", "snow", "--gate-failed",
        "too heavy", "--risk-level", "high",
    )  # fmt: skip
    assert ran.code == 0
    compass("blueprint", "note", tracker.name, "--discovery", "and is fast")
    compass("blueprint", "note", tracker.name, "--risk", "ice")
    text = tracker.read_text()
    assert "### **Current Risk Level**: HIGH\n" in text
    assert "1. **Rain**: cover the boxes\n\n### Noted Risks\n\n- 2026-01-25: snow\n- 2026-01-25: ice\n\n---\n" in text
    assert (
        "---\n\n## Discoveries\n\n- 2026-01-25: the lift works\n- 2026-01-25: and is fast\n\n---\n\n"
        "## Quality Gate Failures\n\n- 2026-01-25: too heavy\n\n---\n\n## Immediate Next Action\n"
    ) in text
    assert "give --discovery, --risk" in compass("blueprint", "note", tracker.name).err
    bare = tracker.with_name("bare.md")
    bare.write_text("## Phase 1: A\n- [ ] a")
    compass("blueprint", "note", "bare.md", "--discovery", "x")
    assert bare.read_text() == "## Phase 1: A\n- [ ] a\n\n## Discoveries\n\n- 2026-01-25: x\n"
    compass("blueprint", "note", "bare.md", "--risk", "y")
    assert "## Noted Risks\n\n- 2026-01-25: y\n" in bare.read_text()
    assert "no `Current Risk Level" in compass("blueprint", "note", "bare.md", "--risk-level", "low").err
    compass("blueprint", "next", "bare.md")
    assert bare.read_text().endswith(
        "## Immediate Next Action\n\n**TASK:** Task 1.1: a\n\n**OBJECTIVE:** Complete task 1.1: a\n\n"
        "**APPROACH:**\n1. a\n\n**SUCCESS CRITERIA:**\n- [ ] a\n"
    )


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("tail", [b"", b"\xff\xfe no UTF-8 \x0b \xe2\x80\xa8 here"])
def test_line_ends_marks_and_foreign_bytes_stay(tracker, compass, end, mark, tail):
    before = (mark + TRACKER.replace("\n", end)).encode() + tail
    tracker.write_bytes(before)
    compass("blueprint", "done", tracker.name, "2.1.1")
    after = tracker.read_bytes()
    for part in (mark + "Some words before", "Some words after the list." + end):
        assert part.encode() in after
    assert after.endswith(tail)
    assert after.count(b"\r\n") == (after.count(b"\n") if end == "\r\n" else 0)
    compass("blueprint", "reopen", tracker.name, "2.1.1")
    undone = tracker.read_bytes().replace(b"Task 2.1.1: Down the stairs", b"Packed the boxes")
    kept = [line for line in before.splitlines() if line in undone.splitlines()]
    assert len(kept) >= len(before.splitlines()) - 6


def test_init_writes_a_blueprint_without_contradictions(repo, compass):
    ran = compass(
        "blueprint", "init", "docs/new.md", "--title", 'A "new" thing', "--objective", "Why", "--criterion", "it works",
        "--phase", "Config: Edit it > find > change; Test it", "--phase", "Ship: Release", "--risk", "none of them",
    )  # fmt: skip
    assert ran.code == 0
    path = repo.root / "docs" / "new.md"
    ran = compass("blueprint", "status", "docs/new.md")
    assert ran.code == 0
    assert "0 of 3 tasks done\nSTATUS: Not Started\n" in ran.out
    for _ in range(3):
        assert compass("blueprint", "done", "docs/new.md").code == 0
        assert codes(compass, path) == []
    assert "STATUS: Complete" in compass("blueprint", "status", "docs/new.md").out
    assert "never overwritten" in compass("blueprint", "init", "docs/new.md", "--title", "x", "--phase", "a: b").err
    for phase in ("no tasks", ": only", "a: ;"):
        assert "write it as 'Name: first" in compass("blueprint", "init", "x.md", "--title", "x", "--phase", phase).err


def with_lines(*changes: tuple[str, str]) -> str:
    text = TRACKER.replace("**TASK:** Pack the boxes", "**TASK:** Carry the boxes")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], []),
        ([("   - [x] Fill them", "   - [ ] Fill them")], ["BP001"]),
        ([("   - [ ] Down", "   - [x] Down"), ("   - [ ] Into", "   - [x] Into")], ["BP001"]),
        ([("#### **Phase 2: Carrying**", "#### **Phase 2: Carrying**\n**Status:** Complete ✅")], ["BP002"]),
        ([("#### **Phase 2: Carrying**", "#### **Phase 2: Carrying**\n**Status:** Pending")], []),
        ([("#### **Phase 2: Carrying**", "#### **Phase 2: Carrying**\n**Status:** something else")], []),
        ([("(Week 1)**", "(Week 1)**\n**Status:** In Progress")], ["BP002"]),
        ([("In Progress (week 2)", "Complete")], ["BP003"]),
        ([("In Progress (week 2)", "Not started")], ["BP003"]),
        ([("Task 2.1 - Carry the boxes", "Task 1.1 - Pack")], ["BP004"]),
        ([("Packed the boxes", "Task 2.2")], ["BP005"]),
        ([("Packed the boxes", "None")], []),
        ([("Carry boxes to the van", "Task 1.1")], ["BP006"]),
        ([("Carry boxes to the van", "Feed the cat")], ["BP010"]),
        ([("Carry boxes to the van", "Task 8.8")], ["BP010"]),
        ([("**TASK:** Carry the boxes", "**TASK:** Wash up")], ["BP010"]),
        ([("**TASK:** Carry the boxes", "**TASK:** None")], []),
        ([("3. [ ] **Task 2.2: Drive**", "3. [ ] **Task 2.1: Drive**")], ["BP009"]),
        ([("Some words before the title.", "🎯 is fine, 한글 too, é, “quotes” too.")], []),
        ([("Some words before the title.", "🎯".encode().decode("cp1252"))], ["BP011"]),
    ],
)
def test_contradictions_are_findings(tracker, compass, changes, expected):
    tracker.write_text(with_lines(*changes))
    assert codes(compass, tracker) == expected
    only_info = set(expected) <= {"BP011"}
    assert compass("blueprint", "status", tracker.name).code == (0 if only_info else 1)


@pytest.mark.parametrize("code", [f"BP{number:03}" for number in range(1, 12)])
def test_every_code_is_explained(code):
    assert check.CODES[code]


def test_remaining_counts_are_compared_with_the_metrics_table(tracker, compass):
    table = (
        "**Remaining imports:** 51 (down from 81)\n**Remaining targets:** 0\n**Remaining cats:** 3\n\n"
        "| Metric | Initial | 2026-01-25 | Target |\n|---|---|---|---|\n"
        "| Broken imports | 81 | 7 | 0 |\n| Broken targets | 12 | 0 | 0 |\n| odd | row |\n| cats | 1 | many | 0 |\n"
    )
    tracker.write_text(with_lines(("#### **Phase 2: Carrying**\n", f"#### **Phase 2: Carrying**\n{table}")))
    found = compass("blueprint", "status", tracker.name, "--json").data["findings"]
    assert [f["message"] for f in found] == ["51 imports remain here, but 7 in the table on line 25 (Broken imports)"]


def test_render_cures_what_follows_from_the_boxes(tracker, compass):
    tracker.write_text(
        with_lines(
            ("In Progress (week 2)", "Complete"),
            ("Carry boxes to the van", "Task 1.1"),
            ("Packed the boxes", "Task 2.2"),
            ("#### **Phase 2: Carrying**", "#### **Phase 2: Carrying**\n**Status:** Complete ✅"),
        )
    )
    assert codes(compass, tracker) == ["BP003", "BP005", "BP006", "BP002"]
    ran = compass("blueprint", "render", tracker.name)
    assert len(ran.out.splitlines()) == 4
    assert codes(compass, tracker) == []
    assert compass("blueprint", "render", tracker.name).out == "nothing to change\n"


def test_headings_without_numbers_are_phases_too(repo, compass):
    (repo.root / "t.md").write_text(
        "# T\n## Setup\n- [x] a\n- [ ] b\n## Later\n- [ ] c\n## Success criteria\n- [ ] d\n"
    )
    data = compass("blueprint", "status", "t.md", "--json").data
    assert [(p["number"], p["title"], len(p["tasks"])) for p in data["phases"]] == [
        ("1", "Setup", 2),
        ("2", "Later", 1),
    ]
    assert data["next"]["id"] == "1.2"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no phase with a checklist"),
        (b"# Only words\n", "no phase with a checklist"),
        (b"\0\1", "not text"),
        (b"---\nbroken: [yaml\n---\n# T\n", "no phase with a checklist"),
    ],
)
@pytest.mark.parametrize("verb", ["status", "next", "render", "done"])
def test_files_that_are_no_blueprint_are_refused(repo, compass, data, says, verb):
    path = repo.root / "x.md"
    path.write_bytes(data)
    ran = compass("blueprint", verb, "x.md")
    assert ran.code == 2
    assert says in ran.err
    assert ran.err.count("\n") == 1
    assert path.read_bytes() == data
    assert "no such file" in compass("blueprint", verb, "gone.md").err
    assert "this is a folder" in compass("blueprint", verb, ".").err


def test_a_huge_file_is_no_document(repo, compass):
    with open(repo.root / "huge.md", "wb") as file:
        file.truncate(17 * 1024 * 1024)
    assert "larger than 16 MiB" in compass("blueprint", "status", "huge.md").err


def test_outside_of_a_repository_the_lock_lies_beside_the_file(tmp_path, compass, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.md").write_text(TRACKER)
    assert compass("blueprint", "done", "t.md").code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.md", "t.md.lock"]


def test_a_link_is_edited_where_it_leads(tracker, compass):
    (tracker.parent / "link.md").symlink_to(tracker.name)
    compass("blueprint", "done", "link.md")
    assert (tracker.parent / "link.md").is_symlink()
    assert "2. [x] **Task 2.1" in tracker.read_text()


LINES = st.sampled_from(
    [
        "## Phase 1: A", "### Phase 2: B", "- [ ] a", "- [x] b", "  - [ ] c", "    - [x] d", "1. [ ] **Task 1.1: e**",
        "- **STATUS:** Complete", "- **NEXT TASK:** a", "**Status:** Pending", "```", "~~~", "text", "", "---",
        "## Immediate Next Action", "**TASK:** b", "**APPROACH:**", "1. one", "## Risks",
        "| Metric | a | b | Target |", "|---|---|---|---|",
        "| a | 1 | 2 | 3 |", "**Remaining a:** 4", "\ufeff", "\x0c", "한글",
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines=st.lists(LINES, max_size=14), end=st.sampled_from(["\n", "\r\n"]), last=st.booleans())
def test_after_any_edit_of_any_tracker_no_contradiction_of_progress_lines_is_left(lines, end, last):
    from compass.blueprint import edit

    data = end.join(lines).encode() + (end.encode() if last else b"")
    document = Document.parse(data)
    assert document.data() == data
    try:
        tasks = list(model.parse(document, name="t").everything())
    except CompassError:
        return
    ids = [task.task_id for task in tasks]
    if len(ids) != len(set(ids)):
        return  # Which task a line means is then not decided (BP009).
    edit.keep_true(document, "t")
    left = {finding.code for finding in check.check(model.parse(document, name="t"), "t")}
    assert not left & {"BP002", "BP003", "BP004", "BP006", "BP007"}
    target = random.Random(len(data)).choice(tasks)
    edit.done(document, target.task_id, "t")
    assert model.parse(document, name="t").find(target.task_id).ticked
    edit.reopen(document, target.task_id, "t")
    assert not model.parse(document, name="t").find(target.task_id).ticked


@given(text=st.text(st.characters(min_codepoint=32, blacklist_categories=("Cs",)), max_size=20))
@pytest.mark.parametrize("encoding", mojibake.ENCODINGS)
def test_garbled_text_is_undone_exactly(encoding, text):
    try:
        garbled = text.encode().decode(encoding)
    except UnicodeDecodeError:
        return
    found = mojibake.find(garbled)
    if found and all(item.encoding == encoding for item in found):
        assert mojibake.repair(garbled) == text or mojibake.find(text)


def test_what_means_what_it_says_is_never_garbled():
    for text in ("plain", "é", "naïve café", "한글 영수증", "🎯 ✅ ≤7", "“quoted” – dashes—", "₩12,000", "Ü Ä"):
        assert mojibake.find(text) == []


def test_the_founding_blueprint_reads_as_it_is_and_its_contradiction_is_found(founding, repo, compass):
    path = repo.root / "blueprint.md"
    path.write_bytes((founding / "timestamp-migration-blueprint.md").read_bytes())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    data = compass("blueprint", "status", "blueprint.md", "--json").data
    assert (data["ticked"], data["total"], data["next"]["id"]) == (5, 17, "3.1")
    assert data["risk_level"] == "MEDIUM"
    assert {c["heading"]: (c["ticked"], c["total"]) for c in data["checklists"]} == {
        "📋 Technical Requirements Checklist": (8, 12),
        "🎯 Success Criteria Validation": (3, 9),
        "🚀 Immediate Next Action": (0, 5),
    }
    assert [(f["code"], f["line"]) for f in data["findings"]] == [("BP011", 122), ("BP007", 195)]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
    compass("blueprint", "done", "blueprint.md", "3.1")
    assert codes(compass, path) == ["BP011"]
    before = (founding / "timestamp-migration-blueprint.md").read_text().splitlines()
    after = path.read_text().splitlines()
    assert after[:8] == before[:8]
    assert after[11:45] == before[11:45]
    assert after[50:194] == before[50:194]


def test_the_founding_tracker_reads_as_it_is_and_its_contradictions_are_found(founding, compass, repo):
    path = repo.root / "tracker.md"
    path.write_bytes((founding / "hydra-refactor-tracker.md").read_bytes())
    data = compass("blueprint", "status", "tracker.md", "--json").data
    assert [(p["title"], p["status"], len(p["tasks"])) for p in data["phases"]] == [
        ("Environment Validation", "🟡 In Progress", 8),
        ("Import Resolution", "🟡 In Progress (51 remaining)", 8),
        ("Hydra Alignment", "🟢 Complete ✅", 9),
        ("Testing & Integration", "🟢 Complete ✅", 8),
    ]
    assert [(f["code"], f["line"]) for f in data["findings"]] == [
        ("BP011", 23), ("BP008", 64), ("BP002", 79), ("BP002", 103),
    ]  # fmt: skip


def test_the_founding_handover_starts_the_pulse_that_it_suggests(founding, repo, compass):
    document = str(founding / "import-script-audit-handover.md")
    assert "missing --milestone" in compass("pulse-init", "--from", document).err
    assert compass("pulse-init", "--from", document, "--milestone", "ocr-domain-refactor").code == 0
    pulse = compass("pulse-status", "--json").data["pulse"]
    assert pulse["pulse_id"] == "scripts-pruning-and-refactor"
    assert pulse["continues"] == "import-script-audit-2026-01-29"
    assert pulse["instructions"][0] == "Fix audit environment"
    assert pulse["instructions"][-1] == "Deferred: Scripts Directory Organization"
