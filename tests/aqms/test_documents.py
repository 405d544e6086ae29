# ruff: noqa: E501  (whole findings, each on the line of the change that causes it)
"""Documents: what is created validates, and each rule finds what it is for."""

import json
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from aqms import cli, registry
from aqms.create import CreateError, create
from aqms.document import parse
from aqms.project import Project
from aqms.rules.e007 import day_of
from aqms.rules.table import RULES
from findings import engine, rule
from findings.rule import SECTIONS, sections

NOW = datetime.fromisoformat("2026-01-29T03:30+09:00")
GOOD = """---
title: Imports
date: 2026-01-29 03:30 (KST)
type: audit
category: compliance
status: active
version: "1.0"
---
# Imports
## 1. Executive Summary
## Findings
## **Recommendations**
## Compliance Status
## Related Artifacts
"""
NAME = "2026-01-29_0330_audit_imports.md"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "docs/artifacts/audits").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *argv: str) -> int:
    monkeypatch.setattr("sys.argv", ["aqms", *argv])
    try:
        return cli.main()
    except SystemExit as stop:
        return int(stop.code or 0)


def check(root: Path) -> list[str]:
    first, second = (findings(root) for _ in range(2))
    assert first == second  # The second time from the cache.
    return first


def findings(root: Path) -> list[str]:
    project = Project(root, registry.load(root))
    for path in project.all_files():
        project.add_file(path)
    outcome = engine.run(RULES, project, tool="aqms", read=project.read)
    project.cache.save()
    return [f"{f.code} {f.line}:{f.column} {f.message}" for f in outcome.findings]


@pytest.mark.parametrize("kind", registry.load(Path("/nowhere")).types)
def test_every_type_created_validates(repository: Path, kind: str) -> None:
    known = registry.load(repository)
    first = create(repository, known, kind=kind, name="import-audit", title="Imports: after the move", now=NOW)
    assert first.is_file()
    assert check(repository) == []
    if "{number" not in known.types[kind].filename:
        with pytest.raises(CreateError, match="is there already"):
            create(repository, known, kind=kind, name="import-audit", title="Again", now=NOW)


def test_decisions_are_numbered_on(repository: Path) -> None:
    known = registry.load(repository)
    names = [create(repository, known, kind="decision", name=n, title=n, now=NOW).name for n in ("one", "둘")]
    assert names == ["0001-one.md", "0002-둘.md"]
    assert check(repository) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("", ""), []),
        (("---\ntitle", "title"), ["E000 1:1 there is no front matter; begin the file with a block between two --- lines"]),
        (('"1.0"\n---', '"1.0"'), ["E000 1:1 the front matter has no end; add a line --- after it"]),
        (("title: Imports", "title: a: b"), ["E000 2:9 the front matter is not YAML (mapping values are not allowed in this context); mend it, perhaps by quoting the value"]),
        (("title: Imports", "type: audit"), ["E000 4:1 type is there twice; keep one"]),
        (("title: Imports\n", ""), ["E006 1:1 title is missing; add it to the front matter"]),
        (("title: Imports", "title:"), ["E006 2:1 title is missing; add it to the front matter"]),
        (("type: audit", "type: audits"), ["E005 4:1 type 'audits' is not in the registry; did you mean audit?"]),
        (("2026-01-29 03:30 (KST)", "29/01/2026"), ["E007 3:1 date '29/01/2026' cannot be read; write it as 2026-01-29T03:30+09:00"]),
        (("2026-01-29 03:30 (KST)", "2026-01-30"), ["E007 3:1 date 2026-01-30 contradicts the file name's; expected 2026-01-29; make them agree"]),
        (("status: active", "status: activ"), ["E008 6:1 status 'activ' is not allowed; expected one of active, draft, completed, archived, deprecated; did you mean active?"]),
        (("category: compliance", "category: docs"), ["E009 5:1 category 'docs' is not allowed; expected one of development, architecture, evaluation, compliance, code_quality, reference, planning, research, troubleshooting"]),
        (("## Findings\n", "```\n## Findings\n```\n"), ["E010 9:1 section 'Findings' is missing; add a heading ## Findings"]),
        (("# Imports", "# Imports [a](gone.md) `[b](also.md)` [c](https://x.y) [d](#e)"), ["E011 9:15 link to gone.md leads nowhere; mend or remove it"]),
        (("# Imports", "# Imports ![a](../../../../x.png)"), ["E011 9:16 link to ../../../../x.png leads out of the repository; mend or remove it"]),
        (("# Imports", "# Imports\n\n[a]: gone%20too.md#part"), ["E011 11:6 link to gone too.md leads nowhere; mend or remove it"]),
        (("# Imports", "# Imports ‚úÖ and ‚â§7"), ["E013 9:11 garbled text '‚úÖ' (and 1 more): UTF-8 read as Mac-Roman; expected '✅'; run `aqms fix`"]),
        (("# Imports", "# Imports â‰¤ 7"), ["E013 9:11 garbled text 'â‰¤': UTF-8 read as Windows-1252; expected '≤'; run `aqms fix`"]),
        (("status: active", "status: active\npriority: high"), ["E014 7:1 front matter breaks its schema (priority: 'high' is not of type 'integer'); mend the value"]),
        (("title: Imports", "title: &a Imports\nowner: *a"), ["E000 2:1 the front matter is not YAML (it refers to itself by an alias; write the value out); mend it, perhaps by quoting the value"]),
        (("title: Imports", "title: " + "[" * 30000 + "]" * 30000), ["E000 2:1 the front matter is not YAML (it nests deeper than 50 levels; flatten it); mend it, perhaps by quoting the value"]),
        (("title: Imports", "title: " + "x" * 2**20), ["E000 2:1 the front matter is not YAML (it is larger than 1024 KiB; shorten it); mend it, perhaps by quoting the value"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_each_rule_names_the_place_and_the_remedy(
    repository: Path, change: tuple[str, str], expected: list[str], line_end: str
) -> None:
    text = GOOD.replace(*change, 1) if change[0] else GOOD
    (repository / "docs/artifacts/audits" / NAME).write_bytes(("\ufeff" + text).replace("\n", line_end).encode())
    assert check(repository) == expected


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("audits/audit_imports.md", "E001"),
        ("audits/2026-01-29_0330_imports.md", "E002"),
        ("audits/2026-01-29_0330_audit_Im ports.md", "E003"),
        (f"notes/{NAME}", "E004"),
        ("research/2026-01-29_0330_research_imports.md", "E005"),
    ],
)
def test_name_and_place_are_judged(repository: Path, place: str, code: str) -> None:
    path = repository / "docs/artifacts" / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(GOOD)
    assert {line.split()[0] for line in check(repository)} == {code}


