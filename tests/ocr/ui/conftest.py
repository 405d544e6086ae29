"""A folder with runs, checkpoints of both layouts and a report, and the pages as AppTest sees them."""

import csv
import math
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import yaml

from ocr.datasets.annotations import Sample
from ocr.datasets.synthetic import receipt
from ocr.evaluation.evaluate import evaluate
from ocr.evaluation.report import Report
from ocr.inference.shared import shared_engine

OLD_SIDECAR = """
schema_version: "1.0"
checkpoint_path: checkpoints/epoch-03.ckpt
exp_name: receipts_v1
created_at: "2025-06-01T10:00:00"
training: {epoch: 3, global_step: 400}
model:
  architecture: DBNet
  encoder: {name: timm_backbone, model_name: resnet18}
  decoder: {name: unet}
  head: {name: db_head}
  loss: {name: db_loss}
metrics: {precision: 0.8, recall: 0.7, hmean: 0.75}
checkpointing: {monitor: val/hmean, mode: max}
"""
SCRIPT = "from ocr.ui import {page}_page\n{page}_page.show()\n"
APP = """
import streamlit as st
from ocr.ui.navigation import PAGES, page

shown = st.navigation([page(name) for name in PAGES])
if "start" in st.session_state:
    st.switch_page(page(st.session_state.pop("start")))
shown.run()
"""


@pytest.fixture
def open_page():
    """Run a page of the app; what it raises fails the test."""

    def run(page: str):
        from streamlit.testing.v1 import AppTest

        app = AppTest.from_string(SCRIPT.format(page=page), default_timeout=600).run()
        assert not app.exception
        return app

    return run


@pytest.fixture
def open_app():
    """Run the whole app, at one of its pages; what it raises fails the test."""

    def run(start: str):
        from streamlit.testing.v1 import AppTest

        app = AppTest.from_string(APP, default_timeout=600)
        app.session_state["start"] = start
        app.run()
        assert not app.exception
        return app

    return run


def log_curves(folder: Path, steps: int, speed: float) -> None:
    with (folder / "metrics.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["epoch", "step", "train/loss", "val/hmean"])
        for step in range(0, steps, 10):
            rows.writerow(["", step, 0.2 + 2.5 * math.exp(-speed * step / 300), ""])
            if step % 100 == 0:
                rows.writerow([step // 100, step, "", 0.93 - 0.8 * math.exp(-speed * step / 250)])


@pytest.fixture
def outputs(tmp_path, make_run, make_checkpoint, monkeypatch):
    """Two runs that differ, a checkpoint each, one in the old layout, and one without a card."""
    root = tmp_path / "outputs"
    for number, (speed, rate) in enumerate([(1.0, 0.001), (1.6, 0.003)], start=1):
        folder = root / "2026-01-31" / f"12-00-0{number}"
        make_run(
            folder,
            f"20260131-12000{number}-aaaaa{number}",
            task="detection",
            overrides=[f"train.lr={rate}"],
            config="config.yaml",
            metrics={"val/hmean": 0.9 + number / 100},
            seed=number,
        )
        (folder / "config.yaml").write_text(yaml.safe_dump({"train": {"lr": rate, "epochs": 10}}))
        log_curves(folder, 1000, speed)
        make_checkpoint(folder / "checkpoints", "best", hmean=0.9 + number / 100, run_id=f"run-{number}")
    old = root / "old_run" / "checkpoints"
    make_checkpoint(old, "epoch-03", card=False)
    (old / "epoch-03.metadata.yaml").write_text(OLD_SIDECAR)
    make_checkpoint(root / "bare" / "checkpoints", "best", card=False)
    monkeypatch.setenv("OCR_UI_ROOTS", str(root))
    monkeypatch.delenv("OCR_UI_BUNDLES", raising=False)
    return root


@pytest.fixture(scope="session")
def trained_runs(tmp_path_factory) -> Path:
    """Two runs of `ocr train`, seconds each: the shipped graph at two steps, and a network with a threshold head."""
    folder = tmp_path_factory.mktemp("trained")
    small = ["data.train.0.pages=2", "data.val.0.pages=1", "data.batch_size=2", "data.crop_size=320", "logger=[csv]"]
    graph = ["model=dbnet_graph", "trainer.max_epochs=2", "train.optimizer.lr=0.0001"]
    whole = ["model=dbnet_mobilenetv3", "model.network.backbone.pretrained=false", "+trainer.max_steps=1"]
    for name, overrides in (("graph", graph), ("whole", whole)):
        place = f"hydra.run.dir=runs/{name}"
        command = [sys.executable, "-m", "ocr.cli.main", "train", *overrides, *small, place]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def trained(trained_runs, outputs, monkeypatch) -> dict[str, Path]:
    """Checkpoints of those runs among the others: first, second and whole; what is exported of them is kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(trained_runs / "cache"))
    shutil.copytree(trained_runs / "runs", outputs / "trained", symlinks=True)
    first, second = sorted(outputs.glob("trained/graph/checkpoints/epoch-*.ckpt"))
    (whole,) = outputs.glob("trained/whole/checkpoints/epoch-*.ckpt")
    return {"first": first, "second": second, "whole": whole}


@pytest.fixture(scope="session")
def report(tmp_path_factory) -> Path:
    """What `ocr eval --save` writes for three worn synthetic receipts and the shipped models."""
    folder = tmp_path_factory.mktemp("evaluated")
    reader = shared_engine().reader()

    def samples():
        for seed in (1, 2, 3):
            page = receipt(seed, severity=1.0, hangul=False)
            path = folder / f"{seed}.png"
            cv2.imwrite(str(path), cv2.cvtColor(page.image, cv2.COLOR_RGB2BGR))
            yield Sample(path, page.polygons, list(page.texts), [False] * len(page.texts), f"receipt {seed}")

    found: Report = evaluate(samples(), detector=reader.detector, recognizer=reader.recognizer, data="synthetic")
    path = folder / "report.json"
    path.write_text(found.model_dump_json(), encoding="utf-8")
    return path
