"""Plans: read from YAML and Markdown, checked, ordered, drawn."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compass.plan import check, graph, model
from compass.plan.model import Plan, Step

YAML = """\
plan: Split the reader
preconditions:
  branch: main
  clean_tree: true
  commands: [git]
steps:
  - id: A
    name: Extract
    risk: Very High
    impact: readers break
    recovery: revert
    mitigation: small commits
    complexity: low
    parallelizable: no
    files: [src/a.py]
    remove: src/old.py
    changes: [move the class]
    run: ["true"]
    validate:
      - py_compile
      - import: pkg.a
      - types
      - {ruff: true, optional: true}
      - yaml
      - true --version
      - absent: 'old'
        files: ["src/**/*.py"]
      - present: new
      - manual: look at it
    rollback: ["true"]
  - id: B
    depends_on: [A]
    parallelizable: yes
    files: src/b.py
    validate: [py_compile]
"""

MARKDOWN = """\
---
branch: refactor/*
---
# Five small plans

| Plan ID | Name | Risk | Dependencies | Parallelizable | Est. Complexity |
|---------|------|------|--------------|----------------|-----------------|
| **P-1** | First | **CRITICAL** | None | No | High |
| **P-2** | Second | **HIGH** | P-1 | After P-1 | Medium |
| **P-3** | Third | **LOW** | None | Yes | Low |

Some words end the table.

## Dependency Graph

```
P-1 (First) ──┐
               ├──> P-2 (Second)
P-3 (Third) ───┼──> (Independent)
```

```mermaid
graph TD
  P-1 --> P-2 --> P-3
```

**Execution Order:**
1. **P-1** (must complete first)
2. **P-2** (depends on P-1)
3. **P-3** should run last

### Can run in parallel (after P-1):
- **P-3** - low risk

### In sequence:
- **P-1** → **P-2**

After P-2 completes: P-3 can proceed

### P-1: First
- **Risk Level:** CRITICAL ⚠️
- **Impact if Broken:** everything
- **Recovery:** revert
- **Mitigation:**
  - small commits
  - tests

### P-2: The second
- **Risk Level:** LOW ⚠️

## Validation

1. **Syntax:** `python -m py_compile <file>` for all changed files
2. **Imports:** `python -c "import <module>"`
3. **Types:** `mypy --ignore-missing-imports <file>` (if available)
4. **Static:** `ruff check <file>` (if available)
5. **Ours:** `wc -l <file>`

### P-1: First
**Files to Modify:**
- `pkg/a.py` (a fix)
- `configs/*.yaml` (presets)
- plain words

**Files to Remove:**
- `old/` (archive first)

**Key Changes:**
1. Replace `f(x)` with `g(x)`

**Validation:**
- Syntax check all files
- Verify no `torch.reciprocal` + `torch.exp` pattern remains
- Verify config YAML syntax
- Run `true`
- Look at it

**Rollback:**
- `git status` shows it

### P-3: Third
**Depends on:** P-1
**Files to Modify:**
- `pkg/*.py`
"""


@pytest.fixture
def write(repo):
    def to(name: str, text: str) -> Path:
        (repo.root / name).write_text(text)
        return Path(name)

    return to


def test_yaml_is_read_with_every_field(write):
    plan = model.read(write("plan.yaml", YAML))
    assert (plan.title, plan.preconditions) == ("Split the reader", model.Preconditions("main", True, ("git",)))
    first, second = plan.steps
    assert (first.step_id, first.name, first.line, first.risk, first.alone) == ("A", "Extract", 7, "very high", True)
    assert (first.impact, first.recovery, first.mitigation, first.complexity) == (
        "readers break",
        "revert",
        ("small commits",),
        "low",
    )
    assert (first.files, first.removes, first.changes, first.run) == (
        ("src/a.py",),
        ("src/old.py",),
        ("move the class",),
        ("true",),
    )
    assert [(v.kind, v.value) for v in first.validations] == [
        ("py_compile", ""), ("import", "pkg.a"), ("types", ""), ("ruff", ""), ("yaml", ""),
        ("command", "true --version"), ("absent", "old"), ("present", "new"), ("manual", "look at it"),
    ]  # fmt: skip
    assert first.validations[3].optional
    assert (second.name, second.depends_on, second.alone) == ("B", ("A",), False)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a mapping with the keys plan and steps"),
        ("- a", "a mapping with the keys plan and steps"),
        ("plan: x", "plan.yaml:1: steps: Field required"),
        ("plan: x\nsteps: []", "plan.yaml:2: steps:"),
        ("plan: x\nsteps:\n- id: A\n  riks: low", "plan.yaml:4: steps.0.riks: Extra inputs"),
        ("plan: x\nsteps:\n- id: A\n  risk: enormous", "plan.yaml:4: steps.0.risk"),
        ("plan: x\nsteps:\n- id: A\n  files: /etc/passwd", "leads out of the repository"),
        ("plan: x\nsteps:\n- id: A\n  files: [../x]", "leads out of the repository"),
        ("plan: x\nsteps:\n- id: A\n  validate: [{present: a, absent: b}]", "give exactly one of"),
        ("plan: x\nsteps:\n- id: A\n  validate: [{files: a}]", "give exactly one of"),
        ("plan: [\n", "plan.yaml:2: not YAML"),
        ("plan: \x01", "not YAML"),
        ("[" * 5000, "not YAML"),
        ("plan: " + "[" * 60000 + "]" * 60000, "not YAML: it nests deeper than 50 levels; flatten it"),
        ("plan: 2026-13-45", "not YAML: month must be in 1..12"),
    ],
)
def test_mistakes_in_yaml_are_told_with_their_line(write, compass, text, says):
    write("plan.yaml", text)
    for verb in ("validate", "order", "graph", "run"):
        ran = compass("plan", verb, "plan.yaml")
        assert ran.code == 2
        assert says in ran.err
        assert ran.err.count("\n") == 1


def test_all_mistakes_are_told_at_once(write, compass):
    write("plan.yaml", "plan: x\nextra: 1\nsteps:\n- id: A\n  risk: no\n")
    assert compass("plan", "validate", "plan.yaml").err.count("plan.yaml:") == 2


@pytest.mark.parametrize("name", ["plan.txt", "plan"])
def test_other_files_are_no_plans(write, compass, name):
    write(name, "x")
    assert "a plan is a .yaml, .yml or .md file" in compass("plan", "validate", name).err
    assert "no such file" in compass("plan", "validate", "gone.yaml").err


def test_markdown_is_read_from_table_and_sections(write):
    plan = model.read(write("plan.md", MARKDOWN))
    assert (plan.title, plan.preconditions.branch) == ("Five small plans", "refactor/*")
    first, second, third = plan.steps
    assert (first.step_id, first.name, first.risk, first.depends_on, first.alone) == (
        "P-1",
        "First",
        "critical",
        (),
        True,
    )
    assert (first.complexity, first.impact, first.recovery) == ("high", "everything", "revert")
    assert first.mitigation == ("small commits", "tests")
    assert (first.files, first.removes) == (("pkg/a.py", "configs/*.yaml"), ("old/*",))
    assert first.changes == ("Replace f(x) with g(x)",)
    assert [(v.kind, v.value, v.optional) for v in first.validations] == [
        ("py_compile", "", False), ("import", "", False), ("types", "", True), ("ruff", "", True), ("yaml", "", False),
        ("command", "wc -l <file>", False), ("command", "true", False),
        ("absent", r"torch\.reciprocal.*torch\.exp", False), ("manual", "Look at it", False),
    ]  # fmt: skip
    assert first.rollback == ("git status",)
    assert (second.depends_on, second.parallelizable) == (("P-1",), "After P-1")
    assert (third.depends_on, third.files) == (("P-1",), ("pkg/*.py",))


def test_markdown_disagreements_are_findings_with_lines(write, compass):
    write("plan.md", MARKDOWN.replace("**Depends on:** P-1\n", ""))
    ran = compass("plan", "validate", "plan.md")
    assert ran.code == 1
    assert ran.out.endswith("Five small plans: 3 steps, 11 findings\n")
    data = compass("plan", "validate", "plan.md", "--json").data
    assert {f["code"] for f in data["findings"]} == {"PL004", "PL005", "PL006", "PL007", "PL008", "PL009"}
    assert [(f["code"], f["line"]) for f in data["findings"] if f["code"] in ("PL004", "PL006", "PL007")] == [
        ("PL004", 24), ("PL007", 48), ("PL006", 49),
    ]  # fmt: skip
    said = [f["message"] for f in data["findings"] if f["code"] == "PL005"]
    assert "P-3 is not declared to come after P-1, but here: '1. P-1 (must complete first)'; also on line 33" in said
    assert "P-3 is not declared to come after P-1, P-2, but here: '3. P-3 should run last'" in said
    assert "P-3 is not declared to come after P-2, but here: 'After P-2 completes: P-3 can proceed'" in said


def test_a_validation_of_files_that_are_not_there_is_a_finding(write, compass):
    step = (
        "{id: A, files: [new.py], validate: [{absent: x, files: ['scr/*.py', new.py]}, {absent: y, files: ['*.md']}]}"
    )
    write("notes.md", "")
    write("plan.yaml", f"plan: x\nsteps:\n  - {step}\n")
    ran = compass("plan", "validate", "plan.yaml")
    assert "PL008 A: scr/*.py, for the validation absent x, does not exist here" in ran.out
    assert (ran.code, ran.out.count("PL008")) == (0, 2)


def test_a_markdown_file_without_steps_is_no_plan(write, compass):
    write("plan.md", "# Words\n\n| a | b |\n|---|---|\n| P-1 | x |\n")
    assert "no step in it" in compass("plan", "validate", "plan.md").err
    write("plan.md", "### P-1: x\n**Files to Modify:**\n- `../../x`\n")
    assert "plan.md:1: '../../x' leads out of the repository" in compass("plan", "validate", "plan.md").err


def test_rows_that_repeat_an_id_are_found(write, compass):
    rows = "| P-1 | a | low | P-9 |\n| P-1 | b | low | None |\n"
    write("plan.md", f"| ID | Name | Risk | Dependencies |\n|---|---|---|---|\n{rows}")
    found = compass("plan", "validate", "plan.md", "--json").data["summary"]["by_code"]
    assert found == {"PL001": 1, "PL003": 1, "PL009": 2}
    ran = compass("plan", "order", "plan.md")
    assert (ran.code, "is also on line 3" in ran.err) == (2, True)


def steps(**needs: str) -> Plan:
    made = tuple(Step(name, name, 1, depends_on=tuple(after.split())) for name, after in needs.items())
    return Plan(Path("plan.yaml"), "t", made)


@pytest.mark.parametrize(
    ("needs", "found"),
    [
        ({"a": "", "b": "a"}, []),
        ({"a": "a"}, [["a", "a"]]),
        ({"a": "b", "b": "a"}, [["a", "b", "a"]]),
        ({"a": "c", "b": "a", "c": "b", "d": "a"}, [["a", "c", "b", "a"]]),
        ({"a": "b", "b": "a", "x": "y", "y": "x"}, [["a", "b", "a"], ["x", "y", "x"]]),
    ],
)
def test_cycles_are_found_once_each(needs, found):
    assert graph.cycles(steps(**needs)) == found


def test_a_cycle_stops_the_order(write, compass):
    write("plan.yaml", "plan: x\nsteps:\n- {id: A, depends_on: B}\n- {id: B, depends_on: A}\n")
    assert "PL002 these steps wait for each other: A -> B -> A" in compass("plan", "validate", "plan.yaml").out
    assert "plan.yaml:3: these steps wait" in compass("plan", "order", "plan.yaml").err


def test_order_and_graph(write, compass):
    write("plan.md", MARKDOWN)
    assert compass("plan", "order", "plan.md").out == "1. P-1\n2. P-2, P-3\n"
    out = compass("plan", "graph", "plan.md").out
    assert out.startswith('graph TD\n  s1["P-1<br/>First<br/>risk: critical"]\n')
    assert out.endswith("  s1 --> s2\n  s1 --> s3\n")
    assert compass("plan", "graph", "plan.md", "--json").data["edges"] == [["P-1", "P-2"], ["P-1", "P-3"]]


def test_steps_that_share_a_file_are_not_parallel(write, compass):
    write(
        "plan.yaml",
        "plan: x\nsteps:\n- {id: A, files: 'src/**/*.py'}\n- {id: B, files: src/b.py}\n- {id: C, files: c}\n",
    )
    assert compass("plan", "order", "plan.yaml").out == "1. A, C\n2. B\n"
    assert (
        "PL010 A and B may run in parallel and may both touch src/**/*.py"
        in compass("plan", "validate", "plan.yaml").out
    )


