from pathlib import Path

import pytest

from ocr.datasets.annotations import read_samples
from ocr.errors import ConfigError
from ocr.evaluation.tune import GRID, is_test_set, tune_detector


def test_thresholds_that_lose_every_line_come_last(pages, plain_detector):
    seen = []
    samples = list(read_samples(pages))
    trials = tune_detector(plain_detector, samples, threads=1, progress=lambda: seen.append(1))
    assert len(seen) == len(GRID) * len(samples)
    assert {(trial.binarize, trial.box_threshold) for trial in trials} == set(GRID)
    assert trials[0].hmean == 0.75
    assert [trial.hmean for trial in trials] == sorted((trial.hmean for trial in trials), reverse=True)
    # The pages' lines are found with a score of 0.65.
    assert all(trial.hmean == 0 for trial in trials if trial.box_threshold == 0.7)


def test_only_a_detector_can_be_tuned(pages, plain_recognizer):
    with pytest.raises(ConfigError, match="plain-recognizer: tuning needs a detection bundle"):
        tune_detector(plain_recognizer, list(read_samples(pages)))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("data/sroie/val", True),
        ("data/icdar2015/test", True),
        ("words/iiit5k_train", True),
        ("data/test/pages", True),
        ("sroie/train", False),
        ("mine/val", False),
    ],
)
def test_which_data_are_for_testing(path, expected, tmp_path):
    assert is_test_set(tmp_path.parents[-1] / Path(path)) is expected
