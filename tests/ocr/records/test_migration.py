"""The five old schemes into today's layout and back, whatever is wrong with them and whenever it is stopped."""

# preflight: ignore-file[HYD001] the old targets that migration rewrites

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from durable.journal import Journal
from ocr.cli.main import main
from ocr.errors import CardError, RecordError
from ocr.records.catalog import Catalog
from ocr.records.find import checkpoint_path
from ocr.records.layout import OLD_LAYOUTS, WHOLE
from ocr.records.legacy import CardV1
from ocr.records.migration.find import describe
from ocr.records.migration.journal import Ledger
from ocr.records.migration.rewrite import References
from ocr.records.run import edit_record, read_record
from ocr.records.upgrade import upgrade, usable_card

HANGUL = "영수증 'a' \"b\"\nc_20251003_101112"


def old_card(name: str, *, epoch: int, step: int, hmean: float, path: str, created: str) -> dict[str, Any]:
    """What the old code wrote beside a checkpoint (schema 1.0)."""
    return {
        "schema_version": "1.0",
        "checkpoint_path": path,
        "exp_name": name,
        "created_at": created,
        "training": {"epoch": epoch, "global_step": step, "training_phase": "training", "max_epochs": 9},
        "model": {
            "architecture": "dbnet",
            "encoder": {"model_name": "resnet18", "pretrained": True, "frozen": False},
            "decoder": {"name": "fpn_decoder", "in_channels": [64, 128], "inner_channels": 256, "params": {}},
            "head": {"name": "db_head", "in_channels": 256, "params": {"k": 50}},
            "loss": {"name": "db_loss", "params": {}},
        },
        "metrics": {"precision": 0.9, "recall": 0.8, "hmean": hmean, "additional_metrics": {"val/cleval": 0.7}},
        "checkpointing": {"monitor": "val/hmean", "mode": "max", "save_top_k": 3, "save_last": True},
        "hydra_config_path": ".hydra/config.yaml",
        "wandb_run_id": None,
    }


