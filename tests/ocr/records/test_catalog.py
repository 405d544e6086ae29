"""What is found below a folder, whole or not, and that nothing of it is changed by looking."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ocr.errors import RecordError
from ocr.records.catalog import BRIEF, INDEX, Catalog, open_store, register
from ocr.records.layout import NO_CARD, OLD_LAYOUTS, RECORD, WHOLE, card_path


@pytest.fixture
def outputs(tmp_path, make_checkpoint, make_run) -> Path:
    """Two runs of today, one of them with two checkpoints and aliases."""
    root = tmp_path / "out puts ü"
    first, second = root / "2026-01-02" / "03-04-05", root / "2026-01-02" / "sweep" / "0"
    make_run(first, "r1", task="detection", tags=["paper"])
    make_run(second, "r2", status="failed")
    make_checkpoint(first / "checkpoints", "epoch-00_step-000010_hmean-0.9000", hmean=0.9, run_id="r1")
    make_checkpoint(first / "checkpoints", "epoch-01_step-000020_hmean-0.8000", hmean=0.8, run_id="r1", epoch=1)
    for alias, name in (("best", "epoch-00_step-000010_hmean-0.9000"), ("last", "epoch-01_step-000020_hmean-0.8000")):
        (first / "checkpoints" / f"{alias}.ckpt").symlink_to(f"{name}.ckpt")
    make_checkpoint(second / "checkpoints", "only 'one'\n", hmean=None, run_id="r2")
    return root


def test_every_checkpoint_is_one_row_with_its_aliases(outputs):
    catalog = Catalog([outputs])
    rows = {row["path"].rpartition("/")[2]: row for row in catalog.find()}
    assert len(rows) == 3
    best = rows["epoch-00_step-000010_hmean-0.9000.ckpt"]
    assert (best["epoch"], best["score"], best["aliases"], best["state"]) == (0, 0.9, ["best"], WHOLE)
    assert (best["encoder"], best["run_id"], best["charset_size"]) == ("TimmBackbone(resnet18)", "r1", None)
    assert catalog.problems == []
    assert catalog.best("task=detection")[0]["path"].endswith("hmean-0.9000.ckpt")
    assert [row["id"] for row in catalog.find_runs("tags=paper")] == ["r1"]
    assert [row["status"] for row in catalog.find_runs(sort="id")] == ["completed", "failed"]
    assert len(catalog.find(limit=2)) == 2


def states_of(root: Path) -> dict[str, tuple[int, bytes]]:
    kept = (p for p in root.rglob("*") if p.is_file() and not p.name.startswith(INDEX))
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in kept}


def test_looking_changes_nothing_and_the_second_look_reads_nothing(outputs, monkeypatch):
    before = states_of(outputs)
    first = Catalog([outputs]).find()
    monkeypatch.setattr("ocr.records.rows.checkpoint_row", lambda _: pytest.fail("read again"))
    assert Catalog([outputs]).find() == first
    assert states_of(outputs) == before
    (outputs / INDEX).unlink()
    monkeypatch.undo()
    assert Catalog([outputs]).find() == first


def test_what_changed_is_read_again_and_what_is_gone_goes(outputs, make_checkpoint):
    Catalog([outputs]).find()
    changed = make_checkpoint(outputs / "2026-01-02" / "03-04-05" / "checkpoints", "epoch-01_step-000020_hmean-0.8000")
    (outputs / "2026-01-02" / "sweep" / "0" / "checkpoints" / "only 'one'\n.ckpt").unlink()
    catalog = Catalog([outputs])
    rows = {row["path"]: row for row in catalog.find()}
    assert len(rows) == 2
    assert rows[str(changed)]["score"] == 0.5
    (problem,) = catalog.problems
    assert problem.reason == "a card, but its checkpoint is not there"


def edit_card(folder):
    card = card_path(folder / "epoch-01_step-000020_hmean-0.8000.ckpt")
    with card.open("r+b") as stream:  # as some editors do: the same file, of the same length
        text = stream.read()
        stream.seek(0)
        stream.write(text.replace(b'"value": 0.8', b'"value": 0.7'))
    return {"score": 0.7}


def edit_card_and_set_its_time_back(folder):
    card = card_path(folder / "epoch-01_step-000020_hmean-0.8000.ckpt")
    stat = card.stat()
    told = edit_card(folder)
    os.utime(card, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    return told


def cut_off(folder):
    path = folder / "epoch-01_step-000020_hmean-0.8000.ckpt"
    size = path.stat().st_size
    os.truncate(path, 0)
    return {"state": f"damaged: 0 bytes, its card was written for {size}"}


def link_again(folder):
    (folder / "best.ckpt").unlink()
    (folder / "best.ckpt").symlink_to("epoch-01_step-000020_hmean-0.8000.ckpt")
    return {"aliases": ["best", "last"]}


def lose_card(folder):
    card_path(folder / "epoch-01_step-000020_hmean-0.8000.ckpt").unlink()
    return {"state": NO_CARD}


@pytest.mark.parametrize("change", [edit_card, edit_card_and_set_its_time_back, cut_off, link_again, lose_card])
def test_whatever_is_changed_in_place_is_seen(outputs, change):
    def row():
        (found,) = (row for row in Catalog([outputs]).find() if "step-000020" in row["path"])
        return found

    before = row()
    told = change(outputs / "2026-01-02" / "03-04-05" / "checkpoints")
    after = row()
    assert told.items() <= after.items()
    assert not told.items() <= before.items()
    brief = next(row for row in Catalog([outputs]).brief() if row[0] == after["path"])
    assert brief == [after.get(name) for name in BRIEF]


@pytest.mark.parametrize("sort", ["-created", "created", "score", "-score", "path", "-epoch", "run_id"])
def test_what_a_table_needs_is_what_is_found(outputs, sort, make_checkpoint):
    spoil_none(outputs / "bad" / "checkpoints", make_checkpoint)
    (outputs / "bad" / "checkpoints" / "gone.metadata.json").write_text("{}")
    catalogs = [Catalog([outputs, outputs / "2026-01-02"]) for _ in range(2)]
    brief = catalogs[0].brief(sort=sort, limit=4)
    assert brief == [[row.get(name) for name in BRIEF] for row in catalogs[1].find(sort=sort, limit=4)]
    assert catalogs[0].problems == catalogs[1].problems
    assert len(catalogs[0].problems) == 2


def spoil_size(folder, make_checkpoint):
    path = make_checkpoint(folder, "a")
    path.write_bytes(b"longer than it was")
    return f"damaged: 18 bytes, its card was written for {len('a')}"


def spoil_card(folder, make_checkpoint):
    card_path(make_checkpoint(folder, "a")).write_text('{"schema_version": 1, "na')
    return "Invalid JSON"


def spoil_version(folder, make_checkpoint):
    card_path(make_checkpoint(folder, "a")).write_text('{"schema_version": 99}')
    return "schema_version: Input should be 1"


def spoil_second(folder, make_checkpoint):
    path = make_checkpoint(folder, "a")
    path.with_name("a.metadata.yaml").write_text("schema_version: '1.0'")
    return "two cards: a.metadata.json, a.metadata.yaml"


def spoil_none(folder, make_checkpoint):
    make_checkpoint(folder, "a", card=False)
    return NO_CARD


@pytest.mark.parametrize("spoil", [spoil_size, spoil_card, spoil_version, spoil_second, spoil_none])
def test_a_checkpoint_that_is_not_whole_is_listed_with_its_reason_and_the_rest_goes_on(outputs, spoil, make_checkpoint):
    reason = spoil(outputs / "bad" / "checkpoints", make_checkpoint)
    catalog = Catalog([outputs])
    rows = catalog.find()
    assert len(rows) == 4
    (problem,) = catalog.problems
    assert problem.path.endswith("bad/checkpoints/a.ckpt")
    assert reason in problem.reason
    assert all(row["encoder"] not in (None, "unknown", "None") for row in rows)
    assert not [row for row in catalog.best() if "bad" in row["path"]]


def test_a_copy_of_a_run_is_a_problem_and_a_second_name_is_none(outputs, tmp_path):
    run = outputs / "2026-01-02" / "03-04-05"
    (tmp_path / "link").symlink_to(outputs)
    catalog = Catalog([outputs, tmp_path / "link", run.parent])
    assert len(catalog.find_runs()) == 2
    assert catalog.problems == []
    copy = shutil.copytree(run, run.with_name("copy"), symlinks=True)
    catalog = Catalog([outputs])
    assert [row["folder"] for row in catalog.find_runs("id=r1")] == [str(run)]
    (problem,) = catalog.problems
    assert problem.path == str(copy)
    assert f"it has the id of {run}; remove the one that is a copy" in problem.reason
    record = copy / RECORD
    record.write_text(record.read_text().replace('"r1"', '"r4"'))
    catalog = Catalog([outputs])
    assert {"r1", "r4"} <= {row["id"] for row in catalog.find_runs()}
    assert catalog.problems == []


def test_a_record_that_cannot_be_read_is_a_row_with_its_reason(outputs):
    (outputs / "broken").mkdir()
    (outputs / "broken" / RECORD).write_text('{"schema_version": 1')
    catalog = Catalog([outputs])
    assert len(catalog.find_runs()) == 3
    assert [(p.path, "Invalid JSON" in p.reason) for p in catalog.problems] == [(str(outputs / "broken"), True)]


def test_folders_that_loop_or_cannot_be_read_stop_nothing(outputs, monkeypatch):
    (outputs / "loop").symlink_to(outputs)
    real = os.scandir

    def scandir(path):
        if str(path).endswith("sweep"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    catalog = Catalog([outputs])
    assert len(catalog.find()) == 2
    assert [p.reason for p in catalog.problems] == ["cannot be read: Permission denied"]


def test_names_that_are_no_text_and_cards_that_loop_are_problems_and_the_rest_goes_on(outputs, make_checkpoint):
    looping = make_checkpoint(outputs / "looping", "a", card=False)
    card_path(looping).symlink_to(card_path(looping))
    os.makedirs(os.fsencode(outputs) + b"/latin-\xe9/checkpoints")
    inside = os.fsencode(outputs) + b"/2026-01-02/named"
    os.makedirs(inside)
    Path(os.fsdecode(inside + b"/\xe9.ckpt")).write_bytes(b"x")
    catalog = Catalog([outputs])
    assert len(catalog.find()) == 4
    reasons = {os.path.relpath(path, outputs): reason for path, reason in catalog.problems}
    assert reasons == {
        "looping/a.metadata.json": "cannot be read: Too many levels of symbolic links",
        "looping/a.ckpt": NO_CARD,
        "latin-\udce9": "cannot be listed: a name that is not UTF-8; rename it",
        "2026-01-02/named": "cannot be listed: a name that is not UTF-8; rename it",
    }
    assert len(catalog.find_runs()) == 2


def test_a_root_that_is_missing_or_cannot_be_written(outputs, tmp_path, monkeypatch):
    with pytest.raises(RecordError, match=r"nowhere: no such folder; name the one that holds the runs with --root"):
        Catalog([tmp_path / "nowhere"]).find()
    monkeypatch.setattr("ocr.records.catalog.INDEX", "no/such/folder.sqlite")
    assert len(Catalog([outputs]).find()) == 3


OLD_NAMES = {
    "epoch_epoch_22_step_step_001932_20251018": (22, 1932),
    "epoch_09_step_002730": (9, 2730),
    "epoch=67-step=18564": (67, 18564),
    "epoch-03_step-000123_hmean-0.8920": (3, 123),
    "best-hmean-0.8920": (None, None),
    "last": (None, None),
}


@pytest.mark.parametrize(("name", "told"), OLD_NAMES.items())
def test_names_and_configs_of_old_layouts_tell_what_they_can(tmp_path, name, told, make_checkpoint):
    folder = tmp_path / "dbnet-resnet18_20251018" / "checkpoints"
    make_checkpoint(folder, name, card=False)
    (folder.parent / ".hydra").mkdir()
    config = {"model": {"architecture_name": "dbnet", "component_overrides": {"encoder": {"model_name": "resnet18"}}}}
    (folder.parent / ".hydra" / "config.yaml").write_text(yaml.safe_dump(config))
    (row,) = Catalog([tmp_path]).find()
    assert (row.get("epoch"), row.get("step")) == told
    assert (row["encoder"], row["inferred"], row["state"]) == ("resnet18", True, NO_CARD)
    if "hmean" in name:
        assert row["metrics"] == {"hmean": 0.892}


@pytest.mark.old_layouts
@pytest.mark.parametrize("form", ["yaml", "json"])
def test_old_sidecars_are_read_with_a_warning_and_can_be_turned_off(
    tmp_path, form, monkeypatch, make_checkpoint, old_card
):
    make_checkpoint(tmp_path, "a", card=False)
    text = yaml.safe_dump(old_card) if form == "yaml" else json.dumps(old_card)
    (tmp_path / f"a.metadata.{form}").write_text(text)
    with pytest.warns(
        DeprecationWarning, match=r"of an old layout; .* to outputs/2025-10-18/10-00-00; .* version 1\.0"
    ):
        (row,) = Catalog([tmp_path]).find()
    assert (row["encoder"], row["decoder"], row["epoch"], row["step"]) == ("resnet18", "fpn", 0, 77)
    assert (row["score"], row["metrics"]["val/cleval"], row["state"]) == (0.8839, 0.9, WHOLE)
    monkeypatch.setenv(OLD_LAYOUTS, "off")
    (row,) = Catalog([tmp_path]).find()
    assert row["state"] != WHOLE


@pytest.mark.parametrize("text", ["", "a: [", "schema_version: '1.0'\n", "\udcff"])
def test_an_old_sidecar_that_cannot_be_read_is_a_problem(tmp_path, text, make_checkpoint):
    make_checkpoint(tmp_path, "a", card=False)
    (tmp_path / "a.metadata.yaml").write_bytes(text.encode(errors="surrogateescape"))
    catalog = Catalog([tmp_path])
    (row,) = catalog.find()
    assert row["encoder"] == NO_CARD
    assert [p.path for p in catalog.problems] == [row["path"]]


def test_readers_and_writers_at_once_see_whole_rows(outputs, make_checkpoint):
    code = (
        "import sys; from pathlib import Path; from ocr.records.catalog import Catalog\n"
        "for _ in range(15): assert len(Catalog([Path(sys.argv[1])]).find()) >= 3"
    )
    readers = [subprocess.Popen([sys.executable, "-c", code, str(outputs)]) for _ in range(3)]
    for n in range(20):
        make_checkpoint(outputs / "more" / "checkpoints", f"c{n}")
    assert [reader.wait() for reader in readers] == [0, 0, 0]
    assert len(Catalog([outputs]).find()) == 23


@pytest.mark.postgres
def test_a_shared_database_shows_the_runs_of_other_hosts(outputs, tmp_path, postgres_url, monkeypatch, make_run):
    monkeypatch.setenv("OCR_REGISTRY_URL", postgres_url)
    with open_store(outputs) as store:
        store.clear()
    there = tmp_path / "there"
    make_run(there / "run", "r3")
    monkeypatch.setattr("ocr.records.catalog.host_name", lambda: "elsewhere")
    register(there, there / "run")
    monkeypatch.undo()
    monkeypatch.setenv("OCR_REGISTRY_URL", postgres_url)
    assert {"r1", "r2", "r3"} <= {row["id"] for row in Catalog([outputs]).find_runs()}
    assert not (outputs / INDEX).exists()
