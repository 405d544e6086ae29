"""Staged documents, baseline, index, formats, odd files, and several processes at once."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from aqms import cache, registry

RESEARCH = "docs/artifacts/research"
NAME = f"{RESEARCH}/2026-01-29_0330_research_lines.md"
PROGRAM = [sys.executable, "-c", "import sys; from aqms.cli import main; sys.exit(main())"]


def document(body: str = "", **fields: str) -> str:
    front = {"title": "Lines", "date": "2026-01-29", "type": "research", "category": "research", "status": "active"}
    lines = "".join(f"{key}: {value}\n" for key, value in {**front, "version": "'1.0'", **fields}.items())
    return f"---\n{lines}---\n\n# Lines\n\n## Question\n\n## Findings\n\n{body}\n"


def codes(ran) -> list[str]:
    return [f"{item['path'].rpartition('/')[2]} {item['code']}" for item in ran.data["findings"]]


def test_staged_documents_are_judged_as_they_are_staged(root, aqms, put, git):
    put(NAME, document())
    put("src/notes.md", "no document of ours")
    git("add", ".")
    assert aqms("validate", "--staged").code == 0
    put(NAME, document(status="odd"))
    assert aqms("validate", "--staged").code == 0
    git("add", ".")
    assert codes(aqms("validate", "--staged", "--json")) == ["2026-01-29_0330_research_lines.md E008"]
    put(NAME, document())
    assert aqms("validate", "--staged").code == 1
    git("add", ".")
    git("commit", "-qm", "One")
    assert aqms("validate", "--staged").out == "no findings\n"
    put(NAME, document(status="odd"))
    assert aqms("validate", "--staged").out == "no findings\n"


def test_a_staged_rename_is_judged_under_its_new_name_with_all_that_link_to_the_old_one(root, aqms, put, git):
    other = f"{RESEARCH}/2026-01-30_0330_research_other.md"
    put(NAME, document())
    put(other, document("[it](2026-01-29_0330_research_lines.md)", date="2026-01-30"))
    git("add", ".")
    git("commit", "-qm", "Two")
    git("mv", NAME, f"{RESEARCH}/Lines.md")
    assert codes(aqms("validate", "--staged", "--json")) == [
        "2026-01-30_0330_research_other.md E011",
        "Lines.md E001",
    ]


def test_staged_from_a_folder_and_of_a_broken_file(root, aqms, put, git, monkeypatch):
    put(NAME, "").write_bytes(b"\xff")
    git("add", ".")
    monkeypatch.chdir(root / RESEARCH)
    assert codes(aqms("validate", "--staged", "--json")) == ["2026-01-29_0330_research_lines.md E000"]
    assert aqms("validate", "--staged", "--all").code == 2


@pytest.mark.parametrize("name", ["docs/page.md", "README.md", "docs/artifacts.md"])
def test_of_files_outside_the_roots_only_links_and_text_are_checked(aqms, put, name):
    put(name, "# A page\n")
    clean = aqms("validate", name)
    assert (clean.code, clean.out) == (0, "no findings\n")
    remedy = f"`aqms fix {name} --type T` makes it a document"
    assert clean.err == (
        f"aqms: {name}: outside docs/artifacts and docs/decisions; only its links and text were checked; {remedy}\n"
    )
    put(name, "---\nstatus: odd\nid: x\n---\n[a](gone.md) ‚úÖ\n")
    assert [code.split()[1] for code in codes(aqms("validate", name, "--json"))] == ["E011", "E013"]
    put(name, "").write_bytes(b"\xff")
    assert [code.split()[1] for code in codes(aqms("validate", name, "--json"))] == ["E000"]
    put(name, "# A page\n")
    assert aqms("validate", "--all").err == ""
    assert json.loads(aqms("validate", name, "--all", "--json").out)["summary"]["count"] == 0


def test_fix_makes_a_document_of_a_file_outside_the_roots_when_its_type_is_known(root, aqms, put):
    put("docs/page.md", "# A page\n\n## Question\n\n## Findings\n\n[a](gone.md)\n")
    ran = aqms("fix", "docs/page.md")
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "no findings")
    assert "its type is unknown; give it with --type" in ran.out
    assert "a (`gone.md`)" in (root / "docs/page.md").read_text()
    assert "docs/page.md: outside docs/artifacts" in ran.err
    ran = aqms("fix", "docs/page.md", "--type", "research")
    assert (ran.code, ran.err) == (0, "")
    assert not (root / "docs/page.md").exists()
    assert aqms("validate", "--all").code == 0


def test_the_index_is_no_document_by_its_name_either(root, aqms, put):
    put(NAME, document())
    aqms("index")
    page = (root / "docs/artifacts/INDEX.md").read_bytes()
    ran = aqms("validate", "docs/artifacts/INDEX.md")
    assert (ran.code, ran.err) == (
        0,
        "aqms: docs/artifacts/INDEX.md: the index; only its links and text were checked\n",
    )
    assert aqms("fix", "docs/artifacts/INDEX.md", "--type", "research").code == 0
    assert (root / "docs/artifacts/INDEX.md").read_bytes() == page


def test_duplicate_ids_and_numbers_are_found(aqms, put):
    put(NAME, document(id="bug_001"))
    put(f"{RESEARCH}/2026-01-29_0330_research_more.md", document(id="bug_001"))
    for name in ("0001-one.md", "0001-two.md", "0002-three.md"):
        put(f"docs/decisions/{name}", document("## Context\n## Decision\n## Consequences", type="decision"))
    listed = codes(aqms("validate", "--all", "--json"))
    assert sorted(listed) == sorted(
        [
            "0001-one.md E012",
            "0001-two.md E012",
            "2026-01-29_0330_research_lines.md E012",
            "2026-01-29_0330_research_more.md E012",
        ]
    )
    assert codes(aqms("validate", "docs/decisions/0001-one.md", "--json")) == ["0001-one.md E012"]


def test_findings_tell_what_was_expected_and_what_to_do(aqms, put):
    put(NAME, document(status="activ"))
    (item,) = aqms("validate", NAME, "--json").data["findings"]
    assert item["expected"] == "one of active, draft, completed, archived, deprecated"
    assert item["hint"] == "did you mean active?"
    assert aqms("validate", NAME, "--format", "github").out.startswith(f"::error file={NAME},line=6,col=1,title=E008::")
    sarif = json.loads(aqms("validate", NAME, "--format", "sarif").out)
    assert sarif["runs"][0]["results"][0]["ruleId"] == "E008"


def test_a_baseline_accepts_what_is_there_and_only_shrinks(root, aqms, put):
    put(NAME, document(status="odd"))
    assert aqms("baseline", "check").code == 2
    assert aqms("baseline", "write", "--reason", " ").code == 2
    assert aqms("baseline", "write", "--reason", "deferred").out == "aqms-baseline.json: 1 finding accepted\n"
    accepted = aqms("validate", "--all")
    assert (accepted.code, accepted.out) == (0, "no findings; ACCEPTED (1): deferred 1\n")
    assert aqms("validate", "--all", "--no-baseline").code == 1
    put(NAME, document(status="odd", category="odd"))
    assert aqms("baseline", "check").code == 1
    put(NAME, document())
    assert aqms("baseline", "check", "--json").code == 0
    assert json.loads((root / "aqms-baseline.json").read_text())["entries"] == []
    assert aqms("baseline", "write", "--reason", "optional", "--json").data["accepted"] == 0
    (root / "aqms-baseline.json").write_text("{")
    ran = aqms("validate", "--all")
    assert (ran.code, ran.err.count("\n")) == (2, 1)


def test_the_index_lists_every_document(root, aqms, put):
    put(NAME, document(title="'Lines | [long]'"))
    put("docs/decisions/0001-one.md", document("## Context\n## Decision\n## Consequences", type="decision"))
    assert aqms("index", "--check").code == 1
    assert aqms("index").out == "docs/artifacts/INDEX.md: written, 2 documents\n"
    page = (root / "docs/artifacts/INDEX.md").read_text(encoding="utf-8")
    assert r"| [Lines \| \[long\]](research/2026-01-29_0330_research_lines.md) | active | 2026-01-29 |" in page
    assert "(../decisions/0001-one.md)" in page
    assert aqms("index", "--check").code == 0
    assert aqms("validate", "--all").code == 0
    assert aqms("index", "--json").data == {"path": "docs/artifacts/INDEX.md", "current": True, "documents": 2}
    put("docs/artifacts/INDEX.md", "written by hand")
    ran = aqms("index")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert (root / "docs/artifacts/INDEX.md").read_text(encoding="utf-8") == "written by hand"


def test_lists_can_be_narrowed(aqms, put):
    put(NAME, document())
    assert aqms("list", "--type", "audit").out == ""
    assert aqms("list", "--status", "active", "--json").data[0]["path"] == NAME


def test_a_template_of_a_type_is_used(aqms, put, root):
    shipped = registry.SHIPPED.read_text(encoding="utf-8")
    put(
        registry.LOCATION,
        shipped.replace(
            "    directory: guides\n",
            "    directory: guides\n    template: |\n      # {title} of {date}\n      ## Overview\n      Begin here.\n",
        ),
    )
    ran = aqms("create", "--type", "guide", "--name", "start", "--title", "Start")
    text = (root / ran.out.strip()).read_text(encoding="utf-8")
    assert "# Start of 20" in text
    assert "Begin here." in text
    assert aqms("validate", "--all").code == 0


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_bytes(b"---\ntitle: a\n---\n\0"), "it holds zero bytes"),
        (lambda path: path.write_bytes(b"x" * (16 * 2**20 + 1)), "larger than 16 MiB"),
        (lambda path: path.symlink_to("/etc/hostname"), "it is a link that leads out of the repository"),
        (lambda path: path.symlink_to("gone.md"), "No such file or directory"),
        (lambda path: path.symlink_to(path.name), ""),
    ],
    ids=["zero bytes", "huge", "link out", "link to nothing", "link to itself"],
)
def test_odd_files_are_findings(root, aqms, make, reason):
    path = root / NAME
    path.parent.mkdir(parents=True)
    make(path)
    ran = aqms("validate", "--all")
    assert ran.code == 1
    assert f"{NAME}:1:1 E000 cannot be read ({reason}" in ran.out
    assert aqms("fix", "--all").code == 1
    assert aqms("list").code == 0


@pytest.mark.parametrize("words", [("validate",), ("fix",)])
@pytest.mark.parametrize("path", ["../out.md", "/etc/hostname", "link.md", "docs/../../out.md"])
def test_paths_out_of_the_repository_are_refused(root, aqms, words, path):
    (root.parent / "out.md").write_text(document())
    (root / "docs").mkdir()
    (root / "link.md").symlink_to("../out.md")
    ran = aqms(*words, path)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "is outside the repository" in ran.err
    assert (root.parent / "out.md").read_text() == document()


@pytest.mark.parametrize("words", [("create", "--type", "research", "--name", "a", "--title", "A"), ("index",)])
def test_folders_that_lead_out_are_refused(root, aqms, words, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (root / "docs").symlink_to(tmp_path / "elsewhere")
    ran = aqms(*words)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "leads out of the repository" in ran.err
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": F}', "\0\xff", '{"format":F,"key":"K","entries":{"D":[1]}}']
)
def test_a_damaged_cache_is_an_empty_one(root, aqms, put, content):
    put(NAME, document(status="odd"))
    assert aqms("validate", "--all").code == 1
    stored = root / cache.FOLDER / "documents.json"
    known = json.loads(stored.read_text())
    content = (
        content.replace("F", str(cache.FORMAT)).replace("K", known["key"]).replace("D", next(iter(known["entries"])))
    )
    stored.write_bytes(content.encode("latin-1"))
    assert aqms("validate", "--all").code == 1
    assert aqms("validate", "--all", "--no-cache").code == 1


def test_where_the_cache_cannot_be_written_documents_are_checked_all_the_same(root, aqms, put):
    put(NAME, document())
    put(registry.LOCATION, registry.SHIPPED.read_text(encoding="utf-8"))
    put(cache.FOLDER, "a file in place of the folder")
    assert aqms("validate", "--all").code == 0
    ran = aqms("create", "--type", "guide", "--name", "a", "--title", "A")
    assert (ran.code, ran.err.count("\n")) == (2, 1)


def test_an_empty_repository_has_no_findings(root, aqms):
    assert aqms("validate", "--all").out == "no findings\n"
    assert aqms("list").out == ""
    assert aqms("fix", "--all").code == 0


@pytest.mark.parametrize("words", [("validate", "--staged"), ("validate", "--all"), ("fix", "--all")])
def test_without_git(root, aqms, put, monkeypatch, words):
    put(NAME, document())
    monkeypatch.setenv("PATH", "")
    ran = aqms(*words)
    assert (ran.code, ran.err.count("\n")) == ((2, 1) if "--staged" in words else (0, 0))


def test_a_reader_that_leaves_is_no_error(root, put):
    for number in range(400):
        put(f"docs/artifacts/odd/{number}.md", "x")
    program = "import sys; from aqms.cli import main; sys.argv = ['aqms', 'validate', '--all']; sys.exit(main())"
    shell = f"{shlex.quote(sys.executable)} -c {shlex.quote(program)} | head -1"
    ran = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, cwd=root)
    assert ran.stderr == ""
    assert "E000" in ran.stdout


def test_many_processes_give_out_each_number_once(root):
    words = ["create", "--type", "decision", "--title", "T", "--name"]
    running = [subprocess.Popen([*PROGRAM, *words, f"n{i}"], cwd=root, stdout=subprocess.DEVNULL) for i in range(6)]
    assert [process.wait() for process in running] == [0] * 6
    names = sorted(path.name for path in Path(root, "docs/decisions").glob("*.md"))
    assert [name[:4] for name in names] == ["0001", "0002", "0003", "0004", "0005", "0006"]


def test_processes_at_once_leave_a_cache_that_loads(root, put):
    for number in range(50):
        put(f"{RESEARCH}/2026-01-29_0330_research_n{number}.md", document())
    running = [subprocess.Popen([*PROGRAM, "validate", "--all"], cwd=root, stdout=subprocess.DEVNULL) for _ in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    assert len(json.loads((root / cache.FOLDER / "documents.json").read_text())["entries"]) == 1
    assert sorted(path.name for path in (root / cache.FOLDER).iterdir()) == [".gitignore", "documents.json"]


def test_every_command_helps_with_an_example(aqms):
    verbs = [("validate",), ("fix",), ("create",), ("types",), ("index",), ("explain",), ("list",)]
    verbs += [("registry", verb) for verb in ("validate", "sync", "resolve", "graph", "show", "schema")]
    verbs += [("baseline", verb) for verb in ("write", "check")]
    for verb in verbs:
        assert f"aqms {' '.join(verb)}" in aqms(*verb, "--help").out.partition("Example")[2], verb
