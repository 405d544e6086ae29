"""`aqms fix`: what it mends, what it leaves, and that it loses nothing."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aqms import progress, registry
from aqms.document import parse
from aqms.fix import guess, plan
from aqms.links import local_path, relative, target_of

RESEARCH = "docs/artifacts/research"
BODY = "\n# Long *lines*\n\n## Question\n\nWhy?\n\n## Findings\n\nNone.\n"
FRONT = {
    "title": "Long lines",
    "date": "2026-01-29",
    "type": "research",
    "category": "research",
    "status": "active",
    "version": '"1.0"',
}
NAME = "2026-01-29_0000_research_long-lines.md"


def document(body: str = BODY, **fields: str | None) -> str:
    """A document with the usual front matter, but for the fields given; None leaves one out."""
    lines = "".join(f"{key}: {value}\n" for key, value in {**FRONT, **fields}.items() if value is not None)
    return f"---\n{lines}---\n{body}"


@pytest.mark.parametrize("place", ["in their folders", "in one folder"])
def test_copies_of_the_founding_documents_validate(root, aqms, put, git, founding, place):
    for folder, path in founding.items():
        where = f"docs/artifacts/{folder}" if place == "in their folders" else "docs/artifacts/old"
        put(f"{where}/{path.name}", path.read_text(encoding="utf-8"))
    git("add", ".")
    git("commit", "-qm", "Copies")
    assert aqms("validate", "--all").code == 1
    fixed = aqms("fix", "--all")
    assert (fixed.code, fixed.out.splitlines()[-1]) == (0, "no findings"), fixed.out
    assert aqms("validate", "--all").code == 0
    assert aqms("fix", "--all").out == "no findings\n"
    assert len([line for line in git("status", "--short").splitlines() if line.startswith("R")]) == len(founding)
    for folder, path in founding.items():
        (copy,) = (root / "docs/artifacts" / folder).glob("*.md")
        before = path.read_text(encoding="utf-8").splitlines()
        kept = {line for line in before if line.isascii() and "](" not in line}
        assert kept <= set(copy.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (document(title=None), {"title": "Long *lines*"}),
        (document(date=None, created="2026-01-29"), {"date": "2026-01-29"}),
        (document("\n**Date:** 2026-01-29\n" + BODY, date=None), {"date": "2026-01-29"}),
        (document(type=None), {"type": "research"}),
        (document(type="reserch"), {"type": "research"}),
        (document(category=None), {"category": "research"}),
        (document(category="Code-Quality"), {"category": "code_quality"}),
        (document(status=None), {"status": "active"}),
        (document("\n**Status:** ✅ Complete\n" + BODY, status=None), {"status": "completed"}),
        (document(status="in progress  # so far"), {"status": "active"}),
        (document(status="Activ"), {"status": "active"}),
        (document(version=None), {"version": "1.0"}),
        (document(date="2026/1/29"), {"date": "2026-01-29"}),
        (document(date="2026년 1월 29일"), {"date": "2026-01-29"}),
        (document(title="Lines: long ones"), {"title": "Lines: long ones"}),
        (document(title="@home"), {"title": "@home"}),
        (BODY.replace("*", ""), {"title": "Long lines", "type": "research", "status": "active"}),
        ("---\n---\n" + BODY, {"title": "Long *lines*", "version": "1.0"}),
    ],
)  # fmt: skip
def test_front_matter_is_made_whole(root, aqms, text, expected, line_end, put):
    path = put(f"{RESEARCH}/{NAME}", "\ufeff" + text, line_end)
    fixed = aqms("fix", str(path.relative_to(root)))
    assert fixed.code == 0, fixed.out
    data = path.read_bytes()
    after = parse(data.decode("utf-8-sig"), NAME)
    assert {key: after.fields[key] for key in expected} == expected
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\n") == data.count(line_end.encode())
    assert after.text.endswith(BODY.replace("*", "" if "*" not in text else "*").replace("\n", line_end))
    if "so far" in text:
        assert "status: active  # so far" in after.text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (document(status="odd"), "E008"),
        (document(category="documentation"), "E009"),
        (document(date="29/01/2026"), "E007"),
        (document(date="2026-01-30"), "E007"),
        (document(type="audit"), "E005"),
        (document("\n# Long lines\n"), "E010"),
        ("---\n\ttitle: tab\n---\n" + BODY, "E000"),
        ("---\n- a\n---\n" + BODY, "E000"),
        ("---\ntitle: never closed\n" + BODY, "E000"),
        (document(priority="high"), "E014"),
    ],
)
def test_what_cannot_be_known_is_left_byte_for_byte(root, aqms, text, code, put):
    path = put(f"{RESEARCH}/{NAME}", text)
    fixed = aqms("fix", "--all")
    assert fixed.code == 1
    assert f" {code} " in fixed.out
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("encoding", ["mac_roman", "cp1252"])
def test_garbled_text_is_mended_and_the_rest_is_not_touched(root, aqms, encoding, put):
    meant = document(BODY + "\n≤ 7, — and 한글, é; ✓ done\n")
    bad = "".join(char.encode().decode(encoding) if char in "≤✓" else char for char in meant)
    path = put(f"{RESEARCH}/{NAME}", bad)
    aqms("fix", "--all")
    assert path.read_text(encoding="utf-8") == meant
    assert aqms("validate", "--all").code == 0


@pytest.mark.parametrize(
    ("name", "text", "renamed"),
    [
        ("long lines.md", document(), NAME),
        ("Long_Lines-research.md", document(), NAME),
        ("research_long-lines.md", document(), NAME),
        ("2026-01-29_long-lines.md", document(date=None), NAME),
        ("2026-01-29_0330_long-lines.md", document(date=None), NAME.replace("0000", "0330")),
        ("긴 줄.md", document(date="2026-01-29T03:30+09:00"), "2026-01-29_0330_research_긴-줄.md"),
        ("!!.md", document(), NAME),
    ],
)
@pytest.mark.parametrize("tracked", [True, False])
def test_files_are_renamed_and_links_follow(root, aqms, name, text, renamed, tracked, put, git):
    old = put(f"{RESEARCH}/{name}", text + "\n[here](../../../README.md) ![p](<p q.png>)\n")
    put(f"{RESEARCH}/p q.png", "")
    url = name.replace(" ", "%20")
    readme = put("README.md", f"# Home\n\nSee [it]({RESEARCH}/{url}#why 'title') and `[it]({RESEARCH}/{url})`.\n")
    if tracked:
        git("add", ".")
        git("commit", "-qm", "All")
    assert aqms("fix", "--all").code == 0
    assert not old.exists()
    assert (root / RESEARCH / renamed).is_file()
    said = readme.read_text(encoding="utf-8")
    assert f"[it]({RESEARCH}/{renamed}#why 'title') and `[it]({RESEARCH}/{url})`" in said
    state = git("-c", "core.quotePath=false", "status", "--short").splitlines()
    assert any(line.startswith("R") for line in state) == tracked


def test_a_document_in_no_folder_moves_with_its_links(root, aqms, put):
    put(
        "notes/old.md",
        document("\n# A\n\n## Question\n\n[b](b.md) [r](../README.md)\n\n## Findings\n", type="design"),
    )
    put("notes/b.md", "b")
    put("README.md", "")
    fixed = aqms("fix", "notes/old.md", "--json")
    (repair,) = fixed.data["repairs"]
    assert repair["target"] == "docs/artifacts/design_documents/2026-01-29_0000_design_document_old.md"
    assert fixed.code == 1  # Its sections are those of a research paper.
    assert {item["code"] for item in fixed.data["remaining"]["findings"]} == {"E010"}
    moved = (root / repair["target"]).read_text(encoding="utf-8")
    assert "[b](../../../notes/b.md) [r](../../../README.md)" in moved


def test_links_to_nothing_find_the_file_or_say_so(root, aqms, put):
    put("src/pkg/tool.py", "")
    put("a/README.md", "")
    put("b/deep/page.md", "")
    put("c/deep/page.md", "")
    links = (
        "[t](../scripts/tool.py#L3) [r](gone/README.md) [p](deep/page.md) [![i](i.png)](gone.md) [d](../none/)\n"
        "[over\ntwo](lines.md)\n\n[ref]: nowhere.md\n"
    )
    path = put(f"{RESEARCH}/{NAME}", document(BODY + links))
    fixed = aqms("fix", "--all")
    assert path.read_text(encoding="utf-8").endswith(
        "[t](../../../src/pkg/tool.py#L3) r (`gone/README.md`) p (`deep/page.md`) "
        "i (`i.png`) (`gone.md`) d (`../none/`)\n"
        "[over\ntwo](lines.md)\n\n[ref]: nowhere.md\n"
    )
    assert [line.split(" E011 ")[1] for line in fixed.out.splitlines() if " E011 " in line] == [
        "link to lines.md leads nowhere; mend or remove it",
        "link to nowhere.md leads nowhere; mend or remove it",
    ]


def test_a_dry_run_shows_everything_and_changes_nothing(root, aqms, put):
    path = put(f"{RESEARCH}/old.md", document(status=None))
    before = path.read_bytes()
    ran = aqms("fix", "--all", "--dry-run")
    assert ran.code == 0
    assert f"{RESEARCH}/old.md -> {RESEARCH}/2026-01-29_0000_research_old.md\n  status: active\n" in ran.out
    assert "+status: active" in ran.out
    assert path.read_bytes() == before
    assert aqms("fix", "--all", "--dry-run", "--json").data["remaining"] is None


def test_names_that_are_taken_are_left(root, aqms, put):
    put(f"{RESEARCH}/{NAME}", document())
    put(f"{RESEARCH}/long-lines.md", document())
    put(f"{RESEARCH}/long lines.md", document())
    ran = aqms("fix", "--all")
    assert ran.code == 1
    assert ran.out.count("not renamed: the name that it should have is taken") == 2


def test_types_are_told_by_name_or_given(root, aqms, put):
    put("old/receipts-handover.md", "# Receipts\n")
    put("old/words.md", "# Words\n")
    ran = aqms("fix", "old/receipts-handover.md", "old/words.md")
    assert "handovers/" in ran.out
    assert "old/words.md\n  its type is unknown; give it with --type\n" in ran.out
    assert "research/" in aqms("fix", "old/words.md", "--type", "research").out
    assert aqms("fix", "old/words.md", "--type", "odd").code == 2
    assert aqms("fix").code == 2


def test_decisions_get_the_next_number(root, aqms, put):
    put("docs/decisions/0007-one.md", document(type="decision", category="architecture"))
    put("docs/decisions/Two words.md", document(type="decision", category="architecture"))
    assert "0008-two-words.md" in aqms("fix", "--all").out


def test_each_document_of_a_numbered_type_gets_a_number_of_its_own(root, aqms, put):
    text = document("\n# A\n\n## Context\n\n## Decision\n\n## Consequences\n", type=None, category="architecture")
    put("n/one-decision.md", text)
    put("n/two-decision.md", text.replace("Long lines", "Two"))
    assert aqms("fix", "n/one-decision.md", "n/two-decision.md").code == 0
    assert sorted(path.name for path in (root / "docs/decisions").iterdir()) == ["0001-one.md", "0002-two.md"]
    put("docs/decisions/sub/three.md", text.replace("Long lines", "Three"))
    put("docs/decisions/sub/four.md", text.replace("Long lines", "Four"))
    assert aqms("fix", "--all").code == 0
    assert len({path.name[:4] for path in (root / "docs/decisions/sub").iterdir()}) == 2


def test_without_git_and_without_a_date_the_file_has_one(root, aqms, monkeypatch, put):
    put(f"{RESEARCH}/lines.md", document(date=None))
    monkeypatch.setenv("PATH", "")
    assert aqms("fix", "--all").code == 0
    (path,) = (root / RESEARCH).glob("*.md")
    assert path.name.startswith(f"{time.strftime('%Y-%m-%d')}_")


def test_a_fix_that_is_killed_is_finished_by_the_next(root, aqms, monkeypatch, put):
    put(f"{RESEARCH}/long lines.md", document(status=None))
    readme = put("README.md", f"[it]({RESEARCH}/long%20lines.md)\n")

    def killed(*_args: object, **_kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("aqms.git.move", killed)
        assert aqms("fix", "--all").code != 0
    assert readme.read_text(encoding="utf-8") == f"[it]({RESEARCH}/{NAME})\n"
    assert aqms("fix", "--all").code == 0
    assert readme.read_text(encoding="utf-8") == f"[it]({RESEARCH}/{NAME})\n"
    assert (root / RESEARCH / NAME).is_file()


def test_a_document_that_changes_meanwhile_is_not_overwritten(root, aqms, put, monkeypatch):
    path = put(f"{RESEARCH}/{NAME}", document(status=None))
    other = put(f"{RESEARCH}/2026-01-29_0000_research_a.md", document(status=None))
    real = plan.plan

    def slow(*words):
        made = real(*words)
        path.write_text("edited meanwhile", encoding="utf-8")
        return made

    monkeypatch.setattr(plan, "plan", slow)
    ran = aqms("fix", "--all")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "it was changed or moved meanwhile" in ran.err
    assert path.read_text(encoding="utf-8") == "edited meanwhile"
    assert other.read_text(encoding="utf-8") == document(status=None)


def test_two_fixes_at_once_do_the_work_once(root, put):
    for number in range(20):
        put(f"{RESEARCH}/n {number}.md", document(status=None))
    program = "import sys; from aqms.cli import main; sys.argv = ['aqms', 'fix', '--all']; sys.exit(main())"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    running = [subprocess.Popen([sys.executable, "-c", program], cwd=root, **quiet) for _ in range(3)]
    codes = sorted(process.wait() for process in running)
    assert codes[0] == 0
    assert set(codes) <= {0, 2}
    found = [path.read_text(encoding="utf-8") for path in (root / RESEARCH).glob("*.md")]
    assert found == [document(status=None).replace("---\n\n#", "status: active\n---\n\n#")] * 20


def test_links_to_documents_are_no_documents_of_their_own(root, aqms, put):
    path = put(f"{RESEARCH}/{NAME}", document(status=None))
    alias = root / RESEARCH / "2026-01-29_0000_research_alias.md"
    alias.symlink_to(NAME)
    assert aqms("fix", "--all").code == 0
    assert alias.is_symlink()
    assert "status: active" in path.read_text(encoding="utf-8")


def test_long_work_shows_a_bar_where_somebody_looks(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert list(progress.shown(range(400), "reading")) == list(range(400))
    assert list(progress.shown(range(3), "reading")) == [0, 1, 2]
    assert "reading" in capsys.readouterr().err


def test_kill_at_any_moment_leaves_whole_documents(root, tmp_path, put):
    """Whenever the process dies, each document is the old text or the new one, under the old name or the new."""
    original = document(status=None)
    program = "import sys; from aqms.cli import main; sys.argv = ['aqms', 'fix', '--all']; sys.exit(main())"
    for attempt in range(8):
        for path in (root / RESEARCH).glob("*.md"):
            path.unlink()
        for number in range(20):
            put(f"{RESEARCH}/n {number}.md", original)
        process = subprocess.Popen([sys.executable, "-c", program], cwd=root, stdout=subprocess.DEVNULL)
        time.sleep(0.15 + 0.05 * attempt)
        process.kill()
        process.wait()
        found = [path.read_text(encoding="utf-8") for path in (root / RESEARCH).glob("[!.]*.md")]
        assert len(found) == 20
        assert set(found) <= {original, original.replace("---\n\n#", "status: active\n---\n\n#")}


def test_paths_of_links() -> None:
    assert local_path("https://x.y/z") is None
    assert local_path("#part") is None
    assert local_path("a%20b.md?raw#part") == "a b.md"
    assert target_of("docs/a.md", "../../out.md") is None
    assert target_of("docs/a.md", "/README.md") == "README.md"
    assert relative("docs/a.md", "src/긴 줄.md", "old.md#part") == "../src/긴%20줄.md#part"
    assert relative("docs/a.md", "README.md", "/old.md") == "/README.md"


def test_a_type_is_not_guessed_from_a_name_that_fits_two() -> None:
    known = registry.load(Path("/nowhere"))
    assert guess.kind_of(known, parse("", "x/report.md"), None) is None
    assert guess.kind_of(known, parse("", "x/login-bug.md"), None) == known.types["bug_report"]


EXEMPT = {
    "E011": document(
        BODY + "\nSee [the page](../../../site/gone.md). <!-- aqms: ignore[E011] made by the release -->\n"
    ),
    "E013": document(BODY + "\nGarbled: `‚úÖ` <!-- aqms: ignore[E013] an example -->\n"),
    "E009": document(category="Reserch  # aqms: ignore[E009] ours"),
    "E008": document(status="activ  # aqms: ignore[E008] ours"),
    "E007": document(date="2026/01/29  # aqms: ignore[E007] as it was"),
    "E005": document(type="reserch  # aqms: ignore[E005] ours"),
    "E006": document(version="  # aqms: ignore[E006] has none"),
}


@pytest.mark.parametrize("code", EXEMPT)
def test_what_an_inline_ignore_exempts_is_not_mended(aqms, put, code):
    path = put(f"{RESEARCH}/{NAME}", EXEMPT[code])
    assert "1 ignored inline" in aqms("validate", "--all").out
    fixed = aqms("fix", "--all")
    assert (fixed.code, path.read_text(encoding="utf-8")) == (0, EXEMPT[code]), fixed.out


@pytest.mark.parametrize(
    ("code", "text", "name"),
    [
        ("E000", BODY, f"{RESEARCH}/{NAME}"),
        ("E001", document(), f"{RESEARCH}/long-lines.md"),
        ("E002", document(), f"{RESEARCH}/2026-01-29_0000_long-lines.md"),
        ("E003", document(), f"{RESEARCH}/2026-01-29_0000_research_long lines.md"),
        ("E004", document(), f"docs/artifacts/notes/{NAME}"),
        ("E006", document(version=None), f"{RESEARCH}/{NAME}"),
        ("E011", document(BODY + "[a](gone.md) ![b](gone.png)\n"), f"{RESEARCH}/{NAME}"),
        ("E013", document(BODY + "‚úÖ\n\n‚úÖ\n"), f"{RESEARCH}/{NAME}"),
    ],
)
def test_what_a_file_exempts_itself_from_is_not_mended(aqms, put, code, text, name):
    text += f"\n<!-- aqms: ignore-file[{code}] as it is -->\n"
    path = put(name, text)
    assert "ignored inline" in aqms("validate", "--all").out
    fixed = aqms("fix", "--all")
    assert (fixed.code, path.read_text(encoding="utf-8")) == (0, text), fixed.out


def test_lines_beside_an_exempt_one_are_mended(aqms, put):
    lines = "\n[a](gone.md) ‚úÖ <!-- aqms: ignore[E011,E013] an example -->\n[b](gone.md) ‚úÖ\n"
    path = put(f"{RESEARCH}/{NAME}", document(BODY + lines))
    assert "garbled text mended: 1\n" in aqms("fix", "--all").out
    mended = lines.replace("[b](gone.md) ‚úÖ", "b (`gone.md`) ✅")
    assert path.read_text(encoding="utf-8") == document(BODY + mended)


@pytest.mark.parametrize(
    "text",
    [
        document(date=">-\n  2026/01/29"),
        document(status=">\n  Active"),
        document(date="2026/01/29\n  or so"),
        "---\n{title: A, date: 2026-01-29}\n---\n" + BODY,
        "---\n  title: A\n  date: 2026-01-29\n---\n" + BODY,
        document(**{"status": None, '"status"': "actve"}),
    ],
)
def test_front_matter_that_no_line_can_mend_is_left_with_a_word(aqms, put, text):
    path = put(f"{RESEARCH}/{NAME}", text)
    ran = aqms("fix", "--all")
    assert ran.code == 1
    assert f"{NAME}\n  front matter is in a form that cannot be edited; mend it by hand\n" in ran.out
    assert path.read_text(encoding="utf-8") == text


def test_a_comment_after_a_value_that_gets_quotes_stays(aqms, put):
    path = put(f"{RESEARCH}/{NAME}", document(title="Fix: the thing  # keep me"))
    assert aqms("fix", "--all").code == 0
    assert path.read_text(encoding="utf-8") == document(title="'Fix: the thing'  # keep me")


def test_a_name_that_is_not_utf8_gives_a_title_that_can_be_read(root, aqms, put):
    folder = put(f"{RESEARCH}/x", "").parent
    (folder / os.fsdecode(b"caf\xe9 one.md")).write_text(BODY.replace("# Long *lines*", ""))
    home = put("README.md", f"[it]({RESEARCH}/caf%E9%20one.md)\n")
    ran = aqms("fix", "--all")
    assert ran.code == 0, ran.out
    (path,) = folder.glob("*.md")
    assert path.name.endswith("_research_caf-one.md")
    assert "title: caf one\n" in path.read_text(encoding="utf-8")
    assert home.read_text(encoding="utf-8") == f"[it]({RESEARCH}/{path.name})\n"


def test_line_ends_of_all_kinds_stay_as_they_are(aqms, put):
    body = "\n# A\r\n\r\n## Question\r## Findings\nunix line\nold mac\rline\n"
    front = document("", status=None)
    path = put(f"{RESEARCH}/{NAME}", "")
    path.write_bytes((front.replace("\n", "\r\n") + body).encode())
    assert aqms("fix", "--all").code == 0
    expected = front.replace('version: "1.0"\n', 'version: "1.0"\nstatus: active\n').replace("\n", "\r\n") + body
    assert path.read_bytes() == expected.encode()
    path.write_bytes(body.removeprefix("\n").encode())
    assert aqms("fix", "--all").code == 0
    assert path.read_bytes().endswith(b"---\r\n\r\n" + body.removeprefix("\n").encode())
    assert path.read_bytes().startswith(b"---\r\ntitle: A\r\n")


def test_links_of_html_follow_and_are_never_replaced(root, aqms, put):
    tags = '\n<img src="p.png"> <a href=\'q.md#a\'>q</a> `<a href="q.md">`\n\n<p>\n<a href="gone.md">g</a>\n</p>\n'
    put("old/n-research.md", document(BODY + tags))
    put("old/p.png", "")
    put("old/q.md", "")
    top = put("top.md", '<a href="old/n-research.md">\n')
    ran = aqms("fix", "old/n-research.md")
    assert (ran.code, ran.out.count(" E011 ")) == (1, 1)
    moved = root / RESEARCH / "2026-01-29_0000_research_n.md"
    expected = tags.replace('"p.png', '"../../../old/p.png').replace("'q.md", "'../../../old/q.md")
    assert moved.read_text(encoding="utf-8") == document(BODY + expected)
    assert top.read_text(encoding="utf-8") == f'<a href="{RESEARCH}/{moved.name}">\n'
    assert f"{moved.name}:23:10 E011 link to gone.md leads nowhere" in ran.out


def test_a_link_of_html_keeps_its_quotes_whole(root, aqms, put):
    put("src/it's.png", "")
    path = put(f"{RESEARCH}/{NAME}", document(BODY + "\n<img src='it%27s.png'>\n"))
    assert aqms("fix", "--all").code == 0
    assert path.read_text(encoding="utf-8").endswith("\n<img src='../../../src/it%27s.png'>\n")
