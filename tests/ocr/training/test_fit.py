"""A whole run through the application: what it prints, what it leaves, how it is refused, how it goes on."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ocr.records.checkpoint import read_card
from ocr.records.compare import difference
from ocr.records.run import read_record
from ocr.training import weights

TRAINER = "lightning.pytorch.trainer.trainer.Trainer"


def only_run(root: Path) -> Path:
    (record,) = root.glob("outputs/*/*/run.json")
    return record.parent


def test_a_run_leaves_record_metrics_checkpoints_and_cards(tiny, tiny_home):
    outcome = tiny("trainer.max_epochs=3", "callbacks.checkpoint.top_k=1", "run.tags=[first]")
    assert outcome.out.count("\n") == 1
    assert {"train/loss", "val/hmean"} <= outcome.metrics.keys()
    run = only_run(tiny_home)
    record = read_record(run)
    assert (record.status, record.task, record.tags) == ("completed", "detection", ["first"])
    assert record.metrics["val/hmean"] == pytest.approx(outcome.metrics["val/hmean"], abs=1e-3)
    assert record.id in (run / ".hydra" / "config.yaml").read_text()
    assert "${paths" in (run / ".hydra" / "config.yaml").read_text()
    assert (run / "metrics.csv").read_text().startswith("epoch")
    assert (run / "heartbeat").exists()
    # It learns, so the best is the newest: one checkpoint stays, under both aliases.
    checkpoints = run / "checkpoints"
    (kept,) = [p for p in checkpoints.glob("*.ckpt") if not p.is_symlink()]
    assert kept.name.startswith("epoch-02_step-000024_hmean-0.")
    assert {(checkpoints / f"{a}.ckpt").readlink().name for a in ("last", "best")} == {kept.name}
    assert record.checkpoints == [f"checkpoints/{kept.name}"]
    card = read_card(kept)
    assert (card.run_id, card.epoch, card.step, card.monitor) == (record.id, 2, 24, "val/hmean")
    assert {m.name: m.n for m in card.metrics} == {"val/hmean": 16}
    assert card.config_hash == record.config_hash
    assert card.data_manifest_hash == record.data_manifest_hash


def test_two_runs_of_the_same_thing_have_the_same_config(tiny, tiny_home):
    folders = [tiny_home / "one", tiny_home / "two"]
    for folder in folders:
        tiny("+trainer.max_steps=1", "logger=[csv,tensorboard]", f"hydra.run.dir={folder}")
    one, two = ((folder, read_record(folder)) for folder in folders)
    assert one[1].config_hash == two[1].config_hash
    assert "config" not in difference(one, two)
    tiny("+trainer.max_steps=1", "seed=5", f"hydra.run.dir={tiny_home / 'three'}")
    three = tiny_home / "three", read_record(tiny_home / "three")
    assert three[1].config_hash != one[1].config_hash
    assert {"seed"} <= difference(one, three)["config"].keys()


def test_fast_dev_run_ends_with_the_line_and_keeps_no_checkpoint(tiny, tiny_home):
    outcome = tiny("+trainer.fast_dev_run=True")
    assert "val/hmean" in outcome.metrics
    assert not list(tiny_home.rglob("*.ckpt"))
    assert read_record(only_run(tiny_home)).status == "completed"


def test_the_documented_overrides_work(tiny, tiny_home):
    tiny("+trainer.max_steps=2", "+trainer.limit_val_batches=1", f"hydra.run.dir={tiny_home / 'mine'}")
    assert read_record(tiny_home / "mine").step == 2


def test_a_folder_that_holds_a_run_is_refused_before_anything_is_written(tiny, tiny_home):
    mine = tiny_home / "mine"
    tiny("+trainer.max_steps=1", f"hydra.run.dir={mine}")
    before = {path: path.stat().st_mtime_ns for path in mine.rglob("*")}
    refused = tiny("+trainer.max_steps=1", f"hydra.run.dir={mine}", code=2)
    assert (
        refused.err == f"ocr train: {mine}: holds a run already; choose another hydra.run.dir, or add resume={mine}\n"
    )
    assert {path: path.stat().st_mtime_ns for path in mine.rglob("*")} == before


def state(run: Path) -> dict:
    return weights.load(run / "checkpoints" / "last.ckpt")


@pytest.mark.parametrize("ema", [[], ["callbacks=[default,ema]"]], ids=["plain", "ema"])
def test_resuming_ends_where_an_unbroken_run_ends(tiny, tiny_home, ema):
    tiny("trainer.max_epochs=4", f"hydra.run.dir={tiny_home / 'whole'}", *ema)
    (first,) = (tiny_home / "whole" / "checkpoints").glob("epoch-01_*.ckpt")
    tiny("trainer.max_epochs=4", f"resume={first}", f"hydra.run.dir={tiny_home / 'second'}", *ema)
    whole, resumed = state(tiny_home / "whole"), state(tiny_home / "second")
    assert resumed["epoch"] == whole["epoch"] == 3
    assert resumed["global_step"] == whole["global_step"] == 32
    for key, value in whole["state_dict"].items():
        torch.testing.assert_close(resumed["state_dict"][key], value, msg=key)
    assert resumed["lr_schedulers"] == whole["lr_schedulers"]
    torch.testing.assert_close(resumed["optimizer_states"], whole["optimizer_states"])


def test_a_checkpoint_holds_tensors_and_plain_json_values_only(tiny, tiny_home):
    tiny("trainer.max_epochs=1")

    def plain(node):
        if isinstance(node, torch.Tensor) or node is None:
            return True
        if isinstance(node, dict):
            return all(isinstance(k, str | int) and plain(v) for k, v in node.items())
        if isinstance(node, list | tuple):
            return all(map(plain, node))
        return type(node) in (str, int, float, bool)

    content = state(only_run(tiny_home))
    assert not [key for key, value in content.items() if not plain(value)]


def test_a_loss_that_is_not_finite_stops_the_run_names_the_batch_and_keeps_it(tiny, tiny_home):
    outcome = tiny("trainer.max_epochs=5", "data.spoiled=[13]", code=2)
    assert outcome.err.splitlines()[-1].startswith("ocr train: the loss is nan at epoch 0, batch ")
    assert "row-13" in outcome.err
    run = only_run(tiny_home)
    record = read_record(run)
    assert record.status == "failed"
    assert record.error.startswith("TrainingError: the loss is nan")
    (kept,) = (run / "logs").glob("nonfinite_*.pt")
    batch = torch.load(kept, weights_only=True)
    assert "row-13" in batch["names"]
    assert bool(batch["y"].isnan().any())
    assert not list(run.rglob("*.ckpt"))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["trainer.max_epoch=3"],
            f"trainer.max_epoch: there is no such key of {TRAINER}; did you mean trainer.max_epochs?",
        ),
        (
            ["+trainer.max_stepz=3"],
            f"command line: trainer.max_stepz: {TRAINER} has no parameter max_stepz; did you mean max_steps?",
        ),
        (["+data.row=3"], "command line: data.row: tiny_ocr.TinyData has no parameter row; did you mean rows?"),
        (["experiment=nothing_like_it"], "Could not find 'experiment/nothing_like_it'"),
        (["model.network._target_=os.system"], "_target_ os.system is not among the targets of the shipped configs"),
        (
            ["data=receipts_detection"],
            "configs/data/receipts_detection.yaml: data.root has no value; give data.root=..., the folder that",
        ),
        (["data=receipts_recognition"], "configs/data/receipts_recognition.yaml: data.root has no value"),
        (["resume=nowhere"], "nowhere: no such file, folder or run below outputs"),
        (["resume=latest"], "no run with checkpoints/last.ckpt below it"),
        (["resume=no.ckpt"], "no.ckpt: no such checkpoint"),
        (["start=no.ckpt"], "no.ckpt: no such checkpoint"),
        (["callbacks.checkpoint.top_k=0"], "top_k 0 would keep no best checkpoint"),
        (["model.preprocess.max_side=-1"], "max_side"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_wrong_use_is_one_line_and_exit_code_2(tiny, overrides, message):
    outcome = tiny(*overrides, code=2)
    assert outcome.out == ""
    lines = [line for line in outcome.err.splitlines() if line.startswith("ocr train: ")]
    assert len(lines) == 1
    assert message in lines[0]
    assert "Traceback" not in outcome.err


def test_a_wrong_key_names_the_file_it_is_in(tiny, tiny_home):
    config = tiny_home / "configs" / "model" / "tiny.yaml"
    config.write_text(config.read_text().replace("width: 8", "width: 8\n  hight: 3"))
    outcome = tiny(code=2)
    assert outcome.err == (
        f"ocr train: {config}: model.network.hight: tiny_ocr.TinyNetwork has no parameter hight; it takes width\n"
    )
    assert read_record(only_run(tiny_home)).status == "failed"


def test_resume_latest_takes_up_the_newest_run_and_its_folder_can_be_the_same(tiny, tiny_home):
    mine = tiny_home / "outputs" / "mine"
    tiny("trainer.max_epochs=1", f"hydra.run.dir={mine}")
    run_id = read_record(mine).id
    tiny("trainer.max_epochs=2", "resume=latest", f"hydra.run.dir={mine}")
    record = read_record(mine)
    assert (record.id, record.status, record.epoch) == (run_id, "completed", 1)
    assert len(record.checkpoints) == 2
    tiny("trainer.max_epochs=3", f"resume={run_id[:-2]}")
    assert len(list(tiny_home.glob("outputs/*-*-*/*/run.json"))) == 1


def test_start_takes_the_weights_and_nothing_else(tiny, tiny_home):
    tiny("trainer.max_epochs=2", f"hydra.run.dir={tiny_home / 'a'}")
    best = tiny_home / "a" / "checkpoints" / "best.ckpt"
    tiny("trainer.max_epochs=1", f"start={best}", "train.optimizer.lr=0", f"hydra.run.dir={tiny_home / 'b'}")
    before, after = state(tiny_home / "a"), state(tiny_home / "b")
    assert after["global_step"] == 8
    name = "network.layers.0.weight"
    torch.testing.assert_close(after["state_dict"][name], before["state_dict"][name])
    card = read_card((tiny_home / "b" / "checkpoints" / "last.ckpt").resolve())
    assert card.start.source == f"run {read_record(tiny_home / 'a').id}"
    assert card.start.licence == "Apache-2.0"


def test_a_sweep_gives_each_job_a_folder_and_id_of_its_own(tiny, tiny_home):
    tiny("+trainer.max_steps=1", "data.batch_size=4,8", "-m")
    folders = sorted(path.parent for path in tiny_home.glob("outputs/*/*/*/run.json"))
    assert [folder.name for folder in folders] == ["0", "1"]
    assert len({read_record(folder).id for folder in folders}) == 2
    assert [json.loads((f / "run.json").read_text())["overrides"][-1] for f in folders] == [
        "data.batch_size=4",
        "data.batch_size=8",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        "model=dbnet_mobilenetv3 data=synthetic_detection model.network.backbone.pretrained=false data.train.0.pages=2 "
        "data.val.0.pages=1 data.crop_size=64",
        "model=ctc_small data=synthetic_recognition data.train.0.count=16 data.val.0.count=8",
    ],
    ids=["detection", "recognition"],
)
def test_overfitting_runs(tmp_path, settings):
    """On the same batch again and again: the trainer takes the loaders apart for it."""
    command = [sys.executable, "-m", "ocr.cli.main", "train", *settings.split(), "data.batch_size=2", "logger=[csv]"]
    command += ["+trainer.overfit_batches=1", "trainer.max_epochs=2", "hydra.run.dir=run"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert read_record(tmp_path / "run").step == 2