def test_a_file_that_is_not_utf8_is_a_finding(repository: Path) -> None:
    (repository / "docs/artifacts/audits" / NAME).write_bytes(b"---\ntitle: \xff\n---\n")
    assert check(repository) == [
        "E000 1:1 cannot be read (it is not UTF-8 at byte 11; save it as UTF-8); mend the file or take it away"
    ]


def test_an_inline_ignore_exempts(repository: Path) -> None:
    text = GOOD.replace("status: active", "status: odd  # aqms: ignore[E008] kept as it was")
    (repository / "docs/artifacts/audits" / NAME).write_text(text)
    assert check(repository) == []


def test_the_command_line(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "create", "--type", "audit", "--name", "imports", "--title", "Imports", "--json") == 0
    path = json.loads(capsys.readouterr().out)["path"]
    assert run(monkeypatch, "validate", path) == 0
    assert run(monkeypatch, "validate", "--all", "--json") == 0
    assert json.loads(capsys.readouterr().out.split("\n", 1)[1])["summary"]["count"] == 0
    Path(path).write_text("no front matter")
    assert run(monkeypatch, "validate", "--all") == 1
    assert f"{path}:1:1 E000" in capsys.readouterr().out
    assert run(monkeypatch, "list") == 0
    assert run(monkeypatch, "list", "--json") == 0
    assert run(monkeypatch, "types") == 0
    assert run(monkeypatch, "types", "--json") == 0
    assert "implementation_plan" in capsys.readouterr().out
    assert run(monkeypatch, "explain", "e005") == 0
    assert capsys.readouterr().out.startswith("# E005 type")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["validate"], "nothing to check"),
        (["validate", "gone.md"], "gone.md: no such file"),
        (["validate", "--all", "--format", "xml"], "format 'xml' is unknown"),
        (["validate", "--staged"], "run it in a git repository"),
        (["validate", "/etc/hostname"], "is outside the repository"),
        (["explain", "E999"], "there is no rule E999"),
        (["create", "--type", "audti", "--name", "a", "--title", "b"], "type 'audti' is not in the registry"),
        (["create", "--type", "audit", "--name", "../a", "--title", "b"], "is not words joined by hyphens"),
        (["create", "--type", "audit", "--name", "a", "--title", " "], "the title is empty"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    argv: list[str],
    message: str,
) -> None:
    assert run(monkeypatch, *argv) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_staged_documents_are_found(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / ".git").rmdir()
    subprocess.run(["git", "init", "-q"], check=True)
    (repository / "docs/artifacts/audits" / NAME).write_text("broken")
    assert run(monkeypatch, "validate", "--staged") == 0
    subprocess.run(["git", "add", "."], check=True)
    assert run(monkeypatch, "validate", "--staged") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [", "cannot be read"),
        ("schema_version: 1\n", "root: 'categories' is a required property"),
        (registry.SHIPPED.read_text().replace("schema_version: 1", "schema_version: 9"), "schema_version 9"),
        (registry.SHIPPED.read_text().replace("category: research", "category: odd"), "not listed: odd"),
    ],
)
def test_a_broken_registry_is_one_line(
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: str,
    message: str,
) -> None:
    path = repository / registry.LOCATION
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert run(monkeypatch, "validate", "--all") == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("item", RULES, ids=lambda r: r.code)
def test_every_rule_has_its_page(item: rule.Rule[Project]) -> None:
    assert tuple(sections(item.doc)) == SECTIONS


def test_dates_of_every_accepted_form_are_read() -> None:
    forms = ["2026-01-29", "2026-01-29 03:30", "2026-01-29T03:30+09:00", "2026-01-29 03:30 (KST)"]
    assert {day_of(value) for value in forms} == {NOW.date()}
    assert day_of("soon") is None


def test_a_front_matter_that_is_no_mapping_is_named() -> None:
    assert parse("---\n- a\n---\n", "x.md").problem is not None
    assert parse("", "x.md").problem is not None
