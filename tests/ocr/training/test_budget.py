"""Runs that fit a given time: what is planned, how they end, and that several make one."""

import pytest
import torch

from ocr.errors import ConfigError
from ocr.records.checkpoint import read_card
from ocr.records.run import read_record
from ocr.training import budget, weights
from ocr.training.budget import Plan, Probe, make_plan, planned, with_budget
from ocr.training.hydra_app import compose, resolve

FOUR_ROUNDS = Plan(
    batch_size=16,
    learning_rate=0.01,
    samples_per_second=100.0,
    validation_seconds=0.1,
    batches=3,
    epochs=8,
    validate_every=2,
)


@pytest.fixture
def still(monkeypatch):
    """A clock that stands still, so that a plan is a matter of arithmetic."""
    monkeypatch.setattr(budget, "now", lambda: 100.0)


def config(*overrides):
    return resolve(compose(["model=dbnet_mobilenetv3", *overrides]))


@pytest.mark.parametrize("seconds", [600, 3600, 36000])
@pytest.mark.parametrize(
    "found",
    [
        Probe(4, 2.0, 96, 20.0),  # a detector on two cores
        Probe(64, 400.0, 300, 9.0),
        Probe(1024, 9000.0, 20, 2.0),
        Probe(32, 300.0, 1200, 0.0),  # nothing to validate on
    ],
    ids=str,
)
def test_a_plan_fits_its_time_and_uses_most_of_it(still, monkeypatch, found, seconds):
    monkeypatch.setattr(budget, "fastest", lambda config, until: found)
    plan = make_plan(config(), seconds)
    steps, rounds = plan.epochs * plan.batches, plan.epochs // plan.validate_every
    assert plan.epochs % plan.validate_every == 0
    assert plan.batches <= found.batches
    planned_seconds = steps * found.batch_size / found.samples_per_second + rounds * found.validation_seconds
    assert 0.6 * seconds < planned_seconds < seconds
    assert rounds <= 1.5 * budget.MOST_ROUNDS
    assert plan.learning_rate == pytest.approx(0.001 * found.batch_size / 4)


def test_a_time_too_short_to_learn_in_is_refused(still, monkeypatch):
    monkeypatch.setattr(budget, "fastest", lambda config, until: Probe(4, 2.0, 96, 20.0))
    with pytest.raises(ConfigError, match=r"1\.0 minutes are too short: a step takes 2\.0 s, a validation 20\.0 s"):
        make_plan(config(), 60)


def test_the_config_of_a_plan_says_all_of_it():
    made = planned(config(), FOUR_ROUNDS)
    assert made["data"]["batch_size"] == 16
    assert made["train"]["optimizer"]["lr"] == 0.01
    trainer = made["trainer"]
    assert (trainer["max_epochs"], trainer["limit_train_batches"], trainer["check_val_every_n_epoch"]) == (8, 3, 2)
    assert Plan(**made["train"]["plan"]) == FOUR_ROUNDS
    assert str(FOUR_ROUNDS) == (
        "24 steps of 16 samples, learning rate 0.01 (100.0 samples/s), validation every 6 steps (0.1 s each)"
    )


@pytest.mark.parametrize(
    ("override", "named"),
    [("+trainer.max_steps=3", r"take trainer\.max_steps out"), ("trainer.devices=2", r"set trainer\.devices=1")],
)
def test_a_budget_alone_sets_the_length(override, named):
    with pytest.raises(ConfigError, match=named):
        with_budget(config("train.budget_minutes=1", override), None)
    assert with_budget(config(override), None) == config(override)


def test_larger_batches_are_taken_while_they_pay_and_fit(monkeypatch):
    speeds = {4: 10.0, 8: 15.0, 16: 25.0, 32: 26.0}
    asked = []

    def probe(config, batch_size, validate=False):
        asked.append(batch_size)
        return Probe(batch_size, speeds[batch_size], 400 // batch_size, 3.0 if validate else 0.0)

    monkeypatch.setattr(budget, "probe", probe)
    assert budget.fastest(config(), until=budget.now() + 60) == Probe(16, 25.0, 25, 3.0)
    assert asked == [4, 8, 16, 32]
    assert budget.fastest(config(), until=budget.now()) == Probe(4, 10.0, 100, 3.0)


def test_a_batch_that_does_not_fit_into_memory_ends_the_search(tiny, tiny_home, monkeypatch):
    note = budget._Clock.on_train_batch_end

    def full(self, trainer, module, outputs, batch, index):
        if len(batch["x"]) > 8:
            raise torch.OutOfMemoryError("no room")
        note(self)

    monkeypatch.setattr(budget._Clock, "on_train_batch_end", full)
    tiny("train.budget_minutes=0.2", f"hydra.run.dir={tiny_home / 'run'}")
    last = (tiny_home / "run" / "checkpoints" / "last.ckpt").resolve()
    assert read_card(last).config["train"]["plan"]["batch_size"] == 8


def test_a_run_with_a_budget_probes_and_ends_by_itself(tiny, tiny_home):
    outcome = tiny("train.budget_minutes=0.2", f"hydra.run.dir={tiny_home / 'run'}")
    record = read_record(tiny_home / "run")
    assert record.status == "completed"
    assert "plan: " in outcome.err
    assert outcome.metrics["train/samples_per_second"] > 0
    last = (tiny_home / "run" / "checkpoints" / "last.ckpt").resolve()
    plan = Plan(**read_card(last).config["train"]["plan"])
    assert 0 < record.step <= plan.epochs * plan.batches


def test_several_runs_that_resume_each_other_equal_one(tiny, tiny_home, monkeypatch):
    monkeypatch.setattr(budget, "make_plan", lambda config, seconds: FOUR_ROUNDS)
    tiny("train.budget_minutes=60", f"hydra.run.dir={tiny_home / 'whole'}")

    monkeypatch.setattr(budget, "UNEVEN", 1e9)  # no round seems to fit after the one that every run has
    last = None
    for step in (6, 12, 18, 24):
        folder = tiny_home / f"part-{step}"
        tiny("train.budget_minutes=60", f"hydra.run.dir={folder}", *([f"resume={last}"] if last else []))
        last = (folder / "checkpoints" / "last.ckpt").resolve()
        assert read_card(last).step == step
    whole, parts = (weights.load(path) for path in (tiny_home / "whole" / "checkpoints" / "last.ckpt", last))
    for key, value in whole["state_dict"].items():
        torch.testing.assert_close(parts["state_dict"][key], value, msg=key)
    assert parts["lr_schedulers"] == whole["lr_schedulers"]


def test_a_run_that_is_late_stops_inside_a_round_and_says_nothing_of_scores_it_did_not_take(
    tiny, tiny_home, monkeypatch
):
    monkeypatch.setattr(budget, "make_plan", lambda config, seconds: FOUR_ROUNDS)
    monkeypatch.setattr(budget, "SLACK", 1e9)
    tiny("train.budget_minutes=60", f"hydra.run.dir={tiny_home / 'late'}")
    last = (tiny_home / "late" / "checkpoints" / "last.ckpt").resolve()
    card = read_card(last)
    assert (card.step, card.metrics) == (1, [])
    assert "hmean" not in last.name
    monkeypatch.setattr(budget, "SLACK", 0.05)
    tiny("train.budget_minutes=60", f"resume={last}", f"hydra.run.dir={tiny_home / 'on'}")
    assert read_record(tiny_home / "on").step > 1
