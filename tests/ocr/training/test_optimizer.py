"""The optimizer comes from train.optimizer or model.optimizer, with every parameter its class has."""

import inspect
from itertools import pairwise

import pytest
import torch

from ocr.errors import ConfigError
from ocr.training import schedule
from ocr.training.build import optimizer_of, scheduler_of
from ocr.training.hydra_app import compose, resolve
from ocr.training.instantiate import instantiate

ADAMW = {"_target_": "torch.optim.adamw.AdamW", "_partial_": True, "lr": 0.1}


def build(node):
    return instantiate(node)([torch.nn.Parameter(torch.zeros(3))])


@pytest.mark.parametrize("place", ["train", "model"])
def test_either_place_is_used(place):
    config = {"train": {"optimizer": None}, "model": {}, place: {"optimizer": ADAMW}}
    assert build(optimizer_of(config)).defaults["lr"] == 0.1


def test_both_places_is_an_error_that_names_them():
    with pytest.raises(ConfigError, match=r"train\.optimizer and model\.optimizer are both set; keep one"):
        optimizer_of({"train": {"optimizer": ADAMW}, "model": {"optimizer": ADAMW}})
    with pytest.raises(ConfigError, match=r"train\.scheduler and model\.scheduler are both set"):
        scheduler_of({"train": {"scheduler": ADAMW}, "model": {"scheduler": ADAMW}})


@pytest.mark.parametrize("config", [{"train": None, "model": {}}, {"train": {"optimizer": None}, "model": {}}])
def test_neither_place_is_an_error_that_says_how_to_set_one(config):
    with pytest.raises(ConfigError, match=r"there is no optimizer: set train\.optimizer"):
        optimizer_of(config)


# A value other than the default for each parameter that the class has; a new one of torch fails here.
VALUES = {
    "lr": 0.0123,
    "betas": [0.8, 0.95],
    "eps": 1e-6,
    "weight_decay": 0.05,
    "amsgrad": True,
    "foreach": True,
    "maximize": True,
    "capturable": True,
    "differentiable": True,
    "fused": True,
    "decoupled_weight_decay": True,
}


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_every_parameter_reaches_the_optimizer(name):
    node = resolve(compose([f"train/optimizer={name}"]))["train"]["optimizer"]
    cls = type(build(node))
    parameters = [p for p in inspect.signature(cls).parameters if p != "params"]
    assert set(parameters) == set(node) - {"_target_", "_partial_"}
    settings = [f"train.optimizer.{parameter}={VALUES[parameter]}" for parameter in parameters]
    changed = resolve(compose([f"train/optimizer={name}", *settings]))["train"]["optimizer"]
    for parameter in parameters:
        assert changed[parameter] == VALUES[parameter]
        # One at a time, as some of them exclude one another.
        got = build(node | {parameter: changed[parameter]}).defaults[parameter]
        assert (list(got) if isinstance(got, tuple) else got) == VALUES[parameter]
        assert node[parameter] != VALUES[parameter]


def rates(name, total=100, **settings):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = getattr(schedule, name)(optimizer, total, **settings)
    seen = []
    for _ in range(total):
        seen.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return seen


@pytest.mark.parametrize(
    ("name", "settings", "start", "peak_at", "end"),
    [
        ("cosine", {"warmup": 0.1, "floor": 0.01}, 1 / 11, 10, 0.01),
        ("poly", {"warmup": 0.0, "power": 0.9}, 1.0, 0, 0.0),
        ("one_cycle", {"warmup": 0.3, "start_factor": 0.04, "end_factor": 1e-4}, 0.04, 30, 1e-4),
        ("constant", {"warmup": 0.05}, 1 / 6, 5, 1.0),
    ],
)
def test_schedules_rise_to_the_rate_and_fall_to_their_end(name, settings, start, peak_at, end):
    seen = rates(name, **settings)
    assert seen[0] == pytest.approx(start)
    assert max(seen) == pytest.approx(1.0, abs=1e-3)
    assert seen.index(max(seen)) == pytest.approx(peak_at, abs=1)
    assert seen[-1] == pytest.approx(end, abs=0.02)
    assert all(a <= b for a, b in pairwise(seen[:peak_at]))
    assert all(a >= b - 1e-9 for a, b in pairwise(seen[peak_at:]))


def test_one_cycle_is_torchs_own():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 1.0, total_steps=50, pct_start=0.3, div_factor=25, final_div_factor=400, cycle_momentum=False
    )
    expected = []
    for _ in range(50):
        expected.append(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()
    ours = rates("one_cycle", 50, warmup=0.3, start_factor=0.04, end_factor=1e-4)
    assert ours == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["cosine", "poly", "one_cycle", "constant"])
def test_a_run_longer_or_shorter_than_foreseen_keeps_a_finite_rate(name):
    settings = {
        "cosine": {"warmup": 0.5, "floor": 0.0},
        "poly": {"warmup": 0.0, "power": 0.9},
        "one_cycle": {"warmup": 0.0, "start_factor": 0.04, "end_factor": 0.0},
        "constant": {"warmup": 1.0},
    }[name]
    for total in (1, 2, 3):
        assert all(0 <= rate <= 1 for rate in rates(name, total, **settings))
