"""What the doctor says of bare checkpoints, and the cards it writes."""

from dataclasses import replace

import pytest
import torch
import yaml

from ocr.records.checkpoint import read_card
from ocr.records.layout import card_path
from ocr.training.doctor import examine


@pytest.fixture
def run(tiny, tiny_home):
    """A run with two checkpoints that have lost their cards, and what the cards said."""
    tiny("trainer.max_epochs=2", f"hydra.run.dir={tiny_home / 'run'}")
    folder = tiny_home / "run" / "checkpoints"
    files = sorted(path for path in folder.glob("epoch-*.ckpt"))
    cards = [read_card(path) for path in files]
    for path in files:
        card_path(path).unlink()
    return files, cards


def test_a_lost_card_is_written_again(run):
    (first, last), cards = run
    assert examine(last, dry_run=True)["done"] == "its card would be written"
    assert not card_path(last).exists()
    for path, card in zip((first, last), cards, strict=True):
        finding = examine(path, dry_run=False)
        assert (finding["done"], finding["problem"]) == ("its card was written", "")
        assert finding["is"].endswith(f"epoch {card.epoch}, step {card.step}")
        again = read_card(path)
        assert replace(again, created=card.created, metrics=card.metrics) == card
        score = {metric.name: metric.value for metric in again.metrics}["val/hmean"]
        assert score == pytest.approx({m.name: m.value for m in card.metrics}["val/hmean"])
        assert examine(path, dry_run=False)["done"] == "nothing: its card is right"


def test_what_cannot_be_helped_is_said(run, tmp_path):
    (first, last), _ = run
    config = first.parent.parent / ".hydra" / "resolved.yaml"
    content = yaml.safe_load(config.read_text())
    content["model"]["network"]["width"] = 16
    config.write_text(yaml.safe_dump(content))
    assert "network.layers.0.weight has shape (8, 4), the model (16, 4)" in examine(first, dry_run=False)["problem"]
    config.write_text("model: {encoder: {model_name: resnet18}}")
    assert "is of an old layout, from which no card can be written" in examine(first, dry_run=False)["problem"]
    moved = tmp_path / "elsewhere" / "a.ckpt"
    moved.parent.mkdir()
    moved.write_bytes(last.read_bytes())
    finding = examine(moved, dry_run=False)
    assert "no config is saved near it" in finding["problem"]
    assert finding["is"].startswith("0.00 million numbers in network.layers, epoch 1, step 16")
    torch.save({"state_dict": {"head.weight": torch.ones(4)}, "charset": ["a", "b"]}, moved)
    assert examine(moved, dry_run=False)["is"] == "0.00 million numbers in head.weight, a recognizer of 2 characters"
    moved.write_bytes(b"x")
    assert examine(moved, dry_run=False) == {
        "path": str(moved),
        "is": "no checkpoint",
        "done": "nothing",
        "problem": "damaged or no checkpoint (its end is missing, or it is another file)",
    }