class OldRun:
    """Writes one old run."""

    def __init__(self, root: Path, relative: str, name: str, day: str = "2025-10-03", *, inside: str = "checkpoints"):
        self.relative, self.folder, self.name, self.day = relative, root / relative, name, day
        self.where = self.folder / inside
        self.inside = inside
        self.where.mkdir(parents=True)
        hydra = self.folder / ".hydra"
        hydra.mkdir()
        config = {
            "exp_name": name,
            "seed": 42,
            "dir": f"outputs/{relative}",
            "model": {
                "_target_": "ocr.core.models.architecture.OCRModel",
                "encoder": {"_target_": "ocr.core.models.encoder.TimmBackbone", "model_name": "resnet18"},
                "head": {"_target_": "ocr.domains.detection.models.heads.db_head.DBHead", "in_channels": 256},
            },
            "transforms": [{"_target_": "albumentations.LongestMaxSize", "max_size": 768}],
            "postprocess": {"thresh": 0.2, "box_thresh": 0.25, "max_candidates": 300, "use_polygon": True},
        }
        (hydra / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))
        (hydra / "overrides.yaml").write_text("- experiment=det_resnet50_v1\n- seed=42\n")
        (self.folder / "logs").mkdir()
        best = f"outputs/{relative}/{inside}/x.ckpt".replace("/./", "/")
        (self.folder / "logs" / "train.log").write_bytes(f"saved {best}\n".encode() + b"\xff not text\n")
        (self.folder / "submissions").mkdir()
        (self.folder / "submissions" / "20251003.json").write_text('{"images": {}}')

    def checkpoint(
        self, stem: str, epoch: int = 0, step: int = 0, hmean: float = 0.5, card: str = "yaml", **changes
    ) -> Path:
        """A small real checkpoint, with a sidecar as `card` says: yaml, json, both or none."""
        path = self.where / f"{stem}.ckpt"
        state = {"model.weight": torch.full((4, 4), epoch + hmean)}
        torch.save({"state_dict": state, "epoch": epoch, "global_step": step}, path)
        content = old_card(
            self.name,
            epoch=epoch,
            step=step,
            hmean=hmean,
            path=f"{self.inside}/{stem}.ckpt",
            created=f"{self.day}T{12 + epoch // 60}:{epoch % 60:02d}:00",
        )
        content |= changes
        if card in ("yaml", "both"):
            path.with_name(f"{stem}.metadata.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))
        if card in ("json", "both"):
            path.with_name(f"{stem}.metadata.json").write_text(json.dumps(content))
        return path


def build(root: Path) -> Path:
    """All five schemes below `root`, nothing wrong with them."""
    run = OldRun(root, "dbnet-resnet18_20251001_093000", "dbnet-resnet18", "2025-10-01")
    run.checkpoint("epoch_epoch_22_step_step_001932_20251001", 22, 1932, 0.6)
    run.checkpoint("epoch=67-step=18564", 67, 18564, 0.8, card="json")
    run.checkpoint("best-hmean-0.8000", 67, 18564, 0.8, card="both")
    other = OldRun(root, HANGUL, "영수증 'a' \"b\"\nc", inside=".")
    other.checkpoint("epoch_09_step_002730", 9, 2730, 0.7)
    (other.folder / "notes | and `ticks`.txt").write_text(
        f"see outputs/{HANGUL}/epoch_09_step_002730.ckpt, and outputs/3"
    )
    run = OldRun(root, "2025-10-18/10-11-12", "det", "2025-10-18")
    run.checkpoint("epoch-00_step-000077", 0, 77, 0.4)
    run.checkpoint("epoch-01_step-000154_hmean-0.8920", 1, 154, 0.892)
    run.checkpoint("last", 1, 154, 0.892)
    run = OldRun(root, "3", "indexed", "2025-11-05")
    run.checkpoint("epoch-02_step-000300", 2, 300, 0.3)
    (run.where / "last.ckpt").symlink_to("epoch-02_step-000300.ckpt")
    (root / ".experiment_index.json").write_text('{"last_index": 3}')
    run = OldRun(root, "experiments/train/detection/det_v2/20251210_111213_42", "det_v2", "2025-12-10")
    run.checkpoint("epoch-03_step-000400_hmean-0.9000", 3, 400, 0.9)
    entry = {
        "id": "exp_001",
        "name": "det_v2",
        "description": "the good one",
        "created_at": "2025-12-10T11:12:13",
        "config": {},
        "tags": ["paper"],
        "status": "completed",
    }
    (root / "experiments" / "registry.json").write_text(json.dumps({"exp_001": entry}))
    run = OldRun(root, "runs/2026-01-05/10-00-00", "single", "2026-01-05")
    run.checkpoint("epoch-04_step-000500", 4, 500, 0.45)
    for job in (0, 1):
        run = OldRun(root, f"sweeps/2026-01-06/11-00-00/{job}", "swept", "2026-01-06")
        run.checkpoint("epoch-05_step-000600", 5, 600, 0.5 + job / 10)
    (root / "sweeps/2026-01-06/11-00-00/multirun.yaml").write_text("hydra: {}\n")
    return root


def tree(root: Path) -> dict[str, object]:
    """Every file below a folder with its bytes, every link with what it points to."""
    return {
        str(p.relative_to(root)): os.readlink(p) if p.is_symlink() else p.read_bytes()
        for p in root.rglob("*")
        if p.is_symlink() or p.is_file()
    }


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    build(tmp_path / "outputs.old")
    return tmp_path


@pytest.fixture
def migrate(home, capsys):
    def run(*arguments: str, code: int = 0) -> dict:
        try:
            got = main(["migrate", *arguments, "--json"])
        except SystemExit as leaving:
            got = leaving.code
        out, err = capsys.readouterr()
        assert (got or 0) == code, (out, err)
        assert "Traceback" not in err
        run.err = err
        return json.loads(out) if out else {}

    return run


@pytest.mark.parametrize("how", ["copy", "move", "link"])
def test_all_schemes_migrate_verify_and_undo(home, migrate, how):
    before = tree(home / "outputs.old")
    planned = migrate("outputs", "outputs.old", f"--{how}", "--dry-run")
    assert os.listdir(home) == ["outputs.old"]
    done = migrate("outputs", "outputs.old", f"--{how}")
    keys = ("old", "new", "scheme", "run_id", "files", "checkpoints", "cards", "paths", "targets")
    assert [[run[key] for key in keys] for run in planned["runs"]] == [[r[key] for key in keys] for r in done["runs"]]
    assert done["summary"]["by_scheme"] == {"exp_name": 2, "experiments": 1, "index": 1, "runs": 3, "timestamp": 1}
    assert {run["old"]: run["new"] for run in done["runs"]}[HANGUL] == "2025-10-03/10-11-12"
    catalog = Catalog([home / "outputs"])
    assert {row["state"] for row in catalog.find()} == {WHOLE}
    assert catalog.problems == []
    assert catalog.best()[0]["epoch"] == 3
    found = migrate("verify")
    assert (found["checkpoints"], found["listed"], found["cards"], found["problems"]) == (12, 12, 12, [])
    new = tree(home / "outputs")
    again = migrate("outputs", "outputs.old", f"--{how}")
    assert again["summary"]["by_state"] == {"migrated before": 8}
    changed = {name for name, content in tree(home / "outputs").items() if new.get(name) != content}
    assert all(name.startswith("migration-report") or ".index" in name for name in changed)
    migrate("undo")
    assert tree(home / "outputs.old") == before
    assert os.listdir(home) == ["outputs.old"]


def test_what_is_inside_follows(home, migrate):
    migrate("outputs", "outputs.old")
    run = home / "outputs" / "2025-10-03" / "10-11-12"
    config = yaml.safe_load((run / ".hydra" / "config.yaml").read_text())
    assert config["dir"] == "outputs/2025-10-03/10-11-12"
    assert config["model"]["_target_"] == "ocr.detection.network.DBNet"
    text = (run / "notes | and `ticks`.txt").read_text()
    assert (
        text == "see outputs/2025-10-03/10-11-12/checkpoints/epoch_09_step_002730.ckpt, and outputs/2025-11-05/12-02-00"
    )
    log = home / "outputs" / "2025-11-05" / "12-02-00" / "logs" / "train.log"
    assert log.read_bytes() == b"saved outputs/2025-11-05/12-02-00/checkpoints/x.ckpt\n\xff not text\n"
    record = read_record(home / "outputs" / "2025-12-10" / "11-12-13")
    assert (record.name, record.status, record.tags, record.seed) == ("det_v2", "completed", ["migrated", "paper"], 42)
    report = (home / "outputs" / "migration-report.md").read_text()
    assert "- `.experiment_index.json`: no file of a run" in report


def test_bad_input_is_listed_and_the_rest_goes_on(home, migrate):
    old = home / "outputs.old"
    run = OldRun(old, "bad_20251020_101010", "bad", "2025-10-20")
    run.checkpoint("epoch-00_step-000001", 0, 1).with_name("epoch-00_step-000001.metadata.yaml").write_text("a: [")
    two = run.checkpoint("epoch-01_step-000002", 1, 2, card="both")
    two.with_name("epoch-01_step-000002.metadata.json").write_text(
        json.dumps(old_card("x", epoch=1, step=3, hmean=0.1, path="a", created="2025-10-20T12:00:00"))
    )
    run.checkpoint("epoch-05_step-000005", 5, 5, created_at="2025-10-20T12:50:00")
    run.checkpoint("epoch-06_step-000006", 6, 6, created_at="2025-10-20T12:40:00")
    run.checkpoint("epoch-07_step-000007", 7, 7, created_at="yesterday")
    (run.where / "gone.metadata.yaml").write_text("{}")
    (run.folder / "loop").symlink_to(run.folder)
    (run.folder / "self").symlink_to("self")
    (run.folder / "out.txt").symlink_to("/etc/hostname")
    os.mkfifo(run.folder / "pipe")
    os.makedirs(os.fsencode(old) + b"/\xff_20251020")
    (old / "experiments" / "registry.json").write_text("{")
    before = tree(old)
    done = migrate("outputs", "outputs.old", code=1)
    reasons = " | ".join(problem["reason"] for problem in done["problems"])
    for part in (
        "neither JSON nor YAML",
        "two cards that differ",
        "went backwards",
        "'yesterday' is no time",
        "its checkpoint is not there",
        "a link to a folder",
        "nowhere or in a circle",
        "out of its run",
        "no ordinary file",
        "not UTF-8",
        "not an experiment registry",
    ):
        assert part in reasons
    assert all(state == "migrated" for state in done["summary"]["by_state"])
    assert tree(old) == before
    found = migrate("verify", code=1)  # what could not be taken over is still named
    assert found["checkpoints"] == found["listed"] == 17
    migrate("undo")
    assert tree(old) == before


def test_killed_at_any_moment_it_goes_on_and_can_be_undone(home, migrate):
    before = tree(home / "outputs.old")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-m", "ocr.cli.main", "migrate", "outputs", "outputs.old", "--move"]
    for n in range(6):
        child = subprocess.Popen(command, cwd=home, env=environment, stdout=subprocess.DEVNULL)
        while child.poll() is None and not (home / "outputs" / ".migration.jsonl").exists():
            time.sleep(0.002)
        time.sleep(0.02 * n)
        child.send_signal(signal.SIGKILL)
        child.wait()
        if n == 2:
            migrate("undo")
            assert tree(home / "outputs.old") == before
    migrate("outputs", "outputs.old", "--move")
    assert migrate("verify")["listed"] == 12
    migrate("undo")
    assert tree(home / "outputs.old") == before


def test_a_full_disk_is_listed_and_the_same_command_goes_on(home, migrate):
    big = OldRun(home / "outputs.old", "big_20251021_101010", "big", "2025-10-21").checkpoint("epoch-00_step-000001")
    big.write_bytes(big.read_bytes() + bytes(300_000))
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "from ocr.cli.main import main; sys.exit(main(['migrate', 'outputs', 'outputs.old']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=home, capture_output=True, text=True)
    assert done.returncode == 1
    assert "big_20251021_101010/checkpoints/epoch-00_step-000001.ckpt: File too large" in done.stderr
    assert migrate("verify", code=1)["listed"] == 12
    assert migrate("outputs", "outputs.old")["summary"]["by_state"] == {"migrated": 1, "migrated before": 8}
    assert migrate("verify")["listed"] == 13


def test_a_disk_that_is_really_full_stops_one_file_and_the_same_command_goes_on(home, migrate, small_disk):
    before = tree(home / "outputs.old")
    big = OldRun(home / "outputs.old", "big_20251021_101010", "big", "2025-10-21").checkpoint("epoch-00_step-000001")
    big.write_bytes(big.read_bytes() + bytes(2_000_000))
    new = str(small_disk(1_500) / "outputs")
    done = migrate("outputs", "outputs.old", "--to", new, code=1)
    assert "No space left on device" in {problem["reason"] for problem in done["problems"]}
    assert migrate("verify", "--to", new, code=1)["listed"] < 13
    small_disk(9_000)
    migrate("outputs", "outputs.old", "--to", new)
    found = migrate("verify", "--to", new)
    assert (found["checkpoints"], found["listed"]) == (13, 13)
    migrate("undo", "--to", new)
    assert before.items() <= tree(home / "outputs.old").items()


def test_what_was_changed_since_is_said_and_left(home, migrate):
    migrate("outputs", "outputs.old")
    run = home / "outputs" / "2025-11-05" / "12-02-00"
    edit_record(run, lambda record: record.notes.append("mine"))
    checkpoint = next((run / "checkpoints").glob("epoch-*.ckpt"))
    checkpoint.write_bytes(b"other")
    reasons = [problem["reason"] for problem in migrate("verify", code=1)["problems"]]
    assert any("its SHA-256 begins with" in reason for reason in reasons)
    undone = migrate("undo", code=1)
    assert len(undone["problems"]) == 2
    assert checkpoint.read_bytes() == b"other"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["outputs", "nowhere"], "no such folder"),
        (["outputs", "outputs.old", "--to", "outputs.old/new"], "one lies in the other"),
        (["outputs", "outputs.old", "--move", "--link"], "choose one"),
        (["verify"], "nothing was migrated into it"),
        (["undo"], "nothing was migrated into it"),
    ],
)
def test_wrong_use_is_said(migrate, arguments, message):
    migrate(*arguments, code=2)
    assert message in migrate.err