def test_the_parallelizable_column_is_checked(write, compass):
    write("plan.yaml", "plan: x\nsteps:\n- {id: A}\n- {id: B, parallelizable: after A}\n")
    assert (
        "PL011 B is parallelizable 'after A' but does not depend on A" in compass("plan", "validate", "plan.yaml").out
    )


IDS = "abcdefg"


@given(
    edges=st.sets(st.tuples(st.sampled_from(IDS), st.sampled_from(IDS)), max_size=14),
    alone=st.sets(st.sampled_from(IDS)),
)
def test_every_acyclic_plan_has_an_order_that_keeps_its_dependencies(edges, alone):
    made = tuple(
        Step(
            name,
            name,
            1,
            depends_on=tuple(a for a, b in edges if b == name and a < b),
            parallelizable="no" if name in alone else None,
        )
        for name in IDS
    )
    plan = Plan(Path("p.yaml"), "t", made)
    assert graph.cycles(plan) == []
    groups = graph.batches(plan)
    position = {step.step_id: number for number, group in enumerate(groups) for step in group}
    assert sorted(position) == sorted(IDS)
    assert all(position[other] < position[step.step_id] for step in made for other in step.depends_on)
    assert all(len(group) == 1 for group in groups if any(step.alone for step in group))


@given(edges=st.sets(st.tuples(st.sampled_from(IDS), st.sampled_from(IDS)), max_size=14))
def test_a_plan_has_a_cycle_or_an_order_never_both(edges):
    plan = Plan(Path("p"), "t", tuple(Step(n, n, 1, depends_on=tuple(a for a, b in edges if b == n)) for n in IDS))
    ordered = sum(len(group) for group in graph.batches(plan)) == len(IDS)
    assert ordered == (graph.cycles(plan) == [])


