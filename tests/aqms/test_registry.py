"""The registry: its schema, its standards, and what the verbs say about them."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from aqms import registry, registry_schema, standards
from aqms.registry import Standard

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = registry.SHIPPED.read_text(encoding="utf-8")
LAW = """---
id: SC-001
title: Names
tier: 1
---
# Names
"""
FLOW = """id: WF-002
description: Reviews
tier: 4
dependencies: [FW-003]
keywords: [review, pull request]
triggers:
  tasks: [code-review]
  path_patterns: ["src/**/*.py", "*.toml"]
"""
FRAME = """---
id: FW-003
tier: 2
description: Layers
dependencies: [SC-001]
triggers: {paths: ["src/ocr/**"]}
---
# Layers
"""


@pytest.fixture
def filled(put, aqms):
    """A repository with three standards in its registry."""
    put("AgentQMS/standards/tier1/names.md", LAW)
    put("AgentQMS/standards/tier4/review.yaml", FLOW)
    put("AgentQMS/standards/tier2/layers.md", FRAME)
    assert aqms("registry", "sync").out == "added FW-003\nadded SC-001\nadded WF-002\n"


def test_the_published_schema_is_the_one_in_force(aqms):
    published = (ROOT / "docs/schemas/registry.schema.json").read_text(encoding="utf-8")
    assert aqms("registry", "schema").out == published
    Draft202012Validator.check_schema(json.loads(published))


def test_the_shipped_registry_is_right(put, aqms):
    put("docs/decisions/0001-one.md", "a new decision gets another number")
    ran = aqms("registry", "validate")
    assert (ran.code, ran.out) == (0, f"{registry.SHIPPED}: right\n")
    assert aqms("registry", "validate", "--json").data["problems"] == []
    assert aqms("registry", "show").out.rstrip("\n") == SHIPPED.rstrip("\n")
    assert aqms("registry", "show", "--json").data["root"] == "docs/artifacts"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("schema_version: 1", "schema_version: one"), "schema_version: 1 was expected"),
        (("root: docs/artifacts", "root: ../elsewhere"), "root: '../elsewhere' should not be valid under"),
        (("root: docs/artifacts", "root: /tmp"), "root: '/tmp' should not be valid under"),
        (("    directory: audits", "    folder: audits"), "types.audit: Additional properties are not allowed"),
        (("    directory: audits", "    directory: research"), "types audit and research have the same folder"),
        (("    category: research", "    category: odd"), "type research uses categories that are not listed: odd"),
        (
            ("    category: research", "    category: research\n    categories: [planning]"),
            "its category research is not",
        ),
        (
            ('"{number:04d}-{name}.md"', '"{number:04d}.md"'),
            "types.decision.filename: '{number:04d}.md' does not match",
        ),
        (('"{number:04d}-{name}.md"', '"{odd}-{name}.md"'), "field {odd:} is unknown"),
        (('"{number:04d}-{name}.md"', '"{date:%Q}-{name}.md"'), "field {date:%Q} is unknown"),
        (('"{number:04d}-{name}.md"', '"{number}{number}{name}.md"'), "is no template"),
        (("  priority: {type: integer", "  priority: {type: whole"), "front_matter: is no JSON Schema"),
        (("    directory: guides", "    directory: guides\n    template: Hello"), "a new document breaks E010"),
        (("types:\n", "standards: {A: {file: a.md, tier: 7}}\ntypes:\n"), "standards.A.tier: 7 is greater than"),
        (("types:\n", "standards: {A: {file: a.md, tier: 1}}\ntypes:\n"), "standard A: a.md is not there"),
        (
            ("types:\n", "standards: {A: {file: a.md, tier: 1, dependencies: [B]}}\ntypes:\n"),
            "A depends on B, which is",
        ),
        (
            (
                "types:\n",
                "standards:\n  A: {file: a.md, tier: 1, dependencies: [B]}\n"
                "  B: {file: a.md, tier: 1, dependencies: [A]}\ntypes:\n",
            ),
            "in a circle: A -> B -> A",
        ),
    ],
)
def test_what_is_wrong_with_a_registry_is_named(put, aqms, change, problem):
    assert change[0] in SHIPPED
    path = put(registry.LOCATION, SHIPPED.replace(*change, 1))
    ran = aqms("registry", "validate")
    assert ran.code == 1
    assert f"{path}: " in ran.out
    assert problem in ran.out
    if "a new document" not in problem and "is not there" not in problem:
        used = aqms("validate", "--all")
        assert used.code == 2
        assert used.err.count("\n") == 1


@pytest.mark.parametrize("content", ["a: [", "- a", "a: &b c\nd: *b", "x: " + "[" * 9000 + "]" * 9000, "\0", "\xff"])
@pytest.mark.parametrize("verb", [("registry", "validate"), ("validate", "--all"), ("types",), ("registry", "sync")])
def test_a_registry_that_cannot_be_read_is_one_line(put, aqms, content, verb):
    put(registry.LOCATION, "").write_bytes(content.encode("latin-1"))
    ran = aqms(*verb)
    assert ran.code in ((1, 2) if content == "- a" else (2,))
    assert (ran.err or ran.out).count("\n") == 1


def test_a_registry_that_is_gone_or_newer(put, aqms):
    assert "gone.yaml: no such file" in aqms("registry", "validate", "gone.yaml").err
    put(registry.LOCATION, SHIPPED.replace("schema_version: 1", "schema_version: 2"))
    assert "schema_version 2 is not known here; update aqms" in aqms("types").err


def test_an_own_registry_is_checked_once_and_again_when_it_changes(put, aqms, monkeypatch):
    path = put(registry.LOCATION, SHIPPED)
    calls = []
    real = registry_schema.problems
    monkeypatch.setattr(registry_schema, "problems", lambda content: calls.append(1) or real(content))
    assert [aqms("types").code, aqms("types").code, len(calls)] == [0, 0, 1]
    path.write_text(SHIPPED.replace("statuses: [", "odd: [", 1), encoding="utf-8")
    assert (aqms("types").code, len(calls)) == (2, 2)


def test_sync_fills_the_registry_and_keeps_its_comments(root, filled, aqms):
    path = root / registry.LOCATION
    text = path.read_text(encoding="utf-8")
    assert "# A section given as a list is satisfied by any of its headings" in text
    assert aqms("registry", "validate").code == 0
    assert aqms("registry", "sync").out == "the registry says what the files say\n"
    (root / "AgentQMS/standards/tier2/layers.md").rename(root / "AgentQMS/standards/layers.md")
    changed = aqms("registry", "sync", "--dry-run", "--json")
    assert changed.data == {"added": [], "removed": [], "changed": ["FW-003"], "problems": [], "dry_run": True}
    assert path.read_text(encoding="utf-8") == text
    (root / "AgentQMS/standards/tier4/review.yaml").unlink()
    assert aqms("registry", "sync").out == "removed WF-002\nchanged FW-003\n"
    assert aqms("registry", "validate").code == 0


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.md", LAW, "a.md: id SC-001 is that of AgentQMS/standards/tier1/names.md too"),
        ("a.md", "# none", "a.md: cannot be read (there is no front matter"),
        ("a.yaml", "- a", "a.yaml: cannot be read (it is not a mapping)"),
        ("a.yaml", "a: [", "a.yaml: cannot be read ("),
        ("a.yaml", "tier: 1", "a.yaml: its header has no id"),
        ("a.yaml", "id: X-1", "standards.X-1: 'tier' is a required property"),
        ("a.yaml", "id: X-1\ntier: 2\ndependencies: gone", "X-1 depends on gone"),
        ("a.yaml", "id: X-1\ntier: 2\ntriggers: [a]\ndependencies: [X-1]", "in a circle: X-1 -> X-1"),
    ],
)
def test_sync_names_headers_that_are_wrong_and_writes_nothing(root, filled, put, aqms, name, text, problem):
    before = (root / registry.LOCATION).read_bytes()
    put(f"AgentQMS/standards/{name if name != 'a.md' else 'z.md'}", text)
    ran = aqms("registry", "sync")
    assert ran.code == 1
    assert problem.replace("a.md", "z.md") in ran.out
    assert (root / registry.LOCATION).read_bytes() == before


def test_resolve_names_what_binds_a_piece_of_work(filled, aqms):
    def ids(*words: str) -> list[str]:
        return [row["id"] for row in aqms("registry", "resolve", *words, "--json").data]

    assert ids("--task", "code-review") == ["SC-001", "FW-003", "WF-002"]
    assert ids("--task", "code-review", "--no-deps", "--no-tier1") == ["WF-002"]
    assert ids("--task", "open the pull request") == ["SC-001", "FW-003", "WF-002"]
    assert ids("--path", "src/ocr/nn/head.py") == ["SC-001", "FW-003", "WF-002"]
    assert ids("--path", "src/top.py", "--no-tier1", "--no-deps") == ["WF-002"]
    assert ids("--keywords", "review, other", "--no-deps") == ["SC-001", "WF-002"]
    assert ids("--keywords", "nothing", "--no-tier1") == []
    assert aqms("registry", "resolve", "--task", "zzz", "--no-tier1").out == "no standard applies\n"
    assert aqms("registry", "resolve", "--task", "code-review").out == (
        "1  SC-001       AgentQMS/standards/tier1/names.md  (tier 1)\n"
        "2  FW-003       AgentQMS/standards/tier2/layers.md  (needed by WF-002)\n"
        "4  WF-002       AgentQMS/standards/tier4/review.yaml  (task code-review)\n"
    )
    assert aqms("registry", "resolve", "--keywords", "review", "--no-deps", "--no-tier1", "--paths-only").out == (
        "AgentQMS/standards/tier4/review.yaml\n"
    )
    assert aqms("registry", "resolve").code == 2


def test_the_graph_is_drawn(filled, aqms):
    assert aqms("registry", "graph").out == (
        'flowchart TD\n  s0["SC-001 (tier 1)"]\n  s1["FW-003 (tier 2)"]\n  s2["WF-002 (tier 4)"]\n'
        "  s1 --> s0\n  s2 --> s1\n"
    )
    assert '"WF-002" -> "FW-003";' in aqms("registry", "graph", "--format", "dot").out
    assert aqms("registry", "graph", "--json").data["WF-002"] == ["FW-003"]
    assert aqms("registry", "graph", "--format", "png").code == 2


NAMES = st.sampled_from("abcdef")


@given(st.dictionaries(NAMES, st.tuples(st.integers(1, 4), st.sets(NAMES, max_size=3))))
def test_order_puts_what_is_needed_first_unless_there_is_a_circle(given_standards):
    known = {n: Standard(n, "f", tier, dependencies=tuple(sorted(d))) for n, (tier, d) in given_standards.items()}
    order = standards.order(known)
    assert sorted(order) == sorted(known)
    cycle = standards.find_cycle(known)
    if cycle:
        assert all(b in known[a].dependencies for a, b in pairwise(cycle))
    else:
        for name, standard in known.items():
            assert all(order.index(d) < order.index(name) for d in standard.dependencies if d in known)