@pytest.mark.old_layouts
def test_old_paths_lead_to_the_new_ones(home, migrate, monkeypatch):
    old = "outputs.old/2025-10-18/10-11-12/checkpoints/last.ckpt"
    with pytest.warns(DeprecationWarning, match=r"to outputs/2025-10-18/10-11-12; .* version 1\.0"):
        assert checkpoint_path(old, [Path("outputs")]) == home / old
    assert usable_card(Path(old)).epoch == 1
    migrate("outputs", "outputs.old", "--move")
    with pytest.warns(DeprecationWarning, match=r"is now outputs/2025-10-18/.* version 1\.0"):
        assert checkpoint_path(old, [Path("outputs")]) == home / "outputs/2025-10-18/10-11-12/checkpoints/last.ckpt"
    monkeypatch.setenv(OLD_LAYOUTS, "off")
    with pytest.raises(Exception, match="no such checkpoint"):
        checkpoint_path(old, [Path("outputs")])


@pytest.mark.old_layouts
def test_a_listing_of_an_old_tree_says_where_its_runs_go(home, capsys):
    show, listing = ["show", "outputs.old/3/checkpoints/last.ckpt", "--json"], ["list", "--root", "outputs.old"]
    for arguments, code in ((show, "0"), (listing, "1")):
        with pytest.raises(SystemExit, match=code):
            main(["checkpoints", *arguments])
    err = capsys.readouterr().err
    assert "ocr checkpoints: " in err
    assert "brings its run to outputs/" in err
    assert "more runs are of old layouts" in err
    assert "two cards: best-hmean-0.8000.metadata.json, best-hmean-0.8000.metadata.yaml" in err