@pytest.mark.parametrize("code", [f"PL{number:03}" for number in range(1, 12)])
def test_every_code_is_explained(code):
    assert check.CODES[code]


def test_the_founding_plan_reads_as_it_is(founding, repo, compass):
    path = str(founding / "architecture-refactoring-plan.md")
    data = compass("plan", "validate", path, "--json").data
    plan = data["plan"]
    assert [(s["step_id"], s["risk"], s["complexity"], s["parallelizable"]) for s in plan["steps"]] == [
        ("PLAN-001", "critical", "high", "No"),
        ("PLAN-002", "high", "medium", "After PLAN-001"),
        ("PLAN-003", "medium", "low", "Yes"),
        ("PLAN-004", "very high", "very high", "Yes"),
        ("PLAN-005", "low", "low", "Yes"),
    ]
    assert all(s["impact"] and s["recovery"] and s["mitigation"] and s["changes"] for s in plan["steps"])
    found = [(f["code"], f["line"]) for f in data["findings"] if f["severity"] != "info"]
    assert found == [
        ("PL010", 34), ("PL010", 35), ("PL009", 37), ("PL005", 50), ("PL005", 50), ("PL005", 50), ("PL005", 267),
    ]  # fmt: skip
    assert compass("plan", "order", path, "--json").data["groups"][0] == ["PLAN-001"]
