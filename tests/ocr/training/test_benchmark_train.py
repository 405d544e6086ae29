"""The benchmark of training: its sides take steps in turn, and the plain loop's loss is ours."""

import importlib
import io
import json
import sys
from argparse import Namespace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from ocr.errors import OcrError
from ocr.recognition.batch import CropBatch
from ocr.text.charset import Charset
from ocr.training.build import build_module
from ocr.training.hydra_app import compose, resolve

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def part(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.fixture
def receipts(tmp_path):
    folder = tmp_path / "set"
    for name in ("img", "box"):
        (folder / name).mkdir(parents=True)
    image = np.full((300, 400, 3), 255, np.uint8)
    rows = []
    for y, text in ((20, "TOTAL 12.50"), (80, "CASH"), (140, "7")):
        cv2.putText(image, text, (20, y + 30), cv2.FONT_HERSHEY_SIMPLEX, 1, (0, 0, 0), 2)
        rows.append(f"15,{y},300,{y},300,{y + 40},15,{y + 40},{text}")
    cv2.imwrite(str(folder / "img" / "a.jpg"), image)
    (folder / "box" / "a.txt").write_text("\n".join(rows))
    return folder


def test_sides_take_their_steps_in_turn_and_are_compared(part, receipts, tmp_path):
    train = part("train")
    options = Namespace(data=receipts, batch_size=2, parseq="parseq_tiny")
    ((plain, _, ours, _),) = train.recognition_sides(options, tmp_path)
    train.measure([plain, ours], warm=1, steps=2)
    rows = [train.summary(side, plain, batch_size=2) for side in (plain, ours)]
    assert [len(side.steps) for side in (plain, ours)] == [2, 2]
    assert rows[0]["times_first_cpu"] == rows[0]["times_first_wall"] == 1
    assert all(row[key] > 0 for row in rows for key in ("gflop_per_step", "cpu_s_per_step", "times_first_cpu"))
    assert "ours, float32" in train.table("recognition", rows, 2)


def test_a_side_that_ends_early_is_named(part):
    train = part("train")
    side = train.Side("theirs", [sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(OcrError, match="theirs: ended before"):
        train.measure([side], warm=0, steps=1)


def test_docTR_gets_the_same_receipts_with_the_same_polygons(part, receipts, tmp_path):
    part("train").doctr_set(receipts, tmp_path / "doctr")
    labels = json.loads((tmp_path / "doctr" / "labels.json").read_text())
    assert labels["a.jpg"]["img_dimensions"] == [300, 400]
    assert labels["a.jpg"]["polygons"][1] == [[15, 80], [300, 80], [300, 120], [15, 120]]
    assert (tmp_path / "doctr" / "images" / "a.jpg").read_bytes() == (receipts / "img" / "a.jpg").read_bytes()


def test_a_process_waits_for_its_turn_and_answers_with_what_the_step_took(part, monkeypatch, capsys):
    turns = part("train_turns").Turns()
    monkeypatch.setattr("sys.stdin", io.StringIO("\n\n"))
    for _ in range(2):
        turns.begin()
        torch.ones(2, 3) @ torch.ones(3, 4)
        turns.end()
    first, second = (json.loads(line.removeprefix("TURN ")) for line in capsys.readouterr().out.splitlines())
    assert first["flops"] == 2 * 2 * 3 * 4
    assert second.keys() == {"wall", "cpu"}
    with pytest.raises(SystemExit):
        turns.begin()


def test_the_plain_loop_minimises_the_same_loss(part):
    config = resolve(compose(["model=parseq_tiny", "data=synthetic_recognition", "model.network.encoder_depth=1"]))
    module = build_module(config, Charset.default()).eval()
    texts = ("TOTAL 12.50", "7", "cash")
    images = torch.randn(3, 3, 32, 128)
    rows = [module.tokenizer.encode(text) for text in texts]
    ids = torch.tensor([row + [module.tokenizer.pad] * (max(map(len, rows)) - len(row)) for row in rows])
    torch.manual_seed(1)
    plain = part("train_sides").permutation_loss(module.network, module.tokenizer, images, ids, 6)
    torch.manual_seed(1)
    ours = module.loss(module.network, CropBatch(images, (128,) * 3, texts, (False,) * 3))
    torch.testing.assert_close(plain, ours)