def test_a_recognizer_needs_its_characters(tmp_path):
    card = old_card("parseq", epoch=0, step=1, hmean=0.1, path="a", created="2026-01-01T00:00:00")
    card["model"]["architecture"] = "parseq"
    card["metrics"]["hmean"] = float("nan")
    facts = {"sha256": "0" * 64, "size": 1, "near": tmp_path}
    with pytest.raises(CardError, match="no config near it names its characters"):
        upgrade(CardV1.model_validate(card), {}, **facts)
    config = {"tokenizer": {"charset_path": "charset.json"}}
    with pytest.raises(CardError, match=r"in charset\.json, which is not there"):
        upgrade(CardV1.model_validate(card), config, **facts)
    (tmp_path / "charset.json").write_text('{"charset": ["가", "나"]}')
    made = upgrade(CardV1.model_validate(card), config, **facts)
    assert (made.charset, made.task) == (["가", "나"], "recognition")
    assert "Not a finite number: val/hmean." in made.notes


def test_references_stop_where_names_stop():
    references = References(Path("/w/outputs"), Path("new"), {"3": "a/b", "x_20250101": "c/d", "x_20250101 2": "e/f"})
    for text, new in {
        "outputs/3/z": "new/a/b/z",
        "outputs/30/z outputs/3 layers": "outputs/30/z outputs/3 layers",
        "./outputs/x_20250101.": "./outputs/x_20250101.",
        "(outputs/x_20250101)": "(new/c/d)",
        "/data/outputs/x_20250101 2/a": f"{Path('new').absolute()}/e/f/a",
    }.items():
        assert references.replace(text)[0] == new
    assert references.rewrite("a.bin", b"outputs/3/") is None
    assert references.rewrite("a.json", b"{outputs/3/") == (b"{new/a/b/", 1, 0)


def test_a_single_run_and_an_impossible_stamp(home, migrate):
    done = migrate("outputs", "outputs.old/2025-10-18/10-11-12")
    assert [run["new"] for run in done["runs"]] == ["2025-10-18/10-11-12"]
    assert describe(Path("a"), "x_20259999_101010").started is None


def test_the_best_checkpoint_is_one_with_a_score(home, migrate):
    run = OldRun(home / "outputs.old", "dbnet_20251101_090000", "dbnet", "2025-11-01")
    run.checkpoint("a", 1, 10, float("nan"))
    run.checkpoint("b", 0, 5, 0.88)
    migrate("outputs", f"outputs.old/{run.relative}")
    new = home / "outputs" / "2025-11-01" / "09-00-00" / "checkpoints"
    assert os.readlink(new / "best.ckpt") == "b.ckpt"
    migrate("verify")


def test_a_journal_of_another_version_is_refused(home, migrate):
    migrate("outputs", "outputs.old")
    Journal(home / "outputs" / ".migration.jsonl").append({"do": "done", "run": "?"})
    with pytest.raises(RecordError, match="written by another version"):
        Ledger(home / "outputs")
